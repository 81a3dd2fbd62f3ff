// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// actor is leg 7: the actor's namespace may come, and the actor declares this scope of this audience.
func (q *question) actor() authz.Reason {
	switch {
	case !q.delegated():
		return ""
	case !q.mayCome(q.req.Actor.Namespace):
		return authz.ReasonActorNotAllowed
	case !q.declares(q.req.Actor):
		return authz.ReasonNotDeclared
	}
	return ""
}

func (q *question) mayCome(namespace string) bool {
	allowed := q.server.Spec.AllowedActors.Namespaces
	switch allowed.From {
	case v1alpha1.NamespacesAll:
		return true
	case v1alpha1.NamespacesSelector:
		return q.world.selectsNamespace(allowed.Selector, namespace)
	case v1alpha1.NamespacesSame, "":
		return namespace == q.server.Namespace
	}
	return false
}

// declares says whether a service declares the audience and scope for its own use.
func (q *question) declares(a authz.Actor) bool {
	return slices.ContainsFunc(q.world.declarationsOf(a), func(d v1alpha1.ServiceDelegationSpec) bool {
		return q.names(d.Audiences)
	})
}

// chain is leg 8: every prior actor declares audience and scope and the edge to the next actor, none stands twice, and they
// are no more than eight.
func (q *question) chain() authz.Reason {
	if !q.delegated() {
		return ""
	}
	actors := q.actors()
	switch {
	case len(actors) > authz.MaxChainDepth:
		return authz.ReasonChainTooDeep
	case repeats(actors):
		return authz.ReasonChainLoop
	}
	for i, prior := range q.req.Via {
		if reason := q.prior(prior, actors[i+1]); reason != "" {
			return reason
		}
	}
	return ""
}

// prior judges one prior actor (ADR 0002).
func (q *question) prior(a, next authz.Actor) authz.Reason {
	declared, edge := q.declares(a), false
	for _, declaration := range q.world.declarationsOf(a) {
		for _, onward := range declaration.Onward {
			if q.names(onward.Audiences) {
				declared = true
				edge = edge || isService(&onward.To, next)
			}
		}
	}
	switch {
	case !declared:
		return authz.ReasonNotDeclared
	case !edge:
		return authz.ReasonEdgeNotDeclared
	}
	return ""
}

// names says whether a list holds this audience with this scope.
func (q *question) names(list []v1alpha1.AudienceScopes) bool {
	return slices.ContainsFunc(list, func(entry v1alpha1.AudienceScopes) bool {
		return entry.Audience == q.server.Spec.Audience && slices.Contains(entry.Scopes, v1alpha1.ScopeName(q.scope))
	})
}

func repeats(actors []authz.Actor) bool {
	for i := range actors {
		if slices.Contains(actors[:i], actors[i]) {
			return true
		}
	}
	return false
}
