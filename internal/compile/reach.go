// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"iter"
	"slices"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
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

// reach answers what a declared scope can come to in one bundle, whoever the subject is: entitlements and conditions are
// not looked at.
type reach struct {
	policy  *bundle.Policy
	allowed map[string]bool
	scopes  scopeTable
	onward  map[authz.Actor][]bundle.Edge
	// rules about an actor, in their order: those that name it, and those about the whole namespace with an empty
	// ServiceAccount.
	rules map[authz.Actor][]*bundle.Rule
}

func newReach(policy *bundle.Policy) *reach {
	r := &reach{
		policy: policy, allowed: map[string]bool{}, scopes: tableOf(policy.Scopes),
		onward: map[authz.Actor][]bundle.Edge{}, rules: map[authz.Actor][]*bundle.Rule{},
	}
	for _, namespace := range policy.AllowedNamespaces {
		r.allowed[namespace] = true
	}
	for i := range policy.Actors {
		r.addActor(&policy.Actors[i])
	}
	for i := range policy.Rules {
		rule := &policy.Rules[i]
		for _, sel := range rule.Actors {
			about := authz.Actor{Namespace: sel.Namespace, ServiceAccount: sel.ServiceAccount}
			r.rules[about] = append(r.rules[about], rule)
		}
	}
	return r
}

func (r *reach) addActor(a *bundle.Actor) {
	actor := authz.Actor{Namespace: a.Namespace, ServiceAccount: a.ServiceAccount}
	for _, declaration := range a.Declarations {
		r.onward[actor] = append(r.onward[actor], declaration.Onward...)
	}
}

// judgeOnward looks for a service that could use the scope in a chain of from, to and those after it. It says what stands
// between the scope and the one that comes nearest. The chain is as short as can be: with from at its beginning.
func (r *reach) judgeOnward(from, to authz.Actor, scope int) (best obstacle, nearest authz.Actor) {
	best, nearest = actorNotAllowed, to
	seen := map[authz.Actor]bool{from: true, to: true}
	for depth, level := 2, []authz.Actor{to}; depth <= authz.MaxChainDepth && len(level) > 0; depth++ {
		var next []authz.Actor
		for _, actor := range level {
			if o := r.judge(actor, scope, depth); o > best {
				best, nearest = o, actor
			}
			if best == open {
				return best, nearest
			}
			next = append(next, r.nextOf(actor, scope, seen)...)
		}
		level = next
	}
	return best, nearest
}

// nextOf are the services, not seen before, that an actor hands a scope on to.
func (r *reach) nextOf(actor authz.Actor, scope int, seen map[authz.Actor]bool) []authz.Actor {
	var next []authz.Actor
	for _, edge := range r.onward[actor] {
		to := authz.Actor{Namespace: edge.Namespace, ServiceAccount: edge.ServiceAccount}
		if slices.Contains(edge.Scopes, scope) && !seen[to] {
			seen[to] = true
			next = append(next, to)
		}
	}
	return next
}

// judge says what stands between an actor that comes with a chain of this depth and a scope.
func (r *reach) judge(actor authz.Actor, scope, depth int) obstacle {
	if !r.policy.AllNamespaces && !r.allowed[actor.Namespace] {
		return actorNotAllowed
	}
	best, forbids := noPolicy, r.forbids(actor, scope)
	for rule := range r.about(actor, scope) {
		switch {
		case rule.Effect != bundle.Permit || int(rule.Limits.MaxChainDepth) < depth:
		case allForbidden(rule.Subjects, forbids):
			best = max(best, forbidden)
		default:
			return open
		}
	}
	return best
}

// about are the rules that are about an actor and a scope, whoever the subject is and under whatever conditions.
func (r *reach) about(actor authz.Actor, scope int) iter.Seq[*bundle.Rule] {
	return func(yield func(*bundle.Rule) bool) {
		for _, who := range [...]authz.Actor{actor, {Namespace: actor.Namespace}} {
			for _, rule := range r.rules[who] {
				if slices.Contains(rule.Scopes, scope) && !yield(rule) {
					return
				}
			}
		}
	}
}

// forbids are the Forbids that surely forbid the actor the scope, in the order of their names: without conditions and not
// in a dry run.
func (r *reach) forbids(actor authz.Actor, scope int) []*bundle.Rule {
	var sure []*bundle.Rule
	for rule := range r.about(actor, scope) {
		if rule.Effect == bundle.Forbid && rule.DryRunUntil == 0 && len(rule.Conditions) == 0 {
			sure = append(sure, rule)
		}
	}
	return sortedSet(sure, func(a, b *bundle.Rule) int { return compareRefs(a.Policy, b.Policy) })
}

// allForbidden says whether each selector of people lies within one selector of some Forbid. It errs on the side of not:
// people whom only several selectors together cover count as not forbidden.
func allForbidden(subjects []bundle.SubjectSelector, forbids []*bundle.Rule) bool {
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
