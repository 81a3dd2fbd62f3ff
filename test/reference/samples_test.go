// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/reference"
)

// TestModelOnSamples holds the model, and the engine beside it, to what the samples mean: the only answers here that were
// written down by hand.
func TestModelOnSamples(t *testing.T) {
	world := sampleWorld(t)
	snapshot, err := load(world)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(*authz.Request)
		want   reference.Obstacle // zero: allowed
	}{
		"the portal reads the signed-in customer's own ticket": {
			change: func(*authz.Request) {},
		},
		"nobody reads another customer's ticket": {
			change: func(r *authz.Request) { r.Resource.Properties = map[string]any{"owner": "bob"} },
			want:   reference.Obstacle{Leg: authz.LegSubject, Reason: authz.ReasonNotEntitled},
		},
		"a ticket without an owner is nobody's own": {
			change: func(r *authz.Request) { r.Resource.Properties = nil },
			want:   reference.Obstacle{Leg: authz.LegSubject, Reason: authz.ReasonConditionError},
		},
		"a service alone is never trusted": {
			change: func(r *authz.Request) { r.Subject = authz.Subject{} },
			want:   reference.Obstacle{Leg: authz.LegIdentity, Reason: authz.ReasonSubjectMissing},
		},
		"the portal never said that it deletes": {
			change: func(r *authz.Request) { r.Scope, r.Subject.Groups = "tickets:delete", []string{"support-agents"} },
			want:   reference.Obstacle{Leg: authz.LegActor, Reason: authz.ReasonNotDeclared},
		},
		"no service of another team may come": {
			change: func(r *authz.Request) { r.Actor.Namespace = "shop" },
			want:   reference.Obstacle{Leg: authz.LegActor, Reason: authz.ReasonActorNotAllowed},
		},
		"only for support": {
			change: func(r *authz.Request) { r.Context = map[string]any{"purpose": "marketing"} },
			want:   reference.Obstacle{Leg: authz.LegPolicy, Reason: authz.ReasonNoPolicy},
		},
		"the sign-in was yesterday": {
			change: func(r *authz.Request) { r.Subject.AuthTime = noon.Add(-24 * time.Hour) },
			want:   reference.Obstacle{Leg: authz.LegPolicy, Reason: authz.ReasonSubjectTooOld},
		},
		"checkout reads the ledger through the invoice service": {
			change: askLedger("checkout"),
		},
		"the chat declares no edge to the invoice service": {
			change: askLedger("chat"),
			want:   reference.Obstacle{Leg: authz.LegChain, Reason: authz.ReasonEdgeNotDeclared},
		},
		"a payment needs a second person's word": {
			change: func(r *authz.Request) {
				r.Subject.Groups, r.Actor = []string{"finance"}, authz.Actor{Namespace: "finance", ServiceAccount: "workflow"}
				r.Audience, r.Scope = "https://payments.example", "payments:execute"
			},
			want: reference.Obstacle{Leg: authz.LegGrant, Reason: authz.ReasonGrantRequired},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := sampleRequest()
			test.change(&r)
			for who, answer := range map[string]reference.Answer{
				"model": reference.Decide(world, &r, noon), "engine": decide(snapshot, trial{noon, r}),
			} {
				allowed := test.want == reference.Obstacle{}
				if answer.Denial != test.want || (answer.Outcome == authz.Allow) != allowed {
					t.Errorf("%s says %s", who, describe(answer))
				}
			}
		})
	}
}

func sampleRequest() authz.Request {
	return authz.Request{
		Subject: authz.Subject{Issuer: "corp", ID: "alice", Groups: []string{"customers"}, AuthTime: noon.Add(-30 * time.Minute)},
		Actor:   authz.Actor{Namespace: "support", ServiceAccount: "portal"}, Audience: "https://tickets.example", Scope: "tickets:read",
		Resource: authz.Resource{Type: "ticket", ID: "42", Properties: map[string]any{"owner": "alice"}},
		Context:  map[string]any{"purpose": "support"},
	}
}

func askLedger(first string) func(*authz.Request) {
	return func(r *authz.Request) {
		r.Via = []authz.Actor{{Namespace: "shop", ServiceAccount: first}}
		r.Actor = authz.Actor{Namespace: "billing", ServiceAccount: "invoices"}
		r.Audience, r.Scope = "https://ledger.example", "ledger:read"
	}
}

// sampleWorld is what three of the samples say together, with the people of the fourth.
func sampleWorld(t *testing.T) reference.World {
	t.Helper()
	w := reference.World{
		FetchedKeys: []string{"corp"},
		PolicyLease: noon.Add(time.Hour), TrustLease: noon.Add(time.Hour), RevocationsLease: noon.Add(time.Hour),
	}
	for _, sample := range []string{"support", "chain", "payments", "issuer"} {
		files, err := filepath.Glob("../../config/samples/" + sample + "/*.yaml")
		if err != nil || len(files) == 0 {
			t.Fatalf("no sample %s: %v", sample, err)
		}
		for _, file := range files {
			addFile(t, &w, file)
		}
	}
	return w
}

func addFile(t *testing.T, w *reference.World, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for document := range bytes.SplitSeq(raw, []byte("---\n")) {
		addDocument(t, w, document)
	}
}

func addDocument(t *testing.T, w *reference.World, document []byte) {
	t.Helper()
	var kind metav1.PartialObjectMetadata
	read(t, document, &kind)
	switch kind.Kind {
	case "Namespace":
		w.Namespaces = append(w.Namespaces, reference.Namespace{Name: kind.Name, Labels: kind.Labels})
	case "ResourceServer":
		add(t, document, &w.ResourceServers)
	case "DelegationPolicy":
		add(t, document, &w.Policies)
	case "ServiceDelegation":
		add(t, document, &w.ServiceDelegations)
	case "TrustedIssuer":
		add(t, document, &w.Issuers)
	case "DelegationGrant":
		add(t, document, &w.Grants)
	case "ServiceAccount", "":
	default:
		t.Fatalf("a sample of a kind that the model does not know: %s", kind.Kind)
	}
}

func add[T v1alpha1.ResourceServer | v1alpha1.DelegationPolicy | v1alpha1.ServiceDelegation | v1alpha1.TrustedIssuer | v1alpha1.DelegationGrant](
	t *testing.T, document []byte, list *[]T,
) {
	t.Helper()
	var object T
	read(t, document, &object)
	*list = append(*list, object)
}

func read(t *testing.T, document []byte, into any) {
	t.Helper()
	if err := yaml.Unmarshal(document, into); err != nil {
		t.Fatalf("reading a sample: %v", err)
	}
}
