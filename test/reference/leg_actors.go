// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// actor is leg 7: the actor's namespace may come, and the actor declares this scope of this audience.
func (q *question) actor() []authz.Reason {
	if !q.delegated() {
		return nil
	}
	var found []authz.Reason
	if !q.mayCome(q.req.Actor.Namespace) {
		found = append(found, authz.ReasonActorNotAllowed)
	}
	if !q.declares(q.req.Actor) {
		found = append(found, authz.ReasonNotDeclared)
	}
	return found
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
func (q *question) declares(a authz.Actor) bool { return len(q.ownDeclarations(a)) > 0 }

// ownDeclarations are the ServiceDelegations by which a service declares the audience and scope for its own use.
func (q *question) ownDeclarations(a authz.Actor) []v1alpha1.ServiceDelegation {
	return slices.DeleteFunc(q.world.declarationsOf(a), func(d v1alpha1.ServiceDelegation) bool { return !q.names(d.Spec.Audiences) })
}

// chain is leg 8: there are no more than eight actors, none stands twice, and every prior one declares audience and scope and
// the edge to the next actor.
func (q *question) chain() []authz.Reason {
	actors := q.actors()
	if !q.delegated() {
		return nil
	}
	if len(actors) > authz.MaxChainDepth {
		return []authz.Reason{authz.ReasonChainTooDeep}
	}
	var found []authz.Reason
	if repeats(actors) {
		found = append(found, authz.ReasonChainLoop)
	}
	for i, prior := range q.req.Via {
		switch {
		case len(q.edgeDeclarations(prior, actors[i+1])) > 0:
		case q.declares(prior) || q.passesOn(prior):
			found = append(found, authz.ReasonEdgeNotDeclared)
		default:
			found = append(found, authz.ReasonNotDeclared)
		}
	}
	return found
}

// passesOn says whether a service declares audience and scope in onward, to whomever.
func (q *question) passesOn(a authz.Actor) bool {
	return slices.ContainsFunc(q.world.declarationsOf(a), func(d v1alpha1.ServiceDelegation) bool {
		return slices.ContainsFunc(d.Spec.Onward, func(o v1alpha1.Onward) bool { return q.names(o.Audiences) })
	})
}

// edgeDeclarations are the ServiceDelegations by which a service lets the next one continue with audience and scope: an edge
// carries its scopes (ADR 0002).
func (q *question) edgeDeclarations(a, next authz.Actor) []v1alpha1.ServiceDelegation {
	return slices.DeleteFunc(q.world.declarationsOf(a), func(d v1alpha1.ServiceDelegation) bool {
		return !slices.ContainsFunc(d.Spec.Onward, func(o v1alpha1.Onward) bool { return isService(&o.To, next) && q.names(o.Audiences) })
	})
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
