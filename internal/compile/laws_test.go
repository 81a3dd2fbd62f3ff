// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/compile"
)

// What is invalid never lets more happen than its owner meant: each case breaks one object of a world in which alice's
// portal may read, or adds a broken one, and asks the engine.
func TestWhatIsInvalidNeverWidens(t *testing.T) {
	broken := []v1alpha1.Condition{{Expression: "context.purpose =="}}
	portal := v1alpha1.ActorSelector{Namespace: "support", ServiceAccount: "portal"}
	forbid := func(change func(*v1alpha1.DelegationPolicySpec)) func(*compile.World) {
		return func(w *compile.World) {
			p := w.Policies[0].DeepCopy()
			p.Name, p.Spec.Effect = "forbid", v1alpha1.EffectForbid
			change(&p.Spec)
			w.Policies = append(w.Policies, *p)
		}
	}
	cases := map[string]struct {
		change func(*compile.World)
		want   authz.Reason
	}{
		"nothing is broken": {change: func(*compile.World) {}},
		"a Forbid whose condition does not compile forbids": {
			change: forbid(func(s *v1alpha1.DelegationPolicySpec) { s.Conditions = broken }),
			want:   authz.ReasonForbidden,
		},
		"a Forbid whose dry run has no end forbids": {
			change: forbid(func(s *v1alpha1.DelegationPolicySpec) { s.Enforcement.Mode = v1alpha1.EnforcementDryRun }),
			want:   authz.ReasonForbidden,
		},
		"a Forbid whose pattern makes no sense forbids": {
			change: forbid(func(s *v1alpha1.DelegationPolicySpec) {
				s.Audiences[0].Scopes = []v1alpha1.ScopePattern{"tickets:*:now"}
			}),
			want: authz.ReasonForbidden,
		},
		"a Forbid with limits that the request exceeds forbids": {
			change: forbid(func(s *v1alpha1.DelegationPolicySpec) { s.Limits.MaxSubjectAgeSeconds = 1 }),
			want:   authz.ReasonForbidden,
		},
		"a policy whose effect nobody knows forbids": {
			change: forbid(func(s *v1alpha1.DelegationPolicySpec) { s.Effect = "Deny" }),
			want:   authz.ReasonForbidden,
		},
		"a Forbid that names half an actor forbids": {
			change: forbid(func(s *v1alpha1.DelegationPolicySpec) {
				s.Actors = []v1alpha1.ActorSelector{{Namespace: "support"}}
			}),
			want: authz.ReasonForbidden,
		},
		"a Permit whose condition does not compile permits nothing": {
			change: func(w *compile.World) { w.Policies[0].Spec.Conditions = broken },
			want:   authz.ReasonNoPolicy,
		},
		"a Permit of which only one selector is broken permits nothing": {
			change: func(w *compile.World) {
				w.Policies[0].Spec.Actors = []v1alpha1.ActorSelector{portal, {Namespace: "support"}}
			},
			want: authz.ReasonNoPolicy,
		},
		"an entitlement whose condition does not compile entitles nobody": {
			change: func(w *compile.World) { w.ResourceServers[0].Spec.Scopes[0].Entitlements[0].Conditions = broken },
			want:   authz.ReasonNotEntitled,
		},
		"a delegation that hands on to itself declares nothing": {
			change: func(w *compile.World) {
				w.ServiceDelegations[0].Spec.Onward[0].To.ServiceAccount = "portal"
			},
			want: authz.ReasonNotDeclared,
		},
		"a resource server that is not acceptable is not known": {
			change: func(w *compile.World) { w.ResourceServers[0].Spec.Enforcement.Mode = v1alpha1.EnforcementDryRun },
			want:   authz.ReasonAudienceUnknown,
		},
		"a revocation with two targets revokes both": {
			change: func(w *compile.World) {
				w.Revocations = append(w.Revocations, v1alpha1.DelegationRevocation{Spec: v1alpha1.DelegationRevocationSpec{
					Transaction: "txn-9", Subject: &v1alpha1.SubjectReference{Issuer: "corp", ID: "alice"},
				}})
			},
			want: authz.ReasonRevoked,
		},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			w := soundWorld(t)
			w.Policies[0].Spec.RequireGrant = nil
			c.change(&w)
			got := decide(t, compile.Compile(w))
			if got.Reason != c.want || got.Allowed() != (c.want == "") {
				t.Errorf("got %s %s (%s), want reason %q", got.Outcome, got.Reason, got.Message, c.want)
			}
		})
	}
}

// decide asks whether support/portal may read a ticket for alice.
func decide(t *testing.T, r *compile.Result) authz.Decision {
	t.Helper()
	snapshot := load(t, r)
	now := time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
	return snapshot.Decide(&authz.Request{
		Subject:  authz.Subject{Issuer: "corp", ID: "alice", AuthTime: now.Add(-time.Hour)},
		Actor:    authz.Actor{Namespace: "support", ServiceAccount: "portal"},
		Audience: "https://tickets.example",
		Scope:    "tickets:read",
	}, now)
}
