// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"io/fs"
	"strings"
	"testing"

	"behalf.dev/behalf/config/crd"
	"behalf.dev/behalf/internal/manifest"
)

func TestWhatIsRefused(t *testing.T) {
	change := func(object, from, to string) string { return strings.Replace(object, from, to, 1) }
	for name, c := range map[string]struct{ written, says string }{
		"an unknown field": {
			change(permit, "effect: Permit", "effect: Permit\n  limits: {maxSubjectAge: 60}"),
			"x.yaml:7: DelegationPolicy portal: spec.limits.maxSubjectAge: unknown field; did you mean maxSubjectAgeSeconds?",
		},
		"an unknown field in a list": {
			change(permit, "serviceAccount: portal", "serviceaccount: portal"),
			"x.yaml:7: DelegationPolicy portal: spec.actors[0].serviceaccount: unknown field; did you mean serviceAccount?",
		},
		"an unknown field beside spec": {
			permit + "sepc: {}\n", "x.yaml:10: DelegationPolicy portal: sepc: unknown field; did you mean spec?",
		},
		"an unknown field of the metadata": {
			change(permit, "name: portal}", "name: portal, lables: {a: b}}"),
			"x.yaml:4: DelegationPolicy portal: metadata.lables: unknown field; did you mean labels?",
		},
		"an unknown field that is like none": {
			change(permit, "effect: Permit", "effect: Permit\n  limits: {x: 60}"),
			"spec.limits.x: unknown field; there are maxChainDepth, maxSubjectAgeSeconds, maxTokenLifetimeSeconds",
		},
		"a key that stands twice": { // THREATS 22
			permit + "spec: {}\n", "x.yaml:10: spec: stands twice",
		},
		"a field that is missing": {
			change(permit, "effect: Permit", "disclose: [a]"), "x.yaml:5: DelegationPolicy portal: spec.effect: Required value",
		},
		"a value that is not one of those": {
			change(permit, "effect: Permit", "effect: Allow"), `x.yaml:6: DelegationPolicy portal: spec.effect: Unsupported value: "Allow": supported values: `,
		},
		"a value of another type": {
			change(permit, "subjects: [", "subjects: ["+`{issuer: corp, groups: customers}, `),
			"x.yaml:8: DelegationPolicy portal: spec.subjects[0].groups: Invalid value: \"string\": ",
		},
		"what a rule of the schema refuses": {
			change(permit, "serviceAccount: portal", "serviceAccount: portal, all: true"),
			"x.yaml:7: DelegationPolicy portal: spec.actors[0]: Invalid value: exactly one of serviceAccount and all: name one service account, or say all: true",
		},
		"a name that stands twice in a list of names": {
			change(permit, "effect: Permit", "effect: Permit\n  disclose: [a, a]"), `spec.disclose[1]: Duplicate value: "a"`,
		},
		"a name that is none": {
			change(permit, "name: portal", "name: The_Portal"), "x.yaml:4: DelegationPolicy The_Portal: metadata.name: Invalid value: \"The_Portal\": a lowercase RFC 1123 subdomain",
		},
		"no name":               {change(permit, "name: portal", "generateName: portal-"), "x.yaml:4: DelegationPolicy: metadata.name: is missing; nobody generates one here"},
		"no metadata":           {change(permit, "metadata: {name: portal}\n", ""), "x.yaml:2: DelegationPolicy: metadata.name: is missing"},
		"metadata that is none": {change(permit, "{name: portal}", "portal"), "x.yaml:4: DelegationPolicy: metadata: "},
		"no namespace": {
			change(delegation, ", namespace: support", ""),
			"x.yaml:4: ServiceDelegation portal: metadata.namespace: is missing; set it, or say by --namespace which one is meant",
		},
		"a service account without namespace": {
			permit + "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n", "x.yaml:13: ServiceAccount a: metadata.namespace: is missing",
		},
		"a namespace with labels that are none": {
			permit + "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: [b]}\n", "x.yaml:13: Namespace: metadata: cannot be read: json: cannot unmarshal array",
		},
		"an object that stands twice": {
			permit + "---" + permit, "x.yaml:11: DelegationPolicy portal: stands at x.yaml:2 too; remove one of the two",
		},
		"a namespace that stands twice": {
			permit + strings.Repeat("---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n", 2), "x.yaml:15: Namespace a: stands at x.yaml:11 too",
		},
		"a kind of ours that there is not": {
			change(permit, "DelegationPolicy", "DelegatonPolicy"), "x.yaml:3: kind: DelegatonPolicy is not a kind of behalf.dev/v1alpha1; did you mean DelegationPolicy?",
		},
		"a kind that is like none": {
			change(permit, "DelegationPolicy", "Cat"), "Cat is not a kind of behalf.dev/v1alpha1; there are DelegationGrant, DelegationPolicy, ",
		},
		"a version that there is not": {
			change(permit, "v1alpha1", "v1"), "x.yaml:2: DelegationPolicy: apiVersion: is behalf.dev/v1, a version that is not known; there is behalf.dev/v1alpha1",
		},
		"a kind without a version": {change(permit, "apiVersion: behalf.dev/v1alpha1\n", ""), "x.yaml:2: apiVersion: is missing; objects of ours have behalf.dev/v1alpha1"},
		"a version without a kind": {change(permit, "kind: DelegationPolicy\n", ""), "x.yaml:2: kind: is missing"},
		"no object":                {permit + "---\nreplicas: 3\n", "x.yaml:11: apiVersion: is missing"},
		"items that are no list":   {permit + "---\napiVersion: v1\nkind: List\nitems: {}\n", "x.yaml:13: items: is not a list"},
		"an item without a kind":   {permit + "---\napiVersion: v1\nkind: List\nitems: [{spec: {}}]\n", "x.yaml:13: apiVersion: is missing"},
		"an alias without end":     {permit + "---\napiVersion: v1\nkind: Namespace\nmetadata: &m {name: a, labels: *m}\n", "is nested deeper than 64"}, // THREATS 43
		"nothing of ours":          {"apiVersion: v1\nkind: Secret\n", "there is no object of behalf.dev in x.yaml"},
		"nothing":                  {"", "there is no object of behalf.dev in x.yaml"},
		"what is no YAML":          {"a: [", "x.yaml:1: cannot be read as YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			folder(t, map[string]string{"x.yaml": c.written})
			_, err := read(t, "x.yaml")
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v\nwant one that says %q", err, c.says)
			}
		})
	}
}

func TestEverythingThatIsWrongIsToldAtOnce(t *testing.T) {
	folder(t, map[string]string{
		"a/1.yaml": strings.Replace(permit, "effect: Permit", "effect: Allow\n  disclose: [a, a]", 1),
		"a/2.yaml": "a: [",
		"a/3.yaml": strings.Replace(delegation, "purpose", "porpuse", 1),
	})
	_, err := read(t, "a")
	for _, says := range []string{"a/1.yaml:6: ", "a/1.yaml:7: ", "a/2.yaml:1: ", "a/3.yaml:7: "} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error says nothing of %s: %v", says, err)
		}
	}
}

func TestFilesThatAreNotThere(t *testing.T) {
	if _, err := read(t, "testdata/nothing"); err == nil || !strings.Contains(err.Error(), "testdata/nothing: no such file") {
		t.Errorf("error = %v", err)
	}
	if _, err := (manifest.File{Name: manifest.Stdin}).Documents(nil); err == nil {
		t.Error("standard input was read where there is none")
	}
}

// A value that is quoted in a message may be long; the message is not.
func TestMessagesStayShort(t *testing.T) { // THREATS 43
	folder(t, map[string]string{"x.yaml": strings.Replace(permit, "effect: Permit", "effect: "+strings.Repeat("x", 10_000), 1)})
	if _, err := read(t, "x.yaml"); err == nil || len(err.Error()) > 800 {
		t.Errorf("error = %v", err)
	}
}

func TestEveryKindHasItsSchema(t *testing.T) {
	files, err := fs.Glob(crd.Bases, "bases/*.yaml")
	if err != nil || len(files) != 6 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, kind := range []string{"DelegationGrant", "DelegationPolicy", "DelegationRevocation", "ResourceServer", "ServiceDelegation", "TrustedIssuer"} {
		folder(t, map[string]string{"x.yaml": "apiVersion: behalf.dev/v1alpha1\nkind: " + kind + "\nmetadata: {name: x, namespace: x}\nspec: {nothing: x}\n"})
		if _, err := read(t, "x.yaml"); err == nil || !strings.Contains(err.Error(), "spec.nothing: unknown field; there are ") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
