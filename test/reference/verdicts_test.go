// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"slices"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/reference"
)

// verdicts are what the model says of each leg over everything that the leg reads: the subject leg of entitlements, the actor
// and chain legs of declarations, the policy leg of policies.
type verdicts struct {
	entitlements, declarations, pairs []answers
}

// answers are the obstacles to all requests of one way to be entitled: by subject, scope and chain.
type answers [2][2][6]reference.Obstacle

// of puts the first obstacle to a request together.
func (v *verdicts) of(r *smallRequest, declared, pair int) reference.Obstacle {
	none := reference.Obstacle{}
	if o := v.entitlements[r.entitled][r.subject][r.scope][r.chain]; o != none {
		return o
	}
	if o := v.declarations[declared][r.subject][r.scope][r.chain]; o != none {
		return o
	}
	return v.pairs[pair][r.subject][r.scope][r.chain]
}

// The world in which nothing stands in the way: all that is entitled, all that is declared, and a Permit for all of it.
const (
	entitledToAll = 15
	declaresAll   = 255
)

// expectations asks the model about every part, with nothing in the way from the others.
func expectations() *verdicts {
	permitsAll := slices.IndexFunc(allPairs, func(pair []int) bool {
		return len(pair) == 1 && allRules[pair[0]] == rule{actors: 3, subjects: 3, scopes: 3, depth: 2}
	})
	v := &verdicts{}
	for way := range everyEntitlement {
		v.entitlements = append(v.entitlements, askModel(declaresAll, permitsAll, way, authz.LegSubject))
	}
	for declared := range allDeclarations {
		v.declarations = append(v.declarations, askModel(declared, permitsAll, entitledToAll, authz.LegActor, authz.LegChain))
	}
	for pair := range allPairs {
		v.pairs = append(v.pairs, askModel(declaresAll, pair, entitledToAll, authz.LegPolicy))
	}
	return v
}

// askModel gives the first obstacles by these legs to all requests to one world.
func askModel(declared, pair, entitled int, legs ...authz.Leg) answers {
	model := reference.Accept(smallWorld(declared, []int{pair}, naming(0), []int{entitled}))
	var found answers
	for _, r := range smallRequests(naming(0)) {
		if r.entitled != entitled {
			continue
		}
		r.request.Audience = audienceOf(0)
		obstacles := model.Decide(&r.request, noon).Obstacles
		i := slices.IndexFunc(obstacles, func(o reference.Obstacle) bool { return slices.Contains(legs, o.Leg) })
		if i >= 0 {
			found[r.subject][r.scope][r.chain] = obstacles[i]
		}
	}
	return found
}
