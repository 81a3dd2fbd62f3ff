// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
)

// surroundings is a document of the tests: what a World knows beside objects.
type surroundings struct {
	metav1.TypeMeta `json:",inline"`
	Cluster         *bundle.Cluster   `json:"cluster,omitempty"`
	IssuerKeys      map[string]string `json:"issuerKeys,omitempty"`
}

// metaObject is a Namespace or a ServiceAccount, as far as the compiler looks at one.
type metaObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}

// loadWorld reads in.yaml, and last.yaml with the resource servers that were accepted last, from a folder.
func loadWorld(tb testing.TB, dir string) compile.World {
	tb.Helper()
	var w compile.World
	loadInto(tb, &w, filepath.Join(dir, "in.yaml"))
	last := filepath.Join(dir, "last.yaml")
	if _, err := os.Stat(last); err == nil {
		var before compile.World
		loadInto(tb, &before, last)
		w.LastAccepted = map[types.NamespacedName]v1alpha1.ResourceServer{}
		for _, rs := range before.ResourceServers {
			w.LastAccepted[types.NamespacedName{Namespace: rs.Namespace, Name: rs.Name}] = rs
		}
	}
	return w
}

func loadInto(tb testing.TB, w *compile.World, file string) {
	tb.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	parseInto(tb, w, raw)
}

// parseWorld reads the documents of one text.
func parseWorld(tb testing.TB, text string) compile.World {
	tb.Helper()
	var w compile.World
	parseInto(tb, &w, []byte(text))
	return w
}

func parseInto(tb testing.TB, w *compile.World, raw []byte) {
	tb.Helper()
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			tb.Fatal(err)
		}
		if asJSON, err := yaml.YAMLToJSON(document); err != nil || string(asJSON) != "null" {
			addDocument(tb, w, document)
		}
	}
}

func addDocument(tb testing.TB, w *compile.World, document []byte) {
	tb.Helper()
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		tb.Fatal(err)
	}
	switch kind.Kind {
	case "ResourceServer":
		w.ResourceServers = append(w.ResourceServers, decode[v1alpha1.ResourceServer](tb, document))
	case "DelegationPolicy":
		w.Policies = append(w.Policies, decode[v1alpha1.DelegationPolicy](tb, document))
	case "ServiceDelegation":
		w.ServiceDelegations = append(w.ServiceDelegations, decode[v1alpha1.ServiceDelegation](tb, document))
	case "TrustedIssuer":
		w.Issuers = append(w.Issuers, decode[v1alpha1.TrustedIssuer](tb, document))
	case "DelegationGrant":
		w.Grants = append(w.Grants, decode[v1alpha1.DelegationGrant](tb, document))
	case "DelegationRevocation":
		w.Revocations = append(w.Revocations, decode[v1alpha1.DelegationRevocation](tb, document))
	case "Namespace":
		o := decode[metaObject](tb, document)
		w.Namespaces = append(w.Namespaces, compile.Namespace{Name: o.Name, Labels: o.Labels, UID: string(o.UID)})
	case "ServiceAccount":
		o := decode[metaObject](tb, document)
		w.ServiceAccounts = append(w.ServiceAccounts,
			compile.ServiceAccount{Namespace: o.Namespace, Name: o.Name, UID: string(o.UID)})
	case "Surroundings":
		o := decode[surroundings](tb, document)
		w.Cluster, w.IssuerKeys = o.Cluster, o.IssuerKeys
	default:
		tb.Fatalf("kind %q is not one that these tests know", kind.Kind)
	}
}

func decode[T any](tb testing.TB, document []byte) T {
	tb.Helper()
	var object T
	if err := yaml.UnmarshalStrict(document, &object); err != nil {
		tb.Fatalf("%v in\n%s", err, document)
	}
	return object
}
