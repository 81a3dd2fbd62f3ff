// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "behalf.dev/behalf/internal/authz"

// check judges one question; without obstacles it permits.
type check func(*judgement) obstacles

// concern says whose requests a check is about.
type concern uint8

const (
	// everyone who asks.
	everyone concern = iota
	// delegated requests only: for a person who comes alone, these legs fall away.
	delegated
)

// facts are what a check must know to be asked at all: each is established by a check that permitted.
type facts uint8

const (
	// authenticated: whoever asks is who they say.
	authenticated facts = 1 << iota
	// asked: the request is one question.
	asked
	// fresh: what is held may be judged by.
	fresh
	// located: the resource server is known.
	located
	// scoped: the scope is known, and so is the resource.
	scoped
	// permitted: some Permit matches.
	permitted
)

// legs is the definition of a decision: all must permit, and the first leg that does not names itself. What a check needs
// is only looked at once another has denied, to tell what else stands in the way.
var legs = [...]struct {
	leg   authz.Leg
	about concern
	check check
	needs facts
	gives facts
}{
	{authz.LegIdentity, everyone, whoAsks, 0, authenticated},
	{authz.LegIdentity, everyone, whatIsAsked, authenticated, asked},
	{authz.LegFreshness, everyone, freshBundles, 0, fresh},
	{authz.LegFreshness, everyone, freshToken, 0, 0},
	{authz.LegResource, everyone, resourceServer, fresh, located},
	{authz.LegResource, everyone, scopeOrRoute, asked | located, scoped},
	{authz.LegResource, everyone, caller, scoped, 0},
	{authz.LegRevocation, everyone, revocation, 0, 0},
	{authz.LegToken, everyone, tokenBounds, scoped, 0},
	{authz.LegSubject, everyone, entitled, scoped, 0},
	{authz.LegActor, delegated, admission, scoped, 0},
	{authz.LegActor, delegated, declaration, scoped, 0},
	{authz.LegChain, delegated, chain, scoped, 0},
	{authz.LegPolicy, delegated, forbids, scoped, 0},
	{authz.LegPolicy, delegated, permits, scoped, permitted},
	{authz.LegGrant, delegated, grant, permitted, 0},
}

// alwaysEnforced says which legs a resource server's dry run does not soften: what was revoked is never let through, and
// nothing is decided on what is out of date.
func alwaysEnforced(leg authz.Leg) bool {
	return leg == authz.LegFreshness || leg == authz.LegRevocation
}
