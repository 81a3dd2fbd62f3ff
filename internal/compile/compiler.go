// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// Compiler compiles a World that changes, at the cost of what each change touches. It is told of changes by Put and Remove
// and the like, and gives with the next Compile what has become another by them. It then stands where the function Compile
// stands with the same World: neither the order in which it was told of changes matters, nor how they fell into calls of
// Compile.
//
// It keeps what it is given, which must not be changed afterwards, and what it gives out it never changes. It is not safe
// for concurrent use, except that Judge may be called beside Judge.
type Compiler struct {
	around     *surroundings
	dependents dependents
	objects    map[Key]*record
	// last are the forms in which resource servers were accepted.
	last    map[types.NamespacedName]*v1alpha1.ResourceServer
	cluster *bundle.Cluster

	servers, issuers records
	audiences        map[string]*audience
	// revoking are the revocations that revoke something, by name.
	revoking map[string]*revocation
	// names says who holds what, and claimants which resource servers claim an audience, in force or not.
	names     claims
	claimants map[string]authz.ObjectRef
	// pinned counts the accepted delegations that name a service.
	pinned map[authz.Actor]int

	trust *bundle.Trust
	// revocations were written out before unlisted revocations became others.
	revocations *bundle.Revocations
	unlisted    map[string]bool
	// clusterProblems are about the keys of the cluster's own issuer.
	clusterProblems []Problem

	touched touched
}

// NewCompiler gives a Compiler of an empty World. Its first Delta is of all that there is, and be it an empty list.
func NewCompiler() *Compiler {
	c := &Compiler{
		around:     newSurroundings(),
		dependents: newDependents(),
		objects:    map[Key]*record{},
		last:       map[types.NamespacedName]*v1alpha1.ResourceServer{},
		servers:    records{},
		issuers:    records{},
		revoking:   map[string]*revocation{},
		audiences:  map[string]*audience{},
		claimants:  map[string]authz.ObjectRef{},
		pinned:     map[authz.Actor]int{},
		touched:    newTouched(),

		revocations: &bundle.Revocations{Format: bundle.Format},
		unlisted:    map[string]bool{},
	}
	c.touched.revocations = true
	return c
}

// Compile takes in all changes since the last time and says what has become another by them.
func (c *Compiler) Compile() *Delta {
	d := NewDelta()
	for r := range c.touched.objects {
		c.read(r)
	}
	c.settleIssuers()
	c.settle()
	c.assemble(d)
	c.makeTrust(d)
	d.Revocations = c.touched.revocations
	c.tell(d)
	c.tidy()
	return d
}

// read reads an object, or takes note that it is gone.
func (c *Compiler) read(r *record) {
	before, facts := r.said, r.facts
	r.reading++
	r.said, r.facts, r.selections = said{}, nil, nil
	if r.in != nil {
		v := &view{around: c.around}
		r.said = r.in.read(v)
		c.dependents.rest(r, v)
	}
	c.dependents.release(r, facts)
	c.touched.reports[r] = true
	c.follow(r, &before)
}

// follow sees to what rests on a reading beside the object's own report.
func (c *Compiler) follow(r *record, before *said) {
	c.join(r, before)
	switch r.key.Kind {
	case KindResourceServer:
		c.servers.set(r, r.in != nil)
		c.touched.servers[r] = true
	case KindTrustedIssuer:
		c.issuers.set(r, r.in != nil)
		c.touched.issuers = true
	case KindServiceDelegation:
		c.pin(before.delegation.pinned(), r.delegation.pinned())
	case KindDelegationRevocation:
		c.revoke(r.key.Name, before.revocation, r.revocation)
	}
}

// join takes a record into the audiences that it names now, and out of those that it does not name any more. A reading that
// differs in its own problems alone concerns nobody else.
func (c *Compiler) join(r *record, before *said) {
	if r.contributesAs(before) {
		return
	}
	was, now := before.audiences(), r.audiences()
	for _, name := range slices.Concat(was, now) {
		a := c.audience(name)
		touch := c.touched.audience(a)
		touch.policies = touch.policies || r.key.Kind == KindDelegationPolicy
		touch.onward = touch.onward || !r.delegation.handsOnAs(before.delegation)
		switch {
		case !slices.Contains(now, name):
			a.of(r.key.Kind).remove(r)
		case !slices.Contains(was, name):
			a.of(r.key.Kind).add(r)
		}
	}
}

func (c *Compiler) audience(name string) *audience {
	a := c.audiences[name]
	if a == nil {
		a = &audience{name: name}
		c.audiences[name] = a
	}
	return a
}

// tidy lets go of what nothing needs any more.
func (c *Compiler) tidy() {
	for a := range c.touched.audiences {
		if a.unused() {
			delete(c.audiences, a.name)
		}
	}
	c.dependents.sweep(c.around.checker)
	c.touched = newTouched()
}
