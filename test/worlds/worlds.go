// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package worlds makes up worlds of any size for benchmarks: the same arguments give the same objects, every object is
// accepted, and what each of them says is known beforehand, so that requests can be made that fit.
package worlds

import (
	"time"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
)

// Now is the time of day in these worlds: sessions began an hour ago, and grants last for an hour more.
var Now = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

// Conditions says how many of the rules and entitlements have one.
type Conditions uint8

// The shares of conditions.
const (
	// NoConditions leaves them all out.
	NoConditions Conditions = iota
	// SomeConditions puts one on every second Permit and on the entitlements of every third scope.
	SomeConditions
	// AllConditions puts one on every Permit and every entitlement.
	AllConditions
)

// Options shape a world; the zero value is a world of plain rules in which every service hands on to nobody.
type Options struct {
	Conditions Conditions
	// DistinctConditions is how many different expressions the Permits of one resource server share; 4 where zero.
	DistinctConditions int
	// Chain is how many services in a row hand the scopes that they declare on to the next; 0 and 1 are none. No more than
	// authz.MaxChainDepth.
	Chain int
	// Forbids, Grants and Revocations say whether there are any: a Forbid for every fifth Permit, a grant for every
	// twentieth delegation, a revocation for every fiftieth.
	Forbids, Grants, Revocations bool
}

// Everything is a world with some of all there is.
var Everything = Options{Conditions: SomeConditions, Chain: 4, Forbids: true, Grants: true, Revocations: true}

// World is a world with what is known about it.
type World struct {
	options                      Options
	delegations, servers, actors int
}

// Sized is a world of this many ServiceDelegations, spread evenly over this many ResourceServers, of this many service
// accounts. There is a Permit for every ten delegations, with a share of all else that options asks for.
func Sized(delegations, servers, actors int, options Options) compile.World {
	return New(delegations, servers, actors, options).Compilable()
}

// New is Sized, for who wants to ask it for requests too. It needs at least one of each.
func New(delegations, servers, actors int, options Options) World {
	if options.DistinctConditions == 0 {
		options.DistinctConditions = 4
	}
	return World{options: options, delegations: delegations, servers: servers, actors: actors}
}

// Compilable are all the objects, made anew.
func (w World) Compilable() compile.World {
	out := compile.World{
		Namespaces: w.namespaces(), ServiceAccounts: w.accounts(), Issuers: w.issuers(),
		Cluster: &bundle.Cluster{Issuer: "https://kubernetes.default.svc", JWKS: publicKey},
	}
	for server := range w.servers {
		out.ResourceServers = append(out.ResourceServers, w.server(server))
		for crew := range w.crews(server) {
			out.Policies = append(out.Policies, w.policies(server, crew)...)
		}
	}
	for i := range w.delegations {
		out.ServiceDelegations = append(out.ServiceDelegations, w.delegation(i))
		if w.granted(i) {
			out.Grants = append(out.Grants, w.grant(i))
		}
		if w.options.Revocations && i%50 == 0 {
			out.Revocations = append(out.Revocations, w.revocation(i/50))
		}
	}
	return out
}

// crewSize is how many delegations one Permit is for.
const crewSize = 10

// perServer is how many delegations one resource server has, the last perhaps fewer.
func (w World) perServer() int { return (w.delegations + w.servers - 1) / w.servers }

// delegationsOf is how many delegations name a resource server first.
func (w World) delegationsOf(server int) int {
	return max(0, min(w.perServer(), w.delegations-server*w.perServer()))
}

func (w World) crews(server int) int { return (w.delegationsOf(server) + crewSize - 1) / crewSize }

// place is where a delegation stands: its resource server, its crew there and its seat among all of that server's.
func (w World) place(i int) (server, crew, seat int) {
	seat = i % w.perServer()
	return i / w.perServer(), seat / crewSize, seat
}

// handsOn says whether a delegation lets the next one of its resource server continue the chain.
func (w World) handsOn(i int) bool {
	server, _, seat := w.place(i)
	if w.options.Chain < 2 || seat%w.options.Chain == w.options.Chain-1 || seat+1 >= w.delegationsOf(server) {
		return false
	}
	return w.Actor(i) != w.Actor(i+1)
}

// granted says whether there is a grant for a delegation, whose crew then needs one.
func (w World) granted(i int) bool {
	_, crew, seat := w.place(i)
	return w.needsGrant(crew) && seat%2 == 0
}

// needsGrant says whether the Permit of a crew asks for a grant: every tenth does.
func (w World) needsGrant(crew int) bool { return w.options.Grants && crew%10 == 9 }
