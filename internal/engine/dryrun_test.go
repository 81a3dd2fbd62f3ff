// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

func TestDryRunOfAResourceServer(t *testing.T) {
	until := func(at time.Time) func(*world) { return func(w *world) { w.policy.DryRunUntil = at.Unix() } }
	still, over := until(now.Add(time.Second)), until(now)
	for _, c := range []struct {
		name   string
		dryRun func(*world)
		change func(*world)
		// what comes of it, and by which leg
		outcome authz.Outcome
		leg     authz.Leg
		reason  authz.Reason
	}{
		{"nothing to deny", still, func(*world) {}, authz.Allow, "", ""},
		{"no person", still, func(w *world) { w.request.Subject = authz.Subject{} }, authz.Allow, authz.LegIdentity, authz.ReasonSubjectMissing},
		{"an unknown scope", still, func(w *world) { w.request.Scope = "x" }, authz.Allow, authz.LegResource, authz.ReasonScopeUnknown},
		{"a scope not in the token", still, func(w *world) { w.request.Token.Scopes = nil }, authz.Allow, authz.LegToken, authz.ReasonScopeNotInToken},
		{"no entitlement", still, func(w *world) { w.request.Subject.Groups = nil }, authz.Allow, authz.LegSubject, authz.ReasonNotEntitled},
		{"an undeclared scope", still, func(w *world) { w.policy.Actors = nil }, authz.Allow, authz.LegActor, authz.ReasonNotDeclared},
		{"a loop", still, func(w *world) { w.request.Via = []authz.Actor{w.request.Actor} }, authz.Allow, authz.LegChain, authz.ReasonChainLoop},
		{"a Forbid", still, func(w *world) { w.policy.Rules[2].Scopes = []int{read} }, authz.Allow, authz.LegPolicy, authz.ReasonForbidden},
		{"no grant", still, func(w *world) { w.asksToPay(); w.policy.Grants = nil }, authz.Allow, authz.LegGrant, authz.ReasonGrantRequired},
		{"a stale bundle", still, func(w *world) { w.policyLease = now.Add(-time.Minute) }, authz.Deny, authz.LegFreshness, authz.ReasonStaleBundle},
		{"an expired token", still, func(w *world) { w.request.Token.ExpiresAt = now }, authz.Deny, authz.LegFreshness, authz.ReasonTokenExpired},
		{"a revocation", still, func(w *world) { w.revoke(bundle.Revocation{Subject: alice}) }, authz.Deny, authz.LegRevocation, authz.ReasonRevoked},
		{
			"a revocation behind what is softened", still,
			func(w *world) { w.request.Scope = "x"; w.revoke(bundle.Revocation{Subject: alice}) },
			authz.Deny, authz.LegRevocation, authz.ReasonRevoked,
		},
		{
			"a stale bundle behind what is softened", still,
			func(w *world) { w.request.Subject = authz.Subject{}; w.policyLease = now.Add(-time.Minute) },
			authz.Deny, authz.LegFreshness, authz.ReasonStaleBundle,
		},
		{
			"a revoked grant", still,
			func(w *world) {
				w.asksToPay()
				w.revoke(bundle.Revocation{Grant: &bundle.Service{Namespace: "support", Name: "pay-inv-7"}})
			},
			authz.Deny, authz.LegRevocation, authz.ReasonRevoked,
		},
		{"an unknown audience, of which no dry run is known", still, func(w *world) { w.request.Audience = "x" }, authz.Deny, authz.LegResource, authz.ReasonAudienceUnknown},
		{"the dry run is over", over, func(w *world) { w.request.Scope = "x" }, authz.Deny, authz.LegResource, authz.ReasonScopeUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.dryRun(w)
			c.change(w)
			checkDryRun(t, w.decide(t), c.outcome, c.leg, c.reason)
		})
	}
}

// A clock that is not set would lie before the end of any dry run, and of none.
func TestAClockThatIsNotSetIsOnNoDryRun(t *testing.T) {
	for name, change := range map[string]func(*world){
		"no dry run":                 func(*world) {},
		"a dry run of the server":    func(w *world) { w.policy.DryRunUntil = now.Unix() },
		"a Forbid without a dry run": func(w *world) { w.policy.Rules[2].Scopes = []int{read} },
	} {
		w := newWorld(t)
		w.request.Token = nil
		w.request.Subject.AuthTime = time.Time{}
		change(w)
		for _, at := range []time.Time{{}, time.Unix(-1, 0)} {
			if d := w.snapshot(t).Decide(w.request, at); name != "a dry run of the server" && d.Allowed() {
				t.Errorf("%s: at %s: %+v", name, at, d)
			}
		}
	}
}

func checkDryRun(t *testing.T, d authz.Decision, outcome authz.Outcome, leg authz.Leg, reason authz.Reason) {
	t.Helper()
	judged := d.Denial
	if outcome == authz.Allow && d.DryRun != nil {
		judged = *d.DryRun
	}
	if d.Outcome != outcome || judged.Leg != leg || judged.Reason != reason {
		t.Errorf("got %s by %s/%s (dry run %v), want %s by %s/%s", d.Outcome, judged.Leg, judged.Reason, d.DryRun, outcome, leg, reason)
	}
	if outcome == authz.Allow && d.Denial != (authz.Denial{}) {
		t.Errorf("an Allow carries the denial %+v", d.Denial)
	}
	if outcome == authz.Deny && d.DryRun != nil {
		t.Errorf("a Deny carries the dry run %+v", d.DryRun)
	}
}

func TestDryRunOfAForbid(t *testing.T) {
	dryRun := func(w *world) { w.policy.Rules[2].Scopes, w.policy.Rules[2].DryRunUntil = []int{read}, now.Unix()+1 }
	t.Run("is recorded and does not deny", func(t *testing.T) {
		w := newWorld(t)
		dryRun(w)
		d := w.decide(t)
		checkDryRun(t, d, authz.Allow, authz.LegPolicy, authz.ReasonForbidden)
		if len(d.Policies) != 1 || d.Policies[0].Name != "portal-for-customers" {
			t.Errorf("the Permit is not named: %v", d.Policies)
		}
	})
	t.Run("does not stand in for a Permit", func(t *testing.T) {
		w := newWorld(t)
		dryRun(w)
		w.policy.Rules[0].Subjects = nil
		checkDryRun(t, w.decide(t), authz.Deny, authz.LegPolicy, authz.ReasonNoPolicy)
	})
	t.Run("comes before what a dry run of the server softens later", func(t *testing.T) {
		w := newWorld(t)
		dryRun(w)
		w.policy.DryRunUntil, w.policy.Rules[0].Subjects = now.Unix()+1, nil
		d := w.decide(t)
		checkDryRun(t, d, authz.Allow, authz.LegPolicy, authz.ReasonForbidden)
		if got := obstaclesOf(d); !slices.Equal(got, []string{"policy/forbidden", "policy/no_policy"}) {
			t.Errorf("obstacles %v", got)
		}
	})
	t.Run("comes after what a dry run of the server softens before", func(t *testing.T) {
		w := newWorld(t)
		dryRun(w)
		w.policy.DryRunUntil, w.request.Token.Scopes = now.Unix()+1, nil
		d := w.decide(t)
		checkDryRun(t, d, authz.Allow, authz.LegToken, authz.ReasonScopeNotInToken)
		if got := obstaclesOf(d); !slices.Equal(got, []string{"token/scope_not_in_token", "policy/forbidden"}) {
			t.Errorf("obstacles %v", got)
		}
	})
	t.Run("does not hide a Forbid that is enforced", func(t *testing.T) {
		w := newWorld(t)
		dryRun(w)
		enforced := w.policy.Rules[2]
		enforced.Policy, enforced.DryRunUntil = policyRef("really-nobody"), 0
		w.policy.Rules = append(w.policy.Rules, enforced)
		d := w.decide(t)
		checkDryRun(t, d, authz.Deny, authz.LegPolicy, authz.ReasonForbidden)
		if len(d.Policies) != 1 || d.Policies[0].Name != "really-nobody" {
			t.Errorf("the Forbid is not named: %v", d.Policies)
		}
	})
}
