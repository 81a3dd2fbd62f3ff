// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestTheDesignsExamplesApplyWordForWord(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	grants, others := byWriter(t, "testdata/design.yaml")
	for _, how := range [][]string{{"--server-side", "--field-manager=design"}, {}} {
		applied := 0
		for _, with := range [][]string{{"-f", others}, {"-f", grants, "--as", grantsWriter, "--as-group", "system:authenticated"}} {
			out, err := kubectl(t.Context(), slices.Concat([]string{"apply", "--validate=strict"}, how, with)...)
			if err != nil {
				t.Fatalf("kubectl apply %v %v: %v\n%s", how, with, err, out)
			}
			applied += strings.Count(out, "behalf.dev/")
		}
		if applied != len(kinds) {
			t.Errorf("kubectl apply %v: %d objects, want %d", how, applied, len(kinds))
		}
	}
}

// byWriter divides a file into one of the grants and one of all else, for whoever approves owns no service.
func byWriter(t *testing.T, file string) (grants, others string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var of [2][]string
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		is := strings.Count(document, "\nkind: DelegationGrant\n")
		of[is] = append(of[is], document)
	}
	grants, others = filepath.Join(t.TempDir(), "grants.yaml"), filepath.Join(t.TempDir(), "others.yaml")
	for path, documents := range map[string][]string{others: of[0], grants: of[1]} {
		if err := os.WriteFile(path, []byte(strings.Join(documents, "\n---\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return grants, others
}

func TestWhatIsLeftOutIsAsDocumented(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	for sentence, c := range map[string]struct{ kind, changes, field, want string }{
		"only the resource server's own namespace may come": {"ResourceServer", ``, "spec.allowedActors", `{"namespaces":{"from":"Same"}}`},
		"a resource server's denials deny":                  {"ResourceServer", ``, "spec.enforcement", `{"mode":"Enforce"}`},
		"an empty enforcement is a denial that denies":      {"ResourceServer", `enforcement: {}`, "spec.enforcement", `{"mode":"Enforce"}`},
		"a bundle without a lease is denied":                {"ResourceServer", ``, "spec.onStale", `"Deny"`},
		"no stale bundle is served for a time":              {"ResourceServer", ``, "spec.maxStaleSeconds", ``},
		"a route stays as its owner wrote it":               {"ResourceServer", `routes: [{match: {methods: [GET], path: /}, scope: "tickets:read"}]`, "spec.routes", `[{"match":{"methods":["GET"],"path":"/"},"scope":"tickets:read"}]`},
		"a policy is enforced":                              {"DelegationPolicy", ``, "spec.enforcement", `{"mode":"Enforce"}`},
		"a policy takes a chain of one actor":               {"DelegationPolicy", ``, "spec.limits", `{"maxChainDepth":1}`},
		"another limit leaves the chain's as it is":         {"DelegationPolicy", `limits: {maxSubjectAgeSeconds: 60}`, "spec.limits", `{"maxChainDepth":1,"maxSubjectAgeSeconds":60}`},
		"empty limits are those of a policy without limits": {"DelegationPolicy", `limits: {}`, "spec.limits", `{"maxChainDepth":1}`},
		"a policy asks for no grant":                        {"DelegationPolicy", ``, "spec.requireGrant", ``},
		"a policy discloses nothing":                        {"DelegationPolicy", ``, "spec.disclose", ``},
		"a grant is bound to the resource":                  {"DelegationPolicy", `requireGrant: {maxLifetimeSeconds: 60, approvers: {groups: [a]}}`, "spec.requireGrant.bind", `["Resource"]`},
		"a grant is asked for":                              {"DelegationGrant", ``, "spec.state", `"Requested"`},
		"a grant says nothing of who asked":                 {"DelegationGrant", ``, "spec.requester", ``},
		"a grant asked for has no approver":                 {"DelegationGrant", ``, "spec.approver", ``},
		"an issuer maps no claims":                          {"TrustedIssuer", ``, "spec.claims", ``},
		"a service's declaration has no date of review":     {"ServiceDelegation", ``, "spec.reviewBy", ``},
		"a revocation stands for tokens of whatever age":    {"DelegationRevocation", ``, "spec.issuedBefore", ``},
		"nobody has looked at a new resource server yet":    {"ResourceServer", ``, "status", `{"observedGeneration":-1}`},
		"nobody has looked at a new policy yet":             {"DelegationPolicy", ``, "status", `{"observedGeneration":-1}`},
		"nobody has looked at a new service delegation yet": {"ServiceDelegation", ``, "status", `{"observedGeneration":-1}`},
		"nobody has looked at a new issuer yet":             {"TrustedIssuer", ``, "status", `{"observedGeneration":-1}`},
		"nobody has looked at a new grant yet":              {"DelegationGrant", ``, "status", `{"observedGeneration":-1}`},
		"nobody has looked at a new revocation yet":         {"DelegationRevocation", ``, "status", `{"observedGeneration":-1}`},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			u := object(t, c.kind, c.changes)
			if err := cluster.client.Create(t.Context(), u, client.DryRunAll); err != nil {
				t.Fatal(err)
			}
			value, found, err := unstructured.NestedFieldNoCopy(u.Object, strings.Split(c.field, ".")...)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if found {
				data, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				got = string(data)
			}
			if got != c.want {
				t.Errorf("%s is %s, want %s", c.field, got, c.want)
			}
		})
	}
}

// A default within an atomic list would be a second writer's word against the first one's.
func TestServerSideApplyTakesOverFromClientSideApply(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	u := object(t, "ResourceServer", `routes: [{match: {methods: [GET], path: /}, scope: "tickets:read"}]`)
	u.SetName("taken-over")
	raw, err := json.Marshal(u.Object)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "server.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, how := range [][]string{{}, {"--server-side", "--field-manager=pipeline"}, {"--server-side", "--field-manager=another"}} {
		if out, err := kubectl(t.Context(), append([]string{"apply", "-f", file}, how...)...); err != nil {
			t.Errorf("kubectl apply %v: %v\n%s", how, err, out)
		}
	}
}

func TestAWriterOfTheSpecWritesNoStatus(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			u := object(t, kind, "")
			forged := map[string]any{"observedGeneration": int64(1), "conditions": []any{map[string]any{
				"type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": "2026-06-01T10:00:00Z",
			}}}
			u.Object["status"] = forged
			if err := cluster.client.Create(t.Context(), u); err != nil {
				t.Fatal(err)
			}
			u.Object["status"] = forged
			if err := cluster.client.Update(t.Context(), u); err != nil {
				t.Fatal(err)
			}
			if _, found, _ := unstructured.NestedFieldNoCopy(u.Object, "status", "conditions"); found {
				t.Errorf("the status was taken: %v", u.Object["status"])
			}
		})
	}
}

func TestUnknownFieldsAreRefused(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	for field, c := range map[string]struct{ kind, changes string }{
		"spec.audiance": {"ResourceServer", `audiance: https://tickets.example`},
		"spec.scopes[0].entitlements[0].condition": {"ResourceServer", `scopes: [{name: a, entitlements: [{subjects: {issuer: corp, all: true}, condition: []}]}]`},
		"spec.subjects[0].group":                   {"DelegationPolicy", `subjects: [{issuer: corp, users: [a], group: [a]}]`},
		"spec.onwards":                             {"ServiceDelegation", `onwards: []`},
		"spec.algorithm":                           {"TrustedIssuer", `algorithm: ES256`},
		"spec.notBefore":                           {"DelegationGrant", `notBefore: "2026-06-01T10:00:00Z"`},
		"spec.expires":                             {"DelegationRevocation", `expires: "2026-06-01T10:00:00Z"`},
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			err := cluster.client.Create(t.Context(), object(t, c.kind, c.changes), client.DryRunAll)
			if !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), `unknown field "`+field+`"`) {
				t.Errorf("want a refusal that names the field %s, got: %v", field, err)
			}
		})
	}
}
