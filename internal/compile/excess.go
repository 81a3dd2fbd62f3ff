// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"
	"strings"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// The reasons of an ExcessScope.
const (
	ExcessAudienceUnknown = "AudienceUnknown"
	ExcessScopeUnknown    = "ScopeUnknown"
	ExcessActorNotAllowed = "ActorNotAllowed"
	ExcessNoPolicy        = "NoPolicy"
	ExcessForbidden       = "Forbidden"
)

// divide divides what a delegation declares into what has an effect and what has none. What it hands on never counts as an
// effect of its own.
func (c *Compiler) divide(d *delegation) (effective []v1alpha1.AudienceScopes, excess []v1alpha1.ExcessScope) {
	for _, audience := range sortedKeys(d.own, strings.Compare) {
		var good []v1alpha1.ScopeName
		for _, scope := range d.own[audience] {
			if e, found := c.excess(d, nil, audience, scope); found {
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
				if e, found := c.excess(d, &next.to, audience, scope); found {
					excess = append(excess, e)
				}
			}
		}
	}
	slices.SortStableFunc(excess, compareExcess)
	return effective, excess
}

// excess says why a declared scope has no effect; to is the next service, where it was declared in onward.
func (c *Compiler) excess(d *delegation, to *authz.Actor, audience, scope string) (e v1alpha1.ExcessScope, found bool) {
	reason, message := c.why(d, to, audience, scope)
	if reason == "" {
		return e, false
	}
	e = v1alpha1.ExcessScope{
		Audience: v1alpha1.Audience(audience), Scope: v1alpha1.ScopeName(scope), Reason: reason, Message: clip(message),
	}
	if to != nil {
		e.To = &v1alpha1.ServiceAccountReference{
			Namespace: v1alpha1.NamespaceName(to.Namespace), ServiceAccount: v1alpha1.ServiceAccountName(to.ServiceAccount),
		}
	}
	return e, true
}

// why is empty for a scope that has an effect.
func (c *Compiler) why(d *delegation, to *authz.Actor, audience, scope string) (reason, message string) {
	holder := c.holderOf(audience)
	if holder == nil {
		return ExcessAudienceUnknown, c.unknownAudience(audience)
	}
	r := holder.reach()
	at, ok := r.scopes[scope]
	if !ok {
		return ExcessScopeUnknown,
			fmt.Sprintf("%s has no scope %q; correct it, or ask the API's team to add it", r.server(), scope)
	}
	if to == nil {
		return r.explain(r.judge(d.actor, at, 1), d.actor, d.actor, at, 1)
	}
	o, nearest := r.judgeOnward(d.actor, *to, at)
	return r.explain(o, *to, nearest, at, 2)
}

// clip keeps a message within what status.excess takes.
func clip(message string) string {
	const most = 1024
	if runes := []rune(message); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return message
}

func (r *reach) server() authz.ObjectRef { return withoutGeneration(r.policy.ResourceServer) }

// explain puts an obstacle into words: the reason, and what would have to change. The nearest is the service, perhaps further
// on than the actor, that comes nearest to the scope.
func (r *reach) explain(o obstacle, actor, nearest authz.Actor, scope, depth int) (reason, message string) {
	switch o {
	case actorNotAllowed:
		return ExcessActorNotAllowed, fmt.Sprintf("%s does not let %s%s come; ask the API's team to allow the namespace in spec.allowedActors",
			r.server(), actor, orAfter(depth, ""))
	case noPolicy:
		return ExcessNoPolicy, fmt.Sprintf("no DelegationPolicy permits it to %s%s%s; ask the security team for one, or withdraw the scope",
			actor, orAfter(depth, "to "), inChain(depth))
	case forbidden:
		return ExcessForbidden, fmt.Sprintf("%s forbids it to %s, whoever the subject is; ask the security team, or withdraw the scope",
			r.forbidders(nearest, scope), nearest)
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

// forbidders names the Forbids that stand in a service's way.
func (r *reach) forbidders(actor authz.Actor, scope int) string {
	var names []string
	for _, rule := range r.forbids(actor, scope) {
		names = append(names, withoutGeneration(rule.Policy).String())
	}
	return strings.Join(names[:min(len(names), 3)], " and ")
}
