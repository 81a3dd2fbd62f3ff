// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// THREATS 42
func TestNobodyApprovesForThemselves(t *testing.T) {
	for name, c := range map[string]struct {
		approver string
		want     authz.Outcome
	}{
		"somebody else":                                {"carol@example.com", authz.Allow},
		"somebody else of the issuer":                  {"https://idp.example#carol", authz.Allow},
		"somebody whose name ends in the subject's":    {"malice", authz.Allow},
		"somebody whose name begins as the subject's":  {"alice@example.com.au", authz.Allow},
		"somebody at a host called as the subject is":  {"carol@alice", authz.Allow},
		"a service account outside the chain":          {"system:serviceaccount:support:approver", authz.Allow},
		"a namesake of the actor in another namespace": {"system:serviceaccount:finance:portal", authz.Allow},
		"a user who is called as the actor":            {"support:portal", authz.Allow},
		"a user name that ends in a separator":         {"carol:", authz.Allow},
		"the subject by user name":                     {"alice@example.com", authz.Deny},
		"the subject by id":                            {"alice", authz.Deny},
		"the subject in another case":                  {"Alice@Example.com", authz.Deny},
		"the subject by id in another case":            {"ALICE", authz.Deny},
		"the subject with the API server's prefix":     {"oidc:alice@example.com", authz.Deny},
		"the subject with a prefix, in another case":   {"oidc:Alice@example.com", authz.Deny},
		"the subject with its issuer":                  {"https://idp.example#alice", authz.Deny},
		"the subject with a path":                      {"corp/people/alice", authz.Deny},
		"the actor":                                    {"system:serviceaccount:support:portal", authz.Deny},
		"a prior actor":                                {"system:serviceaccount:routing:router", authz.Deny},
		"nobody":                                       {"", authz.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.asksToPay()
			w.throughTheRouter()
			w.policy.Grants[0].ApproverUsername = c.approver
			d := w.decide(t)
			if d.Outcome != c.want {
				t.Errorf("got %s (%s)", d.Outcome, d.Message)
			}
			if c.want == authz.Deny && (d.Leg != authz.LegGrant || d.Reason != authz.ReasonGrantMismatch) {
				t.Errorf("got %s/%s (%s)", d.Leg, d.Reason, d.Message)
			}
		})
	}
}

// throughTheRouter lets the router pass payments on.
func (w *world) throughTheRouter() {
	viaRouter(w)
	w.policy.Actors[1].Declarations[0].Onward[0].Scopes = []int{pay}
	w.policy.Rules[1].Limits.MaxChainDepth = 2
}

func TestASubjectWithoutAUserNameIsNotEverybody(t *testing.T) {
	w := newWorld(t)
	w.asksToPay()
	w.request.Subject.Username = ""
	w.policy.Grants[0].ApproverUsername = "carol:"
	if d := w.decide(t); !d.Allowed() {
		t.Errorf("denied: %+v", d.Denial)
	}
}

func TestASubjectIsKnownInACaseOfAnotherLength(t *testing.T) {
	w := newWorld(t)
	w.asksToPay()
	w.request.Subject.Username = "kate"
	w.policy.Grants[0].ApproverUsername = "oidc:\u212aATE" // the sign of the kelvin
	if d := w.decide(t); d.Reason != authz.ReasonGrantMismatch {
		t.Errorf("got %s (%s)", d.Outcome, d.Message)
	}
}

func TestAGrantBySomebodyElseServesBesideOneThatTheSubjectApproved(t *testing.T) {
	w := newWorld(t)
	w.asksToPay()
	own := w.policy.Grants[0]
	own.Source.Name, own.ApproverUsername = "a-grant-of-my-own", "oidc:alice"
	w.policy.Grants = []bundle.Grant{own, w.policy.Grants[0]}
	if d := w.decide(t); !d.Allowed() || d.Grant.Name != "pay-inv-7" {
		t.Errorf("got %s (%s), grant %v", d.Outcome, d.Message, d.Grant)
	}
}
