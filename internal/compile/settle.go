// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"

	"behalf.dev/behalf/internal/authz"
)

// settle says which form of each resource server is in force, and which of them has which audience.
func (c *Compiler) settle() {
	if c.claimsMoved() {
		c.settleClaims()
	}
	for r := range c.touched.servers {
		if r.server != nil {
			c.decide(r)
		}
	}
	for r := range c.touched.servers {
		c.leave(r)
	}
	for r := range c.touched.servers {
		c.enter(r)
	}
}

// claimsMoved says whether anything that was touched claims another than before.
func (c *Compiler) claimsMoved() bool {
	moved := false
	for r := range c.touched.servers {
		if r.server != nil {
			r.server.remember(c.last[r.name()])
		}
		moved = moved || r.server == nil || r.claimed == nil || !r.claimed.same(&r.server.claimer)
	}
	return moved
}

// settleClaims says who holds what, which bears on all resource servers.
func (c *Compiler) settleClaims() {
	c.names = settleNames(c.claimers(nil))
	claimants := map[string]authz.ObjectRef{}
	for r := range c.servers {
		claimed := r.server.claimer
		r.claimed = &claimed
		c.touched.servers[r] = true
		if audience := r.server.now.policy.Audience; audience != "" {
			claimants[audience] = c.names[audienceName(audience)].object
		}
	}
	for name, a := range c.audiences {
		if c.claimants[name] != claimants[name] {
			c.touched.audience(a).standing = true
		}
	}
	c.claimants = claimants
}

// claimers are all resource servers, with one in another's place or beside them.
func (c *Compiler) claimers(instead *record) []claimer {
	claimers := make([]claimer, 0, len(c.servers)+1)
	for r := range c.servers {
		if instead == nil || r.key != instead.key {
			claimers = append(claimers, r.server.claimer)
		}
	}
	if instead != nil {
		claimers = append(claimers, instead.server.claimer)
	}
	return claimers
}

func (c *Compiler) decide(r *record) {
	v := &view{around: c.around}
	if r.server.decide(c.names, v) {
		c.touched.reports[r] = true
	}
	c.dependents.rest(r, v)
}

// leave takes a resource server from an audience that it is not in force with any more.
func (c *Compiler) leave(r *record) {
	a := r.holds
	if a == nil || r.server != nil && r.server.inForce != nil && c.audiences[r.server.inForce.policy.Audience] == a {
		return
	}
	c.touched.audience(a).standing = true
	a.holder, r.holds = nil, nil
}

// enter gives a resource server the audience that it is in force with. A form that is as the one before stays that one.
func (c *Compiler) enter(r *record) {
	if r.server == nil || r.server.inForce == nil || r.server.inForce == r.inForce {
		return
	}
	if r.holds != nil && alike(r.server.inForce, r.inForce, func(f *form) *findings { return &f.findings }) {
		r.server.inForce = r.inForce
		return
	}
	a := c.audience(r.server.inForce.policy.Audience)
	c.touched.audience(a).standing = true
	a.holder, r.holds = r, a
}

// holderOf is the resource server in force that has an audience; nil where there is none.
func (c *Compiler) holderOf(audience string) *record {
	if a := c.audiences[audience]; a != nil {
		return a.holder
	}
	return nil
}

// unknownAudience says, of an audience that no resource server in force has, why that is and what to do.
func (c *Compiler) unknownAudience(audience string) string {
	if claimant, ok := c.claimants[audience]; ok {
		return fmt.Sprintf("%s claims the audience %q and is not accepted, so this has no effect yet; its status says what to mend",
			claimant, audience)
	}
	return fmt.Sprintf("no ResourceServer has the audience %q, so this has no effect yet; correct it, or ask the API's team for a ResourceServer",
		audience)
}

// settleIssuers says which TrustedIssuer holds which URL: of two, the older.
func (c *Compiler) settleIssuers() {
	if !c.touched.issuers {
		return
	}
	c.touched.trust = true
	held := c.heldURLs(nil)
	for r := range c.issuers {
		conflicts := r.issuer.conflictsIn(held)
		if !slices.Equal(conflicts, r.issuer.conflicts) {
			c.touched.reports[r] = true
		}
		r.issuer.conflicts = conflicts
	}
}

// heldURLs says who holds what URL, with one issuer in another's place or beside them.
func (c *Compiler) heldURLs(instead *record) claims {
	var issuers []*issuer
	for r := range c.issuers {
		if instead == nil || r.key != instead.key {
			issuers = append(issuers, r.issuer)
		}
	}
	if instead != nil {
		issuers = append(issuers, instead.issuer)
	}
	return claimURLs(issuers, c.cluster)
}
