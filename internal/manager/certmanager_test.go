// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"behalf.dev/behalf/internal/upkeep"
)

// kustomized builds a folder with the control plane's own kubectl.
func kustomized(t *testing.T, folder string) map[string]*unstructured.Unstructured {
	t.Helper()
	if testing.Short() {
		t.Skip("needs kubectl; left out with -short")
	}
	var stdout, stderr bytes.Buffer
	kubectl := exec.CommandContext(t.Context(), filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), "kustomize", folder)
	kubectl.Stdout, kubectl.Stderr = &stdout, &stderr
	if err := kubectl.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	objects, err := upkeep.Read(stdout.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*unstructured.Unstructured{}
	for _, o := range objects {
		all[key(o)] = o
	}
	return all
}

func text(t *testing.T, o *unstructured.Unstructured, fields ...string) string {
	t.Helper()
	value, found, err := unstructured.NestedString(o.Object, fields...)
	if err != nil || !found {
		t.Fatalf("%s has no %v: %v", key(o), fields, err)
	}
	return value
}

// THREATS 10: with cert-manager, the installation is the same but for who makes the certificate, and what is made fits what
// the manager is told.
func TestTheComponentForCertManagerFitsTheManagersFlags(t *testing.T) {
	plain, with := kustomized(t, "../../config/default"), kustomized(t, "../../config/cert-manager")
	const certificate = "behalf-system/behalf-serving"
	for name, o := range plain {
		other := with[name]
		if other == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		if _, webhooks := o.Object["webhooks"]; webhooks {
			if got := other.GetAnnotations(); !reflect.DeepEqual(got, map[string]string{injectCAFrom: certificate}) {
				t.Errorf("%s has the annotations %v", name, got)
			}
			other.SetAnnotations(nil)
		}
		if !reflect.DeepEqual(o, other) {
			t.Errorf("%s differs", name)
		}
		delete(with, name)
	}
	serving, authority := with["Certificate behalf-serving"], with["Certificate behalf-serving-authority"]
	if len(with) != 4 || serving == nil || authority == nil {
		t.Fatalf("cert-manager is given %v", with)
	}
	if got := serving.GetNamespace() + "/" + serving.GetName(); got != certificate {
		t.Errorf("the annotation names %s, the Certificate is %s", certificate, got)
	}
	names, _, err := unstructured.NestedStringSlice(serving.Object, "spec", "dnsNames")
	if want := DefaultWebhookService + "." + DefaultNamespace + ".svc"; err != nil || !slices.Contains(names, want) {
		t.Errorf("the API server asks for %s, the certificate is for %v: %v", want, names, err)
	}
	if usages, _, err := unstructured.NestedStringSlice(serving.Object, "spec", "usages"); err != nil || !slices.Contains(usages, "server auth") {
		t.Errorf("usages are %v: %v", usages, err)
	}
	// Who issues it is who is believed.
	issuer := with["Issuer "+text(t, serving, "spec", "issuerRef", "name")]
	if got, want := text(t, issuer, "spec", "ca", "secretName"), text(t, authority, "spec", "secretName"); got != want {
		t.Errorf("certificates are issued from %s, the authority is in %s", got, want)
	}
	if isCA, _, err := unstructured.NestedBool(authority.Object, "spec", "isCA"); err != nil || !isCA {
		t.Errorf("the authority is none: %v", err)
	}
	if with["Issuer "+text(t, authority, "spec", "issuerRef", "name")] == nil {
		t.Error("nobody issues the authority")
	}
	for _, o := range with {
		if o.GetNamespace() != DefaultNamespace {
			t.Errorf("%s is in namespace %s", key(o), o.GetNamespace())
		}
	}
}
