// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "behalf.dev/behalf/internal/authz"

// admission: the resource server lets this actor's namespace come.
func admission(j *judgement) obstacles {
	p := j.served.policy
	j.actor = p.accounts.of(&j.req.Actor, j.actorHash)
	j.rules = j.actor.rulesFor(j.scope, j.rules)
	if j.actor.mayCome || p.allNamespaces {
		return nil
	}
	return deny(authz.ReasonActorNotAllowed, "%s does not let services of namespace %s come", p.source, j.req.Actor.Namespace)
}

// declaration: some ServiceDelegation of the actor declares this scope of this audience.
func declaration(j *judgement) obstacles {
	p := j.served.policy
	j.declarations[0] = j.actor.declares.of(j.scope)
	if j.declarations[0] != nil {
		return nil
	}
	return deny(authz.ReasonNotDeclared, "%s does not declare %s of %s in any ServiceDelegation",
		j.req.Actor, p.scopes[j.scope].name, p.audience)
}
