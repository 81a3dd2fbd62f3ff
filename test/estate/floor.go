// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
)

// Floor is the least that any answer takes: plain Go maps from actor and audience to a set of scopes, intersected with the
// sets of the subject's groups, and a set of revoked subjects. It knows of no issuers, tokens, policies, conditions, chains
// and times, and gives no reason.
type Floor struct {
	declared map[use]uint64
	apis     map[string]*api
	revoked  map[bundle.Person]struct{}
}

type use struct {
	actor    authz.Actor
	audience string
}

// api numbers the scopes of one audience, and gives those that each group holds.
type api struct {
	bit  map[string]uint64
	held map[string]uint64
}

// NewFloor takes what the floor knows out of a world.
func NewFloor(w *compile.World) *Floor {
	f := &Floor{declared: map[use]uint64{}, apis: map[string]*api{}, revoked: map[bundle.Person]struct{}{}}
	for i := range w.ResourceServers {
		spec := &w.ResourceServers[i].Spec
		a := &api{bit: map[string]uint64{}, held: map[string]uint64{}}
		f.apis[string(spec.Audience)] = a
		for n, scope := range spec.Scopes {
			a.bit[string(scope.Name)] = 1 << n
			for _, entitlement := range scope.Entitlements {
				for _, group := range entitlement.Subjects.Groups {
					a.held[string(group)] |= 1 << n
				}
			}
		}
	}
	for i := range w.ServiceDelegations {
		d := &w.ServiceDelegations[i]
		actor := authz.Actor{Namespace: d.Namespace, ServiceAccount: string(d.Spec.ServiceAccountName)}
		for _, entry := range d.Spec.Audiences {
			for _, scope := range entry.Scopes {
				f.declared[use{actor, string(entry.Audience)}] |= f.apis[string(entry.Audience)].bit[string(scope)]
			}
		}
	}
	for i := range w.Revocations {
		if s := w.Revocations[i].Spec.Subject; s != nil {
			f.revoked[bundle.Person{Issuer: string(s.Issuer), ID: string(s.ID)}] = struct{}{}
		}
	}
	return f
}

// Allows answers a request as far as the floor can.
func (f *Floor) Allows(r *authz.Request) bool {
	a := f.apis[r.Audience]
	if a == nil {
		return false
	}
	var held uint64
	for _, group := range r.Subject.Groups {
		held |= a.held[group]
	}
	if f.declared[use{r.Actor, r.Audience}]&held&a.bit[r.Scope] == 0 {
		return false
	}
	_, gone := f.revoked[bundle.Person{Issuer: r.Subject.Issuer, ID: r.Subject.ID}]
	return !gone
}
