// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "behalf.dev/behalf/internal/authz"

// check judges one leg; nil permits.
type check func(*judgement) *authz.Denial

// concern says whose requests a leg is about.
type concern uint8

const (
	// everyone who asks.
	everyone concern = iota
	// delegated requests only: for a person who comes alone, these legs fall away.
	delegated
)

// legs is the definition of a decision: all must permit, the first that does not names itself.
var legs = [...]struct {
	leg   authz.Leg
	about concern
	check check
}{
	{authz.LegIdentity, everyone, identity},
	{authz.LegFreshness, everyone, freshness},
	{authz.LegResource, everyone, resource},
	{authz.LegRevocation, everyone, revocation},
	{authz.LegToken, everyone, tokenBounds},
	{authz.LegSubject, everyone, subject},
	{authz.LegActor, delegated, actor},
	{authz.LegChain, delegated, chain},
	{authz.LegPolicy, delegated, policy},
	{authz.LegGrant, delegated, grant},
}

// alwaysEnforced says which legs a resource server's dry run does not soften: what was revoked is never let through, and
// nothing is decided on what is out of date.
func alwaysEnforced(leg authz.Leg) bool {
	return leg == authz.LegFreshness || leg == authz.LegRevocation
}
