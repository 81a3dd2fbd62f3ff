// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// ruleOf is a policy on its way into one bundle.
type ruleOf struct {
	from   *policy
	scopes []int
}

// assemble makes the bundle of one resource server. It looks at nothing but its form and those that name its audience.
func assemble(f *form, a *audience) *bundle.Policy {
	policy := f.policy
	rules := rulesFor(f, a)
	table := conditionsFor(f, rules)
	policy.Conditions = table.conditions
	policy.Scopes = f.entitledScopes(table)
	for _, r := range rules {
		rule := r.from.rule
		rule.Scopes, rule.Conditions = r.scopes, table.indexes(r.from.conditions)
		policy.Rules = append(policy.Rules, rule)
	}
	policy.Actors = actorsFor(f, a)
	policy.Grants = grantsFor(f, a)
	return &policy
}

func rulesFor(f *form, a *audience) []ruleOf {
	var rules []ruleOf
	for _, r := range a.policies.sorted {
		if scopes, _ := r.policy.scopesIn(f); r.policy.lands(scopes) {
			rules = append(rules, ruleOf{from: r.policy, scopes: scopes})
		}
	}
	return rules
}

func conditionsFor(f *form, rules []ruleOf) *conditionTable {
	var lists [][]bundle.Condition
	for _, entitlements := range f.entitlements {
		for _, e := range entitlements {
			lists = append(lists, e.conditions)
		}
	}
	for _, r := range rules {
		lists = append(lists, r.from.conditions)
	}
	return tableOfConditions(lists)
}

// entitledScopes are the scopes with their entitlements, in a list of their own: a form may be assembled again.
func (f *form) entitledScopes(table *conditionTable) []bundle.Scope {
	scopes := make([]bundle.Scope, len(f.policy.Scopes))
	for i, scope := range f.policy.Scopes {
		var entitlements []bundle.Entitlement
		for _, e := range f.entitlements[i] {
			entitlements = append(entitlements, bundle.Entitlement{
				Subjects: e.subjects, Conditions: table.indexes(e.conditions),
			})
		}
		scopes[i] = bundle.Scope{Name: scope.Name, Entitlements: sortedSet(entitlements, compareEntitlements)}
	}
	return scopes
}

// actorsFor are the actors that declare anything, sorted, each with its declarations in the order of their names.
func actorsFor(f *form, a *audience) []bundle.Actor {
	declared := map[authz.Actor][]bundle.Declaration{}
	for _, r := range a.delegations.sorted {
		if d := r.delegation; d.lands(f) {
			declared[d.actor] = append(declared[d.actor], d.declaration(f))
		}
	}
	var actors []bundle.Actor
	for _, service := range sortedKeys(declared, compareActors) {
		actors = append(actors, bundle.Actor{
			Namespace: service.Namespace, ServiceAccount: service.ServiceAccount, Declarations: declared[service],
		})
	}
	return actors
}

func grantsFor(f *form, a *audience) []bundle.Grant {
	var grants []bundle.Grant
	for _, r := range a.grants.sorted {
		scopes, _ := r.grant.scopesIn(f)
		if !r.grant.lands(scopes) {
			continue
		}
		entry := r.grant.entry
		entry.Scopes = scopes
		grants = append(grants, entry)
	}
	return grants
}
