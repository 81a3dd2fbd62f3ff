// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "behalf.dev/behalf/internal/authz"

// chain: prior actors only narrow. There are not too many, none stands twice, and each declares this scope, for itself or
// onward, and the step to the next actor.
func chain(j *judgement) obstacles {
	switch {
	case len(j.req.Via) == 0:
		return nil
	case j.depth() > authz.MaxChainDepth:
		return deny(authz.ReasonChainTooDeep, "%s actors stand in the chain, more than %s", j.depth(), authz.MaxChainDepth)
	}
	found := j.loop()
	prior := j.known(0)
	for i := range j.req.Via {
		next := j.known(i + 1)
		found = append(found, j.step(prior, next, i)...)
		prior = next
	}
	return found
}

// known is what the bundle knows of the actor there.
func (j *judgement) known(i int) *account {
	if i == len(j.req.Via) {
		return j.actor
	}
	return j.served.policy.accounts.of(j.at(i), j.hashAt(i))
}

// loop denies by the first actor that stands twice.
func (j *judgement) loop() obstacles {
	for i := range j.depth() {
		for k := range i {
			if *j.at(i) == *j.at(k) {
				return deny(authz.ReasonChainLoop, "%s stands twice in the chain", j.at(i))
			}
		}
	}
	return nil
}

// step judges one prior actor and the way to the next.
func (j *judgement) step(prior, next *account, at int) obstacles {
	p, scope := j.served.policy, j.scope
	onward := prior.to(next)
	if onward != nil {
		if declared := onward.scopes.of(scope); declared != nil {
			j.declarations[len(j.req.Via)-at] = declared
			return nil
		}
	}
	if !prior.declares.scopes.has(scope) && !prior.passesOn.has(scope) {
		return deny(authz.ReasonNotDeclared, "%s, earlier in the chain, does not declare %s of %s in any ServiceDelegation",
			j.at(at), p.scopes[scope].name, p.audience)
	}
	return deny(authz.ReasonEdgeNotDeclared, "%s does not declare %s in onward with %s of %s",
		j.at(at), j.at(at+1), p.scopes[scope].name, p.audience)
}
