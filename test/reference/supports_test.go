// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/reference"
)

// allowed is a request that a world allows, with the decision, for somebody to take a support away from.
type allowed struct {
	*trial
	world    *reference.World
	decision authz.Decision
}

// supports are what an allowed request stands on. Taking one away must deny, by the leg that it supports. A row that does not
// apply to a request says so by false.
var supports = []struct {
	leg  authz.Leg
	what string
	take func(*allowed) bool
}{
	{authz.LegIdentity, "the subject", func(a *allowed) bool { a.Request.Subject = authz.Subject{}; return true }},
	{authz.LegIdentity, "the subject's id", func(a *allowed) bool { a.Request.Subject.ID = ""; return true }},
	{authz.LegIdentity, "the issuer's trust", func(a *allowed) bool { a.world.Issuers = nil; return true }},
	{authz.LegIdentity, "the front door's word", func(a *allowed) bool { a.Request.Unauthenticated = authz.ReasonTokenInvalid; return true }},
	{authz.LegIdentity, "the actor", (*allowed).dropActor},
	{authz.LegIdentity, "half of the actor's name", (*allowed).halveActor},

	{authz.LegFreshness, "the lease of policy", func(a *allowed) bool { return a.end(&a.world.PolicyLease) }},
	{authz.LegFreshness, "the lease of trust", func(a *allowed) bool { return a.end(&a.world.TrustLease) }},
	{authz.LegFreshness, "the lease of revocations", func(a *allowed) bool { return a.end(&a.world.RevocationsLease) }},
	{authz.LegFreshness, "the token's time", (*allowed).expireToken},

	{authz.LegResource, "the resource server", func(a *allowed) bool { a.world.ResourceServers = nil; return true }},
	{authz.LegResource, "the scope", (*allowed).dropScope},
	{authz.LegResource, "the route", (*allowed).dropRoutes},
	{authz.LegResource, "the route's callers", (*allowed).turnRoutes},

	{authz.LegRevocation, "the subject's standing", func(a *allowed) bool {
		return a.revoke(v1alpha1.DelegationRevocationSpec{Subject: new(personOf(a.Request.Subject))})
	}},
	{authz.LegRevocation, "the session's standing", (*allowed).revokeSession},
	{authz.LegRevocation, "the actor's standing", func(a *allowed) bool { return a.revokeActor(len(a.chain()) - 1) }},
	{authz.LegRevocation, "the first actor's standing", func(a *allowed) bool { return len(a.chain()) > 1 && a.revokeActor(0) }},
	{authz.LegRevocation, "the first step's standing", (*allowed).revokeFirstStep},
	{authz.LegRevocation, "the last step's standing", (*allowed).revokeLastStep},
	{authz.LegRevocation, "the transaction's standing", (*allowed).revokeTransaction},
	{authz.LegRevocation, "the token's standing", (*allowed).revokeToken},
	{authz.LegRevocation, "the grants' standing", (*allowed).revokeGrants},

	{authz.LegToken, "the token's scope", (*allowed).dropTokenScope},
	{authz.LegToken, "the token's soundness", (*allowed).spoilToken},

	{authz.LegSubject, "the entitlements", (*allowed).dropEntitlements},

	{authz.LegActor, "the namespace's welcome", (*allowed).turnAway},
	{authz.LegActor, "the actor's declaration", (*allowed).dropOwnDeclarations},

	{authz.LegChain, "the first step's declaration", (*allowed).dropStep},
	{authz.LegChain, "the chain's straightness", (*allowed).loop},
	{authz.LegChain, "the chain's shortness", (*allowed).lengthen},

	{authz.LegPolicy, "the Permits", (*allowed).dropPermits},
	{authz.LegPolicy, "the absence of a Forbid", (*allowed).forbid},
	{authz.LegPolicy, "the Permits' patience with age", (*allowed).limitAge},
	{authz.LegPolicy, "the Permits' patience with depth", (*allowed).limitDepth},
	{authz.LegPolicy, "the Permits' patience with long tokens", (*allowed).limitLifetime},

	{authz.LegGrant, "the grants", func(a *allowed) bool { a.world.Grants = nil; return a.decision.Grant != nil }},
	{authz.LegGrant, "the Permits' silence about grants", (*allowed).askForGrants},
	{authz.LegGrant, "the grants' time", func(a *allowed) bool {
		return a.eachGrant(func(g *v1alpha1.DelegationGrant) { g.Spec.NotAfter = metav1.NewTime(a.Now.Truncate(time.Second)) })
	}},
	{authz.LegGrant, "the grants' approval", func(a *allowed) bool {
		return a.eachGrant(func(g *v1alpha1.DelegationGrant) { g.Spec.State = v1alpha1.GrantRequested })
	}},
	{authz.LegGrant, "the grants' approver", func(a *allowed) bool {
		return a.eachGrant(func(g *v1alpha1.DelegationGrant) { g.Spec.Approver = &v1alpha1.Approver{Username: "mallory"} })
	}},
	{authz.LegGrant, "the second person", func(a *allowed) bool {
		return a.eachGrant(func(g *v1alpha1.DelegationGrant) { g.Spec.Approver.Username = v1alpha1.Username(a.Request.Subject.ID) })
	}},
	{authz.LegGrant, "the grants' resource", func(a *allowed) bool {
		return a.eachGrant(func(g *v1alpha1.DelegationGrant) {
			g.Spec.Resource = &v1alpha1.GrantResource{Type: "ticket", ID: "another"}
		})
	}},
	{authz.LegGrant, "the grants' session", func(a *allowed) bool {
		return a.eachGrant(func(g *v1alpha1.DelegationGrant) { g.Spec.Session = "another" })
	}},
	{authz.LegGrant, "the grants' arguments", func(a *allowed) bool {
		return a.eachGrant(func(g *v1alpha1.DelegationGrant) { g.Spec.ArgumentsDigest = reference.Digest("another") })
	}},
	{authz.LegGrant, "the grants' shortness", func(a *allowed) bool {
		return a.eachGrant(func(g *v1alpha1.DelegationGrant) { g.Spec.NotAfter = metav1.NewTime(noon.Add(3 * time.Hour)) })
	}},
	{authz.LegGrant, "the grants' actor", func(a *allowed) bool {
		return a.eachGrant(func(g *v1alpha1.DelegationGrant) { g.Spec.Actor.ServiceAccount = "another" })
	}},
	{authz.LegGrant, "the grants' subject", func(a *allowed) bool {
		return a.eachGrant(func(g *v1alpha1.DelegationGrant) { g.Spec.Subject.ID = "another" })
	}},
}

// taken counts, over a test, how often each support was taken from some request: a row that never applies proves nothing.
var taken = make([]int, len(supports))

func assertTaken(t *testing.T) {
	t.Helper()
	for i, support := range supports {
		if taken[i] < 3 {
			t.Errorf("%s was taken from only %d requests", support.what, taken[i])
		}
	}
}

// needsEverySupport takes one after the other away from a few requests that are allowed: those that rest on a grant, which are
// rare, and the first two others.
func needsEverySupport(t *testing.T, s *scene) {
	t.Helper()
	snapshot, others := s.load(t), 2
	for range 60 {
		one := s.trial()
		d := snapshot.Decide(&one.Request, one.Now)
		if !d.Allowed() || d.DryRun != nil || dryRuns(s.world) || d.Grant == nil && others == 0 {
			continue
		}
		if d.Grant == nil {
			others--
		}
		for i, support := range supports {
			world, again := copyOf(s.world), one
			again.Request.Via = slices.Clone(one.Request.Via)
			if !support.take(&allowed{trial: &again, world: &world, decision: d}) {
				continue
			}
			taken[i]++
			changed := (&scene{world: world}).load(t).Decide(&again.Request, again.Now)
			if changed.Allowed() || changed.Leg != support.leg {
				t.Errorf("without %s: %s by %s %s, want a denial by %s\n%s%s",
					support.what, changed.Outcome, changed.Leg, changed.Reason, support.leg, inYAML(world), inYAML(again))
				return
			}
		}
	}
}

func dryRuns(w reference.World) bool {
	return slices.ContainsFunc(w.ResourceServers, func(s v1alpha1.ResourceServer) bool {
		return s.Spec.Enforcement.Mode == v1alpha1.EnforcementDryRun
	})
}
