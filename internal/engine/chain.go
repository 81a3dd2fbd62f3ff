// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "behalf.dev/behalf/internal/authz"

// chain: prior actors only narrow. There are not too many, none stands twice, and each declares this scope, for itself or
// onward, and the step to the next actor.
func chain(j *judgement) *authz.Denial {
	if len(j.req.Via) == 0 {
		return nil
	}
	if len(j.chain) > authz.MaxChainDepth {
		return deny(authz.ReasonChainTooDeep, "%d actors stand in the chain, more than %d", len(j.chain), authz.MaxChainDepth)
	}
	if twice := repeated(j.chain); twice != nil {
		return deny(authz.ReasonChainLoop, "%s stands twice in the chain", twice)
	}
	for i := range j.req.Via {
		if denial := j.step(j.chain[i], j.chain[i+1]); denial != nil {
			return denial
		}
	}
	return nil
}

func repeated(actors []authz.Actor) *authz.Actor {
	for i := range actors {
		for k := range i {
			if actors[i] == actors[k] {
				return &actors[i]
			}
		}
	}
	return nil
}

func (j *judgement) step(from, to authz.Actor) *authz.Denial {
	p := j.served.policy
	prior := p.actors[from]
	if prior == nil || (!prior.declares.has(j.scope) && !prior.passesOn.has(j.scope)) {
		return deny(authz.ReasonNotDeclared, "%s, earlier in the chain, does not declare %s of %s in any ServiceDelegation",
			from, p.scopes[j.scope].name, p.audience)
	}
	if !prior.onward[to].has(j.scope) {
		return deny(authz.ReasonEdgeNotDeclared, "%s does not declare %s in onward with %s of %s", from, to, p.scopes[j.scope].name, p.audience)
	}
	return nil
}
