// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "behalf.dev/behalf/internal/authz"

// actor: the resource server lets this actor's namespace come, and some ServiceDelegation of the actor declares this scope
// of this audience.
func actor(j *judgement) *authz.Denial {
	p, a := j.served.policy, j.req.Actor
	if !p.lets(a.Namespace) {
		return deny(authz.ReasonActorNotAllowed, "%s does not let services of namespace %s come", p.source, a.Namespace)
	}
	j.actor = p.actors[a]
	if j.actor == nil || !j.actor.declares.has(j.scope) {
		return deny(authz.ReasonNotDeclared, "%s does not declare %s of %s in any ServiceDelegation", a, p.scopes[j.scope].name, p.audience)
	}
	return nil
}
