// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

func obstaclesOf(d authz.Decision) []string {
	var found []string
	for _, o := range d.Obstacles() {
		found = append(found, string(o.Leg)+"/"+string(o.Reason))
	}
	return found
}

func TestADecisionTellsEverythingThatStandsInTheWay(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world)
		want   []string
	}{
		{"nothing, on an Allow", func(*world) {}, nil},
		{"one thing", func(w *world) {
			w.request.Scope = "tickets:delete"
			w.request.Subject.Groups = []string{"support-agents"}
			w.request.Token = nil
		}, []string{
			"actor/not_declared", "policy/forbidden", "policy/no_policy",
		}},
		{"one thing in each of many legs", func(w *world) {
			w.request.Token.ExpiresAt = now
			w.request.Token.Scopes = nil
			w.revoke(bundle.Revocation{Subject: alice})
			w.request.Subject.Groups = nil
			w.policy.AllowedNamespaces = nil
			w.policy.Actors[0].Declarations[0].Scopes = nil
			w.request.Via = []authz.Actor{{Namespace: "x", ServiceAccount: "y"}, router}
			w.policy.Rules[2].Scopes = []int{read}
		}, []string{
			"freshness/token_expired", "revocation/revoked", "token/scope_not_in_token", "subject/not_entitled",
			"actor/actor_not_allowed", "actor/not_declared", "chain/not_declared", "policy/forbidden", "policy/no_policy",
		}},
		{"every revocation and every step of the chain", func(w *world) {
			w.revoke(bundle.Revocation{Subject: alice})
			w.revoke(bundle.Revocation{Session: &bundle.Person{Issuer: "corp", ID: "s-1"}})
			w.revoke(bundle.Revocation{Token: "jti-1"})
			w.request.Via = []authz.Actor{{Namespace: "x", ServiceAccount: "y"}, {Namespace: "x", ServiceAccount: "z"}}
			w.policy.Rules[0].Limits.MaxChainDepth = 3
		}, []string{
			"revocation/revoked", "revocation/revoked", "revocation/revoked", "chain/not_declared", "chain/not_declared",
		}},
		{"a loop, and the step that makes it", func(w *world) {
			w.request.Via = []authz.Actor{w.request.Actor}
		}, []string{"chain/chain_loop", "chain/edge_not_declared"}},
		{"what can be judged without knowing the scope", func(w *world) {
			w.request.Scope = "tickets:burn"
			w.revoke(bundle.Revocation{Transaction: "txn-1"})
		}, []string{"resource/scope_unknown", "revocation/revoked"}},
		{"what can be judged without knowing who asks", func(w *world) {
			w.request.Unauthenticated = authz.ReasonTokenInvalid
			w.policyLease = now.Add(-time.Second)
		}, []string{"identity/token_invalid", "freshness/stale_bundle"}},
		{"a caller that the route does not take, and what else would", func(w *world) {
			w.asksOver("GET", "/me")
			w.request.Subject.Groups = nil
		}, []string{"resource/caller_not_allowed", "subject/not_entitled", "policy/no_policy"}},
		{"a grant that is missing", func(w *world) { w.asksToPay(); w.policy.Grants = nil }, []string{"grant/grant_required"}},
		{"a grant that is revoked", func(w *world) {
			w.asksToPay()
			w.revoke(bundle.Revocation{Grant: &bundle.Service{Namespace: "support", Name: "pay-inv-7"}})
		}, []string{"revocation/revoked"}},
		{"no grant, where no Permit would count it", func(w *world) {
			w.asksToPay()
			w.policy.Grants = nil
			w.request.Via = []authz.Actor{router}
		}, []string{"chain/not_declared", "policy/chain_too_deep"}},
		{"what a dry run of the resource server would have denied", func(w *world) {
			w.policy.DryRunUntil = now.Unix() + 1
			w.request.Token.Scopes, w.request.Subject.Groups = nil, nil
		}, []string{"token/scope_not_in_token", "subject/not_entitled", "policy/no_policy"}},
		{"only what a dry run does not soften, where that denies", func(w *world) {
			w.policy.DryRunUntil = now.Unix() + 1
			w.request.Token.Scopes = nil
			w.revoke(bundle.Revocation{Subject: alice})
		}, []string{"revocation/revoked"}},
		{"a Forbid in a dry run, where nothing else stands in the way", func(w *world) {
			w.policy.Rules[2].Scopes, w.policy.Rules[2].DryRunUntil = []int{read}, now.Unix()+1
		}, []string{"policy/forbidden"}},
		{"not a Forbid in a dry run, where something else does", func(w *world) {
			w.policy.Rules[2].Scopes, w.policy.Rules[2].DryRunUntil = []int{read}, now.Unix()+1
			w.request.Token.Scopes = nil
		}, []string{"token/scope_not_in_token"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			d := w.decide(t)
			if got := obstaclesOf(d); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if d.Outcome == authz.Deny && !slices.Contains(d.Obstacles(), d.Denial) {
				t.Errorf("what denied is not among them: %+v", d.Denial)
			}
		})
	}
}

func TestAnObstacleSaysWhatWouldHaveToChange(t *testing.T) {
	w := newWorld(t)
	w.request.Scope, w.request.Token = "tickets:delete", nil
	w.request.Subject.Groups = []string{"support-agents"}
	got := w.decide(t).Obstacles()[0].Message
	if want := "support/portal does not declare tickets:delete of https://tickets.example in any ServiceDelegation"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestADenialWithoutASnapshotIsItsOwnObstacle(t *testing.T) {
	var s *Snapshot
	d := s.Decide(newRequest(), now)
	if got := d.Obstacles(); len(got) != 1 || got[0] != d.Denial {
		t.Errorf("got %+v", got)
	}
	if got := (authz.Decision{}).Obstacles(); len(got) != 1 || got[0] != (authz.Denial{}) {
		t.Errorf("the zero decision denies for no reason, got %+v", got)
	}
}

// THREATS 11
func TestAPanicWhileLookingForObstaclesIsOne(t *testing.T) {
	w := newWorld(t)
	w.request.Token.Scopes = nil
	s := w.snapshot(t)
	d := s.Decide(w.request, now)
	s.byAudience("https://tickets.example").policy.people = nil
	got := d.Obstacles()
	if len(got) != 1 || got[0].Reason != authz.ReasonInternalError {
		t.Errorf("got %+v", got)
	}
}

func TestADecisionNamesTheObjectsThatDecided(t *testing.T) {
	const server = "ResourceServer support/tickets"
	for _, c := range []struct {
		name   string
		change func(*world)
		want   []string
	}{
		{"an Allow", func(*world) {}, []string{server, "DelegationPolicy portal-for-customers", "ServiceDelegation support/portal"}},
		{"a chain", viaRouter, []string{
			server, "DelegationPolicy portal-for-customers", "ServiceDelegation support/portal", "ServiceDelegation routing/router",
		}},
		{"a scope that two objects declare", func(w *world) {
			second := w.policy.Actors[0].Declarations[0]
			second.Source.Name, second.Scopes = "portal-again", []int{read}
			w.policy.Actors[0].Declarations = append(w.policy.Actors[0].Declarations, second)
		}, []string{server, "DelegationPolicy portal-for-customers", "ServiceDelegation support/portal", "ServiceDelegation support/portal-again"}},
		{"another scope, that one of them declares", func(w *world) {
			second := w.policy.Actors[0].Declarations[0]
			second.Source.Name, second.Scopes = "portal-again", []int{read}
			w.policy.Actors[0].Declarations = append(w.policy.Actors[0].Declarations, second)
			w.request.Scope = "tickets:comment"
		}, []string{server, "DelegationPolicy portal-for-customers", "ServiceDelegation support/portal"}},
		{"a grant", func(w *world) { w.asksToPay() }, []string{
			server, "DelegationPolicy payments-by-grant", "ServiceDelegation support/portal", "DelegationGrant support/pay-inv-7",
		}},
		{"a Forbid", func(w *world) { w.policy.Rules[2].Scopes = []int{read} }, []string{server, "DelegationPolicy nobody-deletes"}},
		{"a revocation", revoking(bundle.Revocation{Subject: alice}), []string{server, "DelegationRevocation incident-1"}},
		{"an unknown audience", func(w *world) { w.request.Audience = "x" }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			var got []string
			for _, object := range w.decide(t).Objects() {
				got = append(got, object.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// A judgement is used again, and nothing of an earlier request may come back with a later decision.
func TestADecisionRestsOnNothingOfAnEarlierRequest(t *testing.T) {
	w := newWorld(t)
	w.policy.Actors[1].Declarations[0].Onward[0].Scopes = []int{read, remove}
	s := w.snapshot(t)
	// The router hands on what the portal does not declare, so that there is a step and nothing before it.
	gap := newRequest()
	gap.Via, gap.Scope, gap.Token = []authz.Actor{router}, "tickets:delete", nil
	for range 100 {
		s.Obstacles(gap, now)
		if d := s.Decide(newRequest(), now); len(d.Objects()) != 3 || d.Declarations[1] != nil {
			t.Fatalf("the decision rests on %v", d.Objects())
		}
	}
}

func TestAnAllowObligesToWhatItsPermitsSay(t *testing.T) {
	second := func(seconds int32, disclose ...string) func(*world) {
		return func(w *world) {
			w.policy.Rules[0].Disclose = []string{"department"}
			r := w.policy.Rules[0]
			r.Policy, r.Disclose, r.Limits.MaxTokenLifetimeSeconds = policyRef("second"), disclose, seconds
			w.policy.Rules = append(w.policy.Rules, r)
		}
	}
	ends := now.Add(4 * time.Minute)
	for _, c := range []struct {
		name   string
		change func(*world)
		want   authz.Obligations
	}{
		{"one Permit", func(w *world) { w.policy.Rules[0].Disclose = []string{"b", "a", "b"} }, authz.Obligations{
			MaxTokenLifetime: 5 * time.Minute, NotAfter: ends, Disclose: []string{"a", "b"},
		}},
		{"one that does not limit the lifetime", func(w *world) { w.policy.Rules[0].Limits.MaxTokenLifetimeSeconds = 0 }, authz.Obligations{NotAfter: ends}},
		{"two of the same lifetime disclose together", second(300, "region", "department"), authz.Obligations{
			MaxTokenLifetime: 5 * time.Minute, NotAfter: ends, Disclose: []string{"department", "region"},
		}},
		{"of two, the one that gives longer discloses", second(600, "region"), authz.Obligations{
			MaxTokenLifetime: 10 * time.Minute, NotAfter: ends, Disclose: []string{"region"},
		}},
		{"of two, the one that sets no limit discloses", second(0), authz.Obligations{NotAfter: ends}},
		{"of two, the shorter adds nothing", second(299, "region"), authz.Obligations{
			MaxTokenLifetime: 5 * time.Minute, NotAfter: ends, Disclose: []string{"department"},
		}},
		{"no token", func(w *world) { w.request.Token = nil }, authz.Obligations{MaxTokenLifetime: 5 * time.Minute}},
		{"a grant that ends first", func(w *world) { w.asksToPay() }, authz.Obligations{NotAfter: now.Add(30 * time.Minute)}},
		{"a token that ends before the grant", func(w *world) {
			token := *w.request.Token
			token.Unbounded = true
			w.asksToPay()
			w.request.Token = &token
		}, authz.Obligations{NotAfter: ends}},
		{"a person who comes alone", func(w *world) { w.asksOver("GET", "/me"); w.request.Actor = authz.Actor{} }, authz.Obligations{NotAfter: ends}},
		{"a Deny", func(w *world) { w.request.Scope = "x" }, authz.Obligations{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			got := w.decide(t).Obligations
			if !got.NotAfter.Equal(c.want.NotAfter) {
				t.Errorf("not after %s, want %s", got.NotAfter, c.want.NotAfter)
			}
			got.NotAfter, c.want.NotAfter = time.Time{}, time.Time{}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// THREATS 23
func TestEightCharactersAtATimeAreJudgedAsOneAtATime(t *testing.T) {
	for c := range 256 {
		want := c > ' ' && c < 0x7f && c != '"' && c != '\\'
		for length := 1; length <= 17; length++ {
			for at := range length {
				text := []byte(strings.Repeat("~", length))
				text[at] = byte(c)
				if is, marked := scopeText(string(text)); is != want || (is && marked != (c == '#')) {
					t.Fatalf("%q: got %t, marked %t", text, is, marked)
				}
			}
		}
	}
}
