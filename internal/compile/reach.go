// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// The reasons of an ExcessScope.
const (
	ExcessAudienceUnknown = "AudienceUnknown"
	ExcessScopeUnknown    = "ScopeUnknown"
	ExcessActorNotAllowed = "ActorNotAllowed"
	ExcessNoPolicy        = "NoPolicy"
	ExcessForbidden       = "Forbidden"
)

// obstacle is what keeps a scope from having an effect, the nearest to having one last. A scope that is open has one for
// somebody.
type obstacle uint8

const (
	actorNotAllowed obstacle = iota
	noPolicy
	forbidden
	open
)

// reach answers what a declared scope can come to, whoever the subject is: entitlements and conditions are not looked at.
type reach struct {
	idx  *index
	maps map[string]*bundleMap
}

// bundleMap is one bundle with its actors found by name.
type bundleMap struct {
	policy *bundle.Policy
	scopes scopeTable
	actors map[authz.Actor]*bundle.Actor
}

func newReach(idx *index, policies map[types.NamespacedName]*bundle.Policy) *reach {
	r := &reach{idx: idx, maps: map[string]*bundleMap{}}
	for _, p := range policies {
		m := &bundleMap{policy: p, scopes: tableOf(p.Scopes), actors: map[authz.Actor]*bundle.Actor{}}
		for i := range p.Actors {
			a := &p.Actors[i]
			m.actors[authz.Actor{Namespace: a.Namespace, ServiceAccount: a.ServiceAccount}] = a
		}
		r.maps[p.Audience] = m
	}
	return r
}

// judge divides what a delegation declares into what has an effect and what has none. What it hands on never counts as an
// effect of its own.
func (r *reach) judge(d *delegation) (effective []v1alpha1.AudienceScopes, excess []v1alpha1.ExcessScope) {
	for _, audience := range sortedKeys(d.own, strings.Compare) {
		var good []v1alpha1.ScopeName
		for _, scope := range d.own[audience] {
			if e, found := r.excess(d, nil, audience, scope); found {
				excess = append(excess, e)
				continue
			}
			good = append(good, v1alpha1.ScopeName(scope))
		}
		if len(good) > 0 {
			effective = append(effective, v1alpha1.AudienceScopes{Audience: v1alpha1.Audience(audience), Scopes: good})
		}
	}
	for _, next := range d.onward {
		for _, audience := range sortedKeys(next.scopes, strings.Compare) {
			for _, scope := range next.scopes[audience] {
				if e, found := r.excess(d, &next.to, audience, scope); found {
					excess = append(excess, e)
				}
			}
		}
	}
	slices.SortStableFunc(excess, compareExcess)
	return effective, excess
}

// excess says why a declared scope has no effect; to is the next service, where it was declared in onward.
func (r *reach) excess(d *delegation, to *authz.Actor, audience, scope string) (v1alpha1.ExcessScope, bool) {
	e := v1alpha1.ExcessScope{Audience: v1alpha1.Audience(audience), Scope: v1alpha1.ScopeName(scope)}
	if to != nil {
		e.To = &v1alpha1.ServiceAccountReference{
			Namespace: v1alpha1.NamespaceName(to.Namespace), ServiceAccount: v1alpha1.ServiceAccountName(to.ServiceAccount),
		}
	}
	reason, message := r.why(d, to, audience, scope)
	e.Reason, e.Message = reason, clip(message)
	return e, reason != ""
}

// why is empty for a scope that has an effect.
func (r *reach) why(d *delegation, to *authz.Actor, audience, scope string) (reason, message string) {
	m, ok := r.maps[audience]
	if !ok {
		return ExcessAudienceUnknown, r.idx.unknownAudience(audience)
	}
	at, ok := m.scopes[scope]
	if !ok {
		return ExcessScopeUnknown,
			fmt.Sprintf("%s has no scope %q; correct it, or ask the API's team to add it", m.server(), scope)
	}
	if to == nil {
		return m.explain(m.judge(d.actor, at, 1), d.actor, at, 1)
	}
	return m.explain(m.judgeOnward(d.actor, *to, at), *to, at, 2)
}

// clip keeps a message within what status.excess takes.
func clip(message string) string {
	const most = 1024
	if runes := []rune(message); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return message
}

func (m *bundleMap) server() authz.ObjectRef { return withoutGeneration(m.policy.ResourceServer) }

// judgeOnward looks for a service that could use the scope in a chain of from, to and those after it; the one that comes
// nearest counts. The chain is as short as can be: with from at its beginning.
func (m *bundleMap) judgeOnward(from, to authz.Actor, scope int) obstacle {
	best := actorNotAllowed
	seen := map[authz.Actor]bool{from: true, to: true}
	for depth, level := 2, []authz.Actor{to}; depth <= authz.MaxChainDepth && len(level) > 0; depth++ {
		var next []authz.Actor
		for _, actor := range level {
			if best = max(best, m.judge(actor, scope, depth)); best == open {
				return open
			}
			next = append(next, m.nextOf(actor, scope, seen)...)
		}
		level = next
	}
	return best
}

// nextOf are the services, not seen before, that an actor hands a scope on to.
func (m *bundleMap) nextOf(actor authz.Actor, scope int, seen map[authz.Actor]bool) []authz.Actor {
	declared, ok := m.actors[actor]
	if !ok {
		return nil
	}
	var next []authz.Actor
	for _, declaration := range declared.Declarations {
		for _, edge := range declaration.Onward {
			to := authz.Actor{Namespace: edge.Namespace, ServiceAccount: edge.ServiceAccount}
			if slices.Contains(edge.Scopes, scope) && !seen[to] {
				seen[to] = true
				next = append(next, to)
			}
		}
	}
	return next
}

// judge says what stands between an actor that comes with a chain of this depth and a scope.
func (m *bundleMap) judge(actor authz.Actor, scope, depth int) obstacle {
	if !m.policy.AllNamespaces && !slices.Contains(m.policy.AllowedNamespaces, actor.Namespace) {
		return actorNotAllowed
	}
	subjects := m.permitted(actor, scope, depth)
	switch {
	case len(subjects) == 0:
		return noPolicy
	case m.allForbidden(subjects, m.forbids(actor, scope)):
		return forbidden
	default:
		return open
	}
}

// permitted are the people for whom some Permit lets the actor use the scope, under whatever conditions.
func (m *bundleMap) permitted(actor authz.Actor, scope, depth int) []bundle.SubjectSelector {
	var subjects []bundle.SubjectSelector
	for i := range m.policy.Rules {
		rule := &m.policy.Rules[i]
		if rule.Effect == bundle.Permit && int(rule.Limits.MaxChainDepth) >= depth && concerns(rule, actor, scope) {
			subjects = append(subjects, rule.Subjects...)
		}
	}
	return subjects
}

// forbids are the Forbids that surely forbid the actor the scope: without conditions and not in a dry run.
func (m *bundleMap) forbids(actor authz.Actor, scope int) []*bundle.Rule {
	var sure []*bundle.Rule
	for i := range m.policy.Rules {
		rule := &m.policy.Rules[i]
		if rule.Effect == bundle.Forbid && rule.DryRunUntil == 0 && len(rule.Conditions) == 0 && concerns(rule, actor, scope) {
			sure = append(sure, rule)
		}
	}
	return sure
}

// allForbidden says whether each selector of people lies within one selector of some Forbid. It errs on the side of not:
// people whom only several selectors together cover count as not forbidden.
func (m *bundleMap) allForbidden(subjects []bundle.SubjectSelector, forbids []*bundle.Rule) bool {
	for _, s := range subjects {
		covered := slices.ContainsFunc(forbids, func(rule *bundle.Rule) bool {
			return slices.ContainsFunc(rule.Subjects, func(f bundle.SubjectSelector) bool { return within(s, f) })
		})
		if !covered {
			return false
		}
	}
	return true
}

// within says whether everybody whom inner selects is selected by outer.
func within(inner, outer bundle.SubjectSelector) bool {
	if inner.Issuer != outer.Issuer {
		return false
	}
	if outer.All || inner.All {
		return outer.All
	}
	return containsAll(outer.Users, inner.Users) && containsAll(outer.Usernames, inner.Usernames) &&
		containsAll(outer.Groups, inner.Groups)
}

func containsAll(set, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(w string) bool { return !slices.Contains(set, w) })
}

// concerns says whether a rule is about an actor and a scope.
func concerns(rule *bundle.Rule, actor authz.Actor, scope int) bool {
	return slices.Contains(rule.Scopes, scope) && slices.ContainsFunc(rule.Actors, func(sel bundle.ActorSelector) bool {
		return sel.Namespace == actor.Namespace && (sel.ServiceAccount == "" || sel.ServiceAccount == actor.ServiceAccount)
	})
}

// explain puts an obstacle into words: the reason, and what would have to change.
func (m *bundleMap) explain(o obstacle, actor authz.Actor, scope, depth int) (reason, message string) {
	switch o {
	case actorNotAllowed:
		return ExcessActorNotAllowed, fmt.Sprintf("%s does not let %s%s come; ask the API's team to allow the namespace in spec.allowedActors",
			m.server(), actor, orAfter(depth, ""))
	case noPolicy:
		return ExcessNoPolicy, fmt.Sprintf("no DelegationPolicy permits it to %s%s%s; ask the security team for one, or withdraw the scope",
			actor, orAfter(depth, "to "), inChain(depth))
	case forbidden:
		return ExcessForbidden, fmt.Sprintf("%s forbids it to %s, whoever the subject is; ask the security team, or withdraw the scope",
			m.forbidders(actor, scope), actor)
	case open:
	}
	return "", ""
}

func orAfter(depth int, preposition string) string {
	if depth == 1 {
		return ""
	}
	return ", or " + preposition + "any service after it,"
}

func inChain(depth int) string {
	if depth == 1 {
		return ""
	}
	return fmt.Sprintf(" in a chain of %d services or more (limits.maxChainDepth)", depth)
}

// forbidders names the Forbids that stand in the way; they may be about a service further on, and then have no name here.
func (m *bundleMap) forbidders(actor authz.Actor, scope int) string {
	var names []string
	for _, rule := range m.forbids(actor, scope) {
		names = append(names, withoutGeneration(rule.Policy).String())
	}
	if len(names) == 0 {
		return "a DelegationPolicy"
	}
	return strings.Join(names[:min(len(names), 3)], " and ")
}
