// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

func (a *allowed) isDelegated() bool { return a.Request.Actor.Present() }

func (a *allowed) chain() []authz.Actor {
	if !a.isDelegated() {
		return nil
	}
	return append(slices.Clone(a.Request.Via), a.Request.Actor)
}

func (a *allowed) dropActor() bool {
	was := a.isDelegated() && a.Request.HTTP == nil
	a.Request.Actor = authz.Actor{}
	return was
}

func (a *allowed) halveActor() bool {
	was := a.isDelegated()
	a.Request.Actor.ServiceAccount = ""
	return was
}

// end lets a lease end longer ago than anybody may serve stale.
func (a *allowed) end(lease *time.Time) bool {
	*lease = a.Now.Add(-8 * 24 * time.Hour)
	return true
}

// ownToken gives the request a token of its own to change.
func (a *allowed) ownToken() bool {
	if a.Request.Token == nil {
		return false
	}
	token := *a.Request.Token
	token.Scopes = slices.Clone(token.Scopes)
	a.Request.Token = &token
	return true
}

func (a *allowed) expireToken() bool {
	if !a.ownToken() {
		return false
	}
	a.Request.Token.ExpiresAt = a.Now
	return true
}

func (a *allowed) dropTokenScope() bool {
	if !a.ownToken() {
		return false
	}
	a.Request.Token.Unbounded = false
	a.Request.Token.Scopes = []string{"openid", a.decision.Scope + "x", authz.QualifiedScope("https://other.example", a.decision.Scope)}
	return true
}

func (a *allowed) spoilToken() bool {
	if !a.ownToken() || a.Request.Token.Unbounded {
		return false
	}
	a.Request.Token.Scopes = append(a.Request.Token.Scopes, "t:read t:write")
	return true
}

// server is the one that was asked.
func (a *allowed) server() *v1alpha1.ResourceServer {
	i := slices.IndexFunc(a.world.ResourceServers, func(s v1alpha1.ResourceServer) bool { return string(s.Spec.Audience) == a.decision.Audience })
	return &a.world.ResourceServers[i]
}

func (a *allowed) dropScope() bool {
	spec := &a.server().Spec
	spec.Scopes = slices.DeleteFunc(spec.Scopes, func(s v1alpha1.Scope) bool { return string(s.Name) == a.decision.Scope })
	spec.Routes = slices.DeleteFunc(spec.Routes, func(r v1alpha1.Route) bool { return string(r.Scope) == a.decision.Scope })
	return a.Request.HTTP == nil && len(spec.Scopes) > 0
}

func (a *allowed) dropRoutes() bool {
	a.server().Spec.Routes = nil
	return a.Request.HTTP != nil
}

// turnRoutes has every route take the other kind of caller.
func (a *allowed) turnRoutes() bool {
	other := v1alpha1.CallerUser
	if !a.isDelegated() {
		other = v1alpha1.CallerDelegated
	}
	for i := range a.server().Spec.Routes {
		a.server().Spec.Routes[i].Callers = []v1alpha1.Caller{other}
	}
	return a.Request.HTTP != nil
}

func (a *allowed) revoke(spec v1alpha1.DelegationRevocationSpec) bool {
	a.world.Revocations = append(a.world.Revocations, v1alpha1.DelegationRevocation{ObjectMeta: metav1.ObjectMeta{Name: "taken"}, Spec: spec})
	return true
}

func (a *allowed) revokeSession() bool {
	who := a.Request.Subject
	return who.Session != "" && a.revoke(v1alpha1.DelegationRevocationSpec{
		Session: &v1alpha1.SessionReference{Issuer: v1alpha1.IssuerName(who.Issuer), ID: who.Session},
	})
}

func (a *allowed) revokeActor(i int) bool {
	return a.isDelegated() && a.revoke(v1alpha1.DelegationRevocationSpec{Actor: new(accountOf(a.chain()[i]))})
}

func (a *allowed) revokeFirstStep() bool {
	return a.isDelegated() && a.revoke(v1alpha1.DelegationRevocationSpec{
		Edge: &v1alpha1.Edge{Subject: new(personOf(a.Request.Subject)), To: accountOf(a.chain()[0])},
	})
}

func (a *allowed) revokeLastStep() bool {
	n := len(a.Request.Via)
	return n > 0 && a.revoke(v1alpha1.DelegationRevocationSpec{
		Edge: &v1alpha1.Edge{From: new(accountOf(a.Request.Via[n-1])), To: accountOf(a.Request.Actor)},
	})
}

func (a *allowed) revokeTransaction() bool {
	t := a.Request.Token
	return t != nil && t.Transaction != "" && a.revoke(v1alpha1.DelegationRevocationSpec{Transaction: t.Transaction})
}

func (a *allowed) revokeToken() bool {
	t := a.Request.Token
	return t != nil && t.ID != "" && a.revoke(v1alpha1.DelegationRevocationSpec{Token: t.ID})
}

func (a *allowed) revokeGrants() bool {
	for _, g := range a.world.Grants {
		a.world.Revocations = append(a.world.Revocations, v1alpha1.DelegationRevocation{
			ObjectMeta: metav1.ObjectMeta{Name: "taken-" + g.Name[len(g.Name)-2:]},
			Spec:       v1alpha1.DelegationRevocationSpec{Grant: &v1alpha1.GrantReference{Namespace: v1alpha1.NamespaceName(g.Namespace), Name: g.Name}},
		})
	}
	return a.decision.Grant != nil
}

func (a *allowed) dropEntitlements() bool {
	for i := range a.server().Spec.Scopes {
		if scope := &a.server().Spec.Scopes[i]; string(scope.Name) == a.decision.Scope {
			scope.Entitlements = nil
		}
	}
	return true
}

func (a *allowed) turnAway() bool {
	a.server().Spec.AllowedActors.Namespaces = v1alpha1.ActorNamespaces{
		From: v1alpha1.NamespacesSelector, Selector: v1alpha1.NamespaceSelector{MatchLabels: map[string]string{"team": "nobody"}},
	}
	return a.isDelegated()
}

// eachDelegationOf changes what is declared of one service; one that then says nothing goes.
func (a *allowed) eachDelegationOf(actor authz.Actor, change func(*v1alpha1.ServiceDelegationSpec)) {
	for i := range a.world.ServiceDelegations {
		d := &a.world.ServiceDelegations[i]
		if d.Namespace == actor.Namespace && string(d.Spec.ServiceAccountName) == actor.ServiceAccount {
			change(&d.Spec)
		}
	}
	a.world.ServiceDelegations = slices.DeleteFunc(a.world.ServiceDelegations, func(d v1alpha1.ServiceDelegation) bool {
		return len(d.Spec.Audiences)+len(d.Spec.Onward) == 0
	})
}

func (a *allowed) dropOwnDeclarations() bool {
	a.eachDelegationOf(a.Request.Actor, func(d *v1alpha1.ServiceDelegationSpec) { d.Audiences = nil })
	return a.isDelegated()
}

func (a *allowed) dropStep() bool {
	chain := a.chain()
	if len(chain) < 2 {
		return false
	}
	a.eachDelegationOf(chain[0], func(d *v1alpha1.ServiceDelegationSpec) {
		d.Onward = slices.DeleteFunc(d.Onward, func(o v1alpha1.Onward) bool { return o.To == accountOf(chain[1]) })
	})
	return true
}

// loop has the last actor come before the first one too. Each says that it goes on to the next.
func (a *allowed) loop() bool {
	if len(a.Request.Via) == 0 || !a.patient() {
		return false
	}
	a.handOn(a.Request.Actor, a.Request.Via[0])
	a.Request.Via = append([]authz.Actor{a.Request.Actor}, a.Request.Via...)
	return true
}

// lengthen puts others before the first actor, until there are nine. Each says that it goes on to the next.
func (a *allowed) lengthen() bool {
	if !a.isDelegated() || !a.patient() {
		return false
	}
	for len(a.Request.Via) < authz.MaxChainDepth {
		first := authz.Actor{Namespace: "shop", ServiceAccount: strings.Repeat("d", len(a.Request.Via)+1)}
		a.handOn(first, a.chain()[0])
		a.Request.Via = append([]authz.Actor{first}, a.Request.Via...)
	}
	return true
}

// handOn has one service say that it goes on to another with the scope.
func (a *allowed) handOn(from, to authz.Actor) {
	d := v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{Namespace: from.Namespace, Name: "taken-" + from.ServiceAccount}}
	d.Spec.ServiceAccountName, d.Spec.Purpose = v1alpha1.ServiceAccountName(from.ServiceAccount), "to hand on"
	d.Spec.Onward = []v1alpha1.Onward{{To: accountOf(to), Audiences: []v1alpha1.AudienceScopes{
		{Audience: v1alpha1.Audience(a.decision.Audience), Scopes: []v1alpha1.ScopeName{v1alpha1.ScopeName(a.decision.Scope)}},
	}}}
	a.world.ServiceDelegations = append(a.world.ServiceDelegations, d)
}

// patient says that no condition looks at the chain, and lets every Permit take any depth: what remains is the chain leg.
func (a *allowed) patient() bool {
	a.eachPermit(func(p *v1alpha1.DelegationPolicySpec) { p.Limits.MaxChainDepth = authz.MaxChainDepth })
	for _, scope := range a.server().Spec.Scopes {
		for _, e := range scope.Entitlements {
			if slices.ContainsFunc(e.Conditions, func(c v1alpha1.Condition) bool { return strings.Contains(c.Expression, "chain") }) {
				return false
			}
		}
	}
	return len(a.world.Revocations) == 0
}

func (a *allowed) eachPermit(change func(*v1alpha1.DelegationPolicySpec)) {
	for i := range a.world.Policies {
		if p := &a.world.Policies[i].Spec; p.Effect == v1alpha1.EffectPermit {
			change(p)
		}
	}
}

func (a *allowed) dropPermits() bool {
	a.world.Policies = slices.DeleteFunc(a.world.Policies, func(p v1alpha1.DelegationPolicy) bool { return p.Spec.Effect == v1alpha1.EffectPermit })
	return a.isDelegated()
}

func (a *allowed) forbid() bool {
	a.world.Policies = append(a.world.Policies, v1alpha1.DelegationPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "taken"},
		Spec: v1alpha1.DelegationPolicySpec{
			Effect:    v1alpha1.EffectForbid,
			Actors:    []v1alpha1.ActorSelector{{Namespace: v1alpha1.NamespaceName(a.Request.Actor.Namespace), All: new(true)}},
			Subjects:  []v1alpha1.SubjectSelector{{Issuer: v1alpha1.IssuerName(a.Request.Subject.Issuer), All: new(true)}},
			Audiences: []v1alpha1.AudienceScopePatterns{{Audience: v1alpha1.Audience(a.decision.Audience), Scopes: []v1alpha1.ScopePattern{"*"}}},
		},
	})
	return a.isDelegated()
}

func (a *allowed) limitAge() bool {
	a.eachPermit(func(p *v1alpha1.DelegationPolicySpec) { p.Limits.MaxSubjectAgeSeconds = 1 })
	a.Request.Subject.AuthTime = a.Now.Add(-2 * time.Second)
	return a.isDelegated()
}

func (a *allowed) limitDepth() bool {
	depth := len(a.Request.Via)
	a.eachPermit(func(p *v1alpha1.DelegationPolicySpec) { p.Limits.MaxChainDepth = int32(depth) })
	return depth > 0
}

func (a *allowed) limitLifetime() bool {
	a.eachPermit(func(p *v1alpha1.DelegationPolicySpec) { p.Limits.MaxTokenLifetimeSeconds = 1 })
	return a.isDelegated() && a.Request.Token != nil
}

// askForGrants has every Permit ask for a grant, and there is none.
func (a *allowed) askForGrants() bool {
	a.eachPermit(func(p *v1alpha1.DelegationPolicySpec) {
		p.RequireGrant = &v1alpha1.RequireGrant{MaxLifetimeSeconds: 60, Approvers: v1alpha1.Approvers{Groups: []v1alpha1.GroupName{"approvers"}}}
	})
	a.world.Grants = nil
	return a.isDelegated()
}

func (a *allowed) eachGrant(change func(*v1alpha1.DelegationGrant)) bool {
	for i := range a.world.Grants {
		change(&a.world.Grants[i])
	}
	return a.decision.Grant != nil
}
