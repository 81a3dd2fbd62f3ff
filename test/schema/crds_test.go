// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

var kinds = []string{
	"DelegationGrant", "DelegationPolicy", "DelegationRevocation", "ResourceServer", "ServiceDelegation", "TrustedIssuer",
}

func readCRDs(t *testing.T) []apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	files, err := filepath.Glob(crds + "/bases/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all []apiextensionsv1.CustomResourceDefinition
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(data, &crd); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, crd)
	}
	return all
}

type schemaNode = apiextensionsv1.JSONSchemaProps

// walk visits every part of a kind's schema; path is that of a field, without the indexes of lists.
func walk(node *schemaNode, path string, visit func(path string, node *schemaNode)) {
	visit(path, node)
	for name := range node.Properties {
		child := node.Properties[name]
		walk(&child, strings.TrimPrefix(path+"."+name, "."), visit)
	}
	if node.Items != nil && node.Items.Schema != nil {
		walk(node.Items.Schema, path, visit)
	}
	if node.AdditionalProperties != nil && node.AdditionalProperties.Schema != nil {
		walk(node.AdditionalProperties.Schema, path+"{}", visit)
	}
}

func forEachField(t *testing.T, visit func(kind, path string, node *schemaNode)) {
	t.Helper()
	for _, crd := range readCRDs(t) {
		for i := range crd.Spec.Versions {
			walk(crd.Spec.Versions[i].Schema.OpenAPIV3Schema, "", func(path string, node *schemaNode) {
				visit(crd.Spec.Names.Kind, path, node)
			})
		}
	}
}

func TestThereAreSixKindsInTheCategoryBehalf(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"DelegationGrant":      "Namespaced dgrant",
		"DelegationPolicy":     "Cluster dpol",
		"DelegationRevocation": "Cluster drev",
		"ResourceServer":       "Namespaced rsrv",
		"ServiceDelegation":    "Namespaced sdel",
		"TrustedIssuer":        "Cluster tiss",
	}
	found := map[string]bool{}
	for _, crd := range readCRDs(t) {
		names := crd.Spec.Names
		found[names.Kind] = true
		if got := string(crd.Spec.Scope) + " " + strings.Join(names.ShortNames, ","); got != want[names.Kind] {
			t.Errorf("%s is %q, want %q", names.Kind, got, want[names.Kind])
		}
		if !slices.Equal(names.Categories, []string{"behalf"}) {
			t.Errorf("%s is in the categories %q, want behalf", names.Kind, names.Categories)
		}
		for i := range crd.Spec.Versions {
			if version := &crd.Spec.Versions[i]; version.Subresources == nil || version.Subresources.Status == nil {
				t.Errorf("%s %s has no status of its own: whoever writes the spec would write the status too", names.Kind, version.Name)
			}
		}
	}
	for kind := range want {
		if !found[kind] {
			t.Errorf("%s has no CRD in %s/bases: run make generate", kind, crds)
		}
	}
}

func TestTheKustomizationNamesEveryCRD(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(crds + "/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kustomization struct {
		Resources []string `json:"resources"`
	}
	if err := yaml.Unmarshal(data, &kustomization); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(crds + "/bases/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i] = "bases/" + filepath.Base(files[i])
	}
	slices.Sort(kustomization.Resources)
	if !slices.Equal(files, kustomization.Resources) {
		t.Errorf("kustomization.yaml names %q, and the CRDs are %q", kustomization.Resources, files)
	}
}

func TestEveryFieldIsExplained(t *testing.T) {
	t.Parallel()
	forEachField(t, func(kind, path string, node *schemaNode) {
		if path == "metadata" { // Kubernetes explains it
			return
		}
		for name := range node.Properties {
			child := node.Properties[name]
			if child.Description == "" && name != "metadata" {
				t.Errorf("%s: %s.%s has no comment: kubectl explain would say nothing", kind, path, name)
			}
		}
	})
}

func TestEveryListMapAndStringIsBounded(t *testing.T) {
	t.Parallel()
	forEachField(t, func(kind, path string, node *schemaNode) {
		switch {
		case path == "apiVersion" || path == "kind" || path == "metadata": // the API server's own
		case path == "status.conditions.lastTransitionTime":
			// metav1.Condition's own, a time without a bound on its fraction of a second; only the manager writes it.
		case node.Type == "string" && node.MaxLength == nil && node.Enum == nil && !strings.HasSuffix(path, "matchLabels{}"):
			t.Errorf("%s: %s is a string without maxLength", kind, path)
		case node.Type == "array" && node.MaxItems == nil:
			t.Errorf("%s: %s is a list without maxItems", kind, path)
		case node.AdditionalProperties != nil && node.MaxProperties == nil:
			t.Errorf("%s: %s is a map without maxProperties", kind, path)
		case node.Type == "integer" && node.Format == "int32" && (node.Minimum == nil || node.Maximum == nil):
			t.Errorf("%s: %s is a number without minimum and maximum", kind, path)
		case node.XPreserveUnknownFields != nil:
			t.Errorf("%s: %s takes whatever comes", kind, path)
		}
	})
}

func TestCRDsApplyOnTheClientAndOnTheServerAndASecondTimeChangeNothing(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	// The tests began by applying them on the server, so this is the second time there and the first on the client.
	for _, step := range []struct {
		sentence  string
		arguments []string
		unchanged bool
		says      string
	}{
		{"a second time on the server", []string{"apply", "--server-side", "-k", crds}, true, "serverside-applied"},
		{"a first time on the client", []string{"apply", "-k", crds}, false, "configured"},
		{"a second time on the client", []string{"apply", "-k", crds}, true, "unchanged"},
		{"back on the server, which takes over what the client applied", []string{"apply", "--server-side", "-k", crds}, false, "serverside-applied"},
		{"and once more on the server", []string{"apply", "--server-side", "-k", crds}, true, "serverside-applied"},
	} {
		before := crdVersions(t)
		out, err := kubectl(t.Context(), step.arguments...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", step.sentence, err, out)
		}
		if got := strings.Count(out, step.says); got != len(kinds) {
			t.Errorf("%s: %d of %d CRDs %s:\n%s", step.sentence, got, len(kinds), step.says, out)
		}
		if after := crdVersions(t); step.unchanged && before != after {
			t.Errorf("%s: something was written: %s became %s", step.sentence, before, after)
		}
	}
}

func crdVersions(t *testing.T) string {
	t.Helper()
	out, err := kubectl(t.Context(), "get", "crd", "-o", `jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion};{end}`)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

func TestColumnsTellAtAGlanceWhatIsWrong(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	for kind, want := range map[string]string{
		"rsrv":   "Name | Audience | Mode | Ready | Enforced | Age | Message",
		"dpol":   "Name | Effect | Mode | Ready | Enforced | Age | Message",
		"sdel":   "Name | ServiceAccount | Within-Policy | Ready | Enforced | Age | Message",
		"tiss":   "Name | URL | Keys | Ready | Enforced | Age | Message",
		"dgrant": "Name | Subject | Actor | State | Not-After | Ready | Age | Message",
		"drev":   "Name | Revokes | Ready | Enforced | Age | Message",
	} {
		var table struct {
			ColumnDefinitions []struct {
				Name     string `json:"name"`
				Priority int    `json:"priority"`
			} `json:"columnDefinitions"`
		}
		getTable(t, kind, &table)
		var names []string
		for _, column := range table.ColumnDefinitions {
			if column.Priority == 0 {
				names = append(names, column.Name)
			}
		}
		if got := strings.Join(names, " | "); got != want {
			t.Errorf("kubectl get %s has the columns\n  %s\nwant\n  %s", kind, got, want)
		}
	}
}

func getTable(t *testing.T, short string, into any) {
	t.Helper()
	resource := map[string]string{
		"rsrv": "resourceservers", "dpol": "delegationpolicies", "sdel": "servicedelegations",
		"tiss": "trustedissuers", "dgrant": "delegationgrants", "drev": "delegationrevocations",
	}[short]
	data := rawGet(t, "/apis/behalf.dev/v1alpha1/"+resource, "application/json;as=Table;v=v1;g=meta.k8s.io")
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// rawGet reads a path of the API server as it is written, in a form that the caller chooses.
func rawGet(t *testing.T, path, accept string) []byte {
	t.Helper()
	transport, err := rest.HTTPClientFor(cluster.config)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(cluster.config.Host, "/")+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := transport.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %v\n%s", path, response.Status, err, data)
	}
	return data
}
