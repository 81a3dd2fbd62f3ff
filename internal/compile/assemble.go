// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// assembled is the bundle of one resource server, with what is to be said of those who contributed.
type assembled struct {
	policy   *bundle.Policy
	problems []Problem
	// objects that are part of the bundle, the resource server among them.
	objects []authz.ObjectRef
}

// ruleOf is a policy on its way into one bundle.
type ruleOf struct {
	from   *policy
	scopes []int
}

// assemble makes the bundle of one resource server. It looks at nothing but what the index has for its audience.
func (idx *index) assemble(f *form) assembled {
	policy := f.policy
	out := assembled{policy: &policy, objects: []authz.ObjectRef{f.object}}
	rules := idx.rulesFor(&out, f)
	table := conditionsFor(f, rules)
	policy.Conditions = table.conditions
	policy.Scopes = f.entitledScopes(table)
	for _, r := range rules {
		rule := r.from.rule
		rule.Scopes, rule.Conditions = r.scopes, table.indexes(r.from.conditions)
		policy.Rules = append(policy.Rules, rule)
		out.objects = append(out.objects, rule.Policy)
	}
	policy.Actors = idx.actorsFor(&out, f)
	policy.Grants = idx.grantsFor(&out, f)
	return out
}

func (idx *index) rulesFor(out *assembled, f *form) []ruleOf {
	var rules []ruleOf
	for _, p := range idx.policiesOf[f.policy.Audience] {
		own := findings{object: p.object}
		scopes := p.scopesOf(&own, &f.policy, f.scopes)
		out.problems = append(out.problems, own.problems...)
		if p.inForce() && len(scopes) > 0 && len(p.rule.Actors) > 0 && len(p.rule.Subjects) > 0 {
			rules = append(rules, ruleOf{from: p, scopes: scopes})
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
func (idx *index) actorsFor(out *assembled, f *form) []bundle.Actor {
	declared := map[authz.Actor][]bundle.Declaration{}
	for _, d := range idx.delegationsOf[f.policy.Audience] {
		declaration, ok := d.declaration(f.policy.Audience, f.scopes)
		if !ok || d.failed() {
			continue
		}
		declared[d.actor] = append(declared[d.actor], declaration)
		out.objects = append(out.objects, d.object)
	}
	var actors []bundle.Actor
	for _, a := range sortedKeys(declared, compareActors) {
		actors = append(actors, bundle.Actor{
			Namespace: a.Namespace, ServiceAccount: a.ServiceAccount, Declarations: declared[a],
		})
	}
	return actors
}

func (idx *index) grantsFor(out *assembled, f *form) []bundle.Grant {
	var grants []bundle.Grant
	for _, g := range idx.grantsOf[f.policy.Audience] {
		own := findings{object: g.object}
		scopes := g.scopesOf(&own, &f.policy, f.scopes)
		out.problems = append(out.problems, own.problems...)
		if !g.inForce() || len(scopes) == 0 {
			continue
		}
		entry := g.entry
		entry.Scopes = scopes
		grants = append(grants, entry)
		out.objects = append(out.objects, g.object)
	}
	return grants
}
