// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/manifest"
)

const (
	permit = `
apiVersion: behalf.dev/v1alpha1
kind: DelegationPolicy
metadata: {name: portal}
spec:
  effect: Permit
  actors: [{namespace: support, serviceAccount: portal}]
  subjects: [{issuer: corp, groups: [customers]}]
  audiences: [{audience: https://tickets.example, scopes: ["tickets:*"]}]
`
	delegation = `
apiVersion: behalf.dev/v1alpha1
kind: ServiceDelegation
metadata: {name: portal, namespace: support}
spec:
  serviceAccountName: portal
  purpose: Show customers their own tickets
  audiences: [{audience: https://tickets.example, scopes: [tickets:read]}]
`
)

// folder writes files and goes there, so that names are short.
func folder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, names ...string) (*manifest.Set, error) {
	t.Helper()
	return manifest.Read(t.Context(), manifest.Options{Files: names})
}

func mustRead(t *testing.T, names ...string) *manifest.Set {
	t.Helper()
	set, err := read(t, names...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// count is how many objects of each kind there are, in the order of the fields of a World.
func count(w compile.World) [8]int {
	return [8]int{
		len(w.ResourceServers), len(w.Policies), len(w.ServiceDelegations), len(w.Issuers), len(w.Grants), len(w.Revocations),
		len(w.Namespaces), len(w.ServiceAccounts),
	}
}

func TestTheSamplesAreReadWholly(t *testing.T) {
	set := mustRead(t, "../../config/samples")
	if got, want := count(set.World), [8]int{6, 6, 8, 1, 0, 0, 7, 8}; got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if len(set.Warnings) > 0 {
		t.Errorf("warnings: %v", set.Warnings)
	}
}

func TestTheDesignsExamplesAreReadWholly(t *testing.T) {
	set := mustRead(t, "../../test/schema/testdata/design.yaml")
	if got, want := count(set.World), [8]int{1, 1, 1, 1, 1, 1, 0, 0}; got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestWhatStandsInAFolder(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		names []string
		want  [8]int
	}{
		"files in folders below, by their extensions": {
			map[string]string{"a/b/x.yaml": permit, "a/y.yml": delegation, "a/README.md": "# not YAML: [", "a/z.json": `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"}}`},
			[]string{"a"},
			[8]int{0, 1, 1, 0, 0, 0, 1, 0},
		},
		"a file that is named, whatever its extension": {
			map[string]string{"policies": permit}, []string{"policies"}, [8]int{0, 1},
		},
		"a file that is reached twice": {
			map[string]string{"a/x.yaml": permit}, []string{"a", "a/x.yaml", "./a"}, [8]int{0, 1},
		},
		"objects of others, however they are written": {
			map[string]string{
				"a/x.yaml":                   permit,
				"a/.github/workflows/ci.yml": "on: push\non: pull_request\njobs: {}\n",
				"a/values.yaml":              "replicas: 3\n",
				"a/deployment.yaml":          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: !mine {}\n---\napiVersion: v1\nkind: Secret\ndata: {yes: no}\n",
				"a/tests.yaml":               "apiVersion: behalf.dev/v1alpha1\nkind: DelegationTest\ncases: []\n",
			},
			[]string{"a"},
			[8]int{0, 1},
		},
		"lists": {
			map[string]string{"x.yaml": `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: support}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: support}}
- apiVersion: v1
  kind: List
  items: [{apiVersion: v1, kind: ServiceAccount, metadata: {name: portal, namespace: support}}]
---
apiVersion: behalf.dev/v1alpha1
kind: DelegationRevocationList
items:
- metadata: {name: lost}
  spec: {token: jti-1}
---
apiVersion: v1
kind: ServiceAccountList
items: [{metadata: {name: other, namespace: support}}]
`}, []string{"x.yaml"}, [8]int{0, 0, 0, 0, 0, 1, 1, 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder(t, c.files)
			if got := count(mustRead(t, c.names...).World); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestStandardInputIsRead(t *testing.T) {
	set, err := manifest.Read(t.Context(), manifest.Options{Files: []string{manifest.Stdin}, Stdin: strings.NewReader(permit)})
	if err != nil || count(set.World) != [8]int{0, 1} {
		t.Errorf("%v, %v", count(set.World), err)
	}
}

func TestLinksAreReadOnce(t *testing.T) {
	folder(t, map[string]string{"..data/x.yaml": permit}) // as the kubelet mounts a ConfigMap
	for link, target := range map[string]string{"x.yaml": "..data/x.yaml", "other.yaml": "..data", "mounted": "."} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(mustRead(t, "mounted").World); got != [8]int{0, 1} {
		t.Errorf("%v", got)
	}
}

func TestWhatTheAPIServerFillsInIsFilledIn(t *testing.T) {
	folder(t, map[string]string{"x.yaml": permit + `
---
apiVersion: behalf.dev/v1alpha1
kind: ResourceServer
metadata: {name: tickets, namespace: support, generation: 7}
spec: {audience: https://tickets.example, scopes: [{name: tickets:read}]}
status: {observedGeneration: 7}
---
apiVersion: behalf.dev/v1alpha1
kind: DelegationGrant
metadata: {name: g, namespace: support}
spec:
  subject: {issuer: corp, id: alice}
  actor: {namespace: support, serviceAccount: portal}
  audience: https://tickets.example
  scopes: [tickets:read]
  notAfter: "2026-06-01T11:00:00Z"
---
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {kubernetes.io/metadata.name: forged, team: support}}
`})
	w := mustRead(t, "x.yaml").World
	policy, server, grant, namespace := w.Policies[0], w.ResourceServers[0], w.Grants[0], w.Namespaces[0]
	if policy.Generation != 1 || server.Generation != 7 {
		t.Errorf("generations %d and %d, want 1 and 7", policy.Generation, server.Generation)
	}
	if policy.Spec.Limits.MaxChainDepth != 1 || policy.Spec.Enforcement.Mode != "Enforce" {
		t.Errorf("policy %+v", policy.Spec)
	}
	if server.Spec.AllowedActors.Namespaces.From != "Same" || server.Spec.Enforcement.Mode != "Enforce" || server.Spec.OnStale != "Deny" {
		t.Errorf("resource server %+v", server.Spec)
	}
	if server.Status.ObservedGeneration != nil && *server.Status.ObservedGeneration == 7 {
		t.Error("the status was taken")
	}
	if grant.Spec.State != "Requested" {
		t.Errorf("state %q", grant.Spec.State)
	}
	if namespace.Labels["kubernetes.io/metadata.name"] != "support" || namespace.Labels["team"] != "support" {
		t.Errorf("labels %v", namespace.Labels)
	}
}

func TestANamespaceThatIsMissingIsTheOneThatIsGiven(t *testing.T) {
	folder(t, map[string]string{"x.yaml": `
apiVersion: v1
kind: ServiceAccount
metadata: {name: portal}
---
apiVersion: behalf.dev/v1alpha1
kind: ServiceDelegation
metadata: {name: portal}
spec: {serviceAccountName: portal, purpose: Show tickets, audiences: [{audience: https://tickets.example, scopes: [tickets:read]}]}
---` + permit})
	set, err := manifest.Read(t.Context(), manifest.Options{Files: []string{"x.yaml"}, Namespace: "support"})
	if err != nil {
		t.Fatal(err)
	}
	w := set.World
	if w.ServiceAccounts[0].Namespace != "support" || w.ServiceDelegations[0].Namespace != "support" || w.Policies[0].Namespace != "" {
		t.Errorf("namespaces %q, %q and %q", w.ServiceAccounts[0].Namespace, w.ServiceDelegations[0].Namespace, w.Policies[0].Namespace)
	}
}

func TestWarnings(t *testing.T) {
	folder(t, map[string]string{"x.yaml": strings.ReplaceAll(permit, "name: portal}", "name: portal, namespace: support}") +
		"---\napiVersion: behalf.example/v1\nkind: DelegationPolicy\nmetadata: {name: other}\n"})
	set := mustRead(t, "x.yaml")
	want := []string{
		"x.yaml:4: DelegationPolicy portal: metadata.namespace: has no effect: this kind is of the whole cluster",
		"x.yaml:11: DelegationPolicy: apiVersion: is behalf.example/v1, so this is passed over; ours are of behalf.dev/v1alpha1",
	}
	var got []string
	for _, w := range set.Warnings {
		got = append(got, w.Error())
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("warnings\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if set.World.Policies[0].Namespace != "" {
		t.Error("the namespace was kept")
	}
}

func TestWhereAFieldWasWritten(t *testing.T) {
	folder(t, map[string]string{"x.yaml": permit})
	set := mustRead(t, "x.yaml")
	policy := compile.Key{Kind: compile.KindDelegationPolicy, Name: "portal"}
	if file, line := set.Origin(policy, "spec.audiences[0].audience"); file != "x.yaml" || line != 9 {
		t.Errorf("%s:%d, want x.yaml:9", file, line)
	}
	if file, line := set.Origin(compile.Key{Kind: compile.KindDelegationPolicy, Name: "nobody"}, "spec"); file != "" || line != 0 {
		t.Errorf("%s:%d, want nowhere", file, line)
	}
}
