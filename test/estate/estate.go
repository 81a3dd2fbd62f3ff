// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package estate makes the world that benchmarks ask about, at any size, with requests to it whose answers are known by how
// they are made: resource servers with entitled groups, service accounts that declare what they use and whom they pass it
// on to, a Permit for each declaration, Forbids, and revocations.
package estate

import (
	"fmt"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// Size of an estate.
type Size struct {
	ResourceServers int
	Actors          int
	// Delegations are ServiceDelegations; each is of one actor and about one audience, and has a Permit of its own.
	Delegations int
	// Conditions is the number of distinct conditions. Each Permit has one of them; 0: none has any.
	Conditions int
	// Arithmetic says that conditions reckon with times, where otherwise they compare texts.
	Arithmetic bool
	// Groups is in how many each subject is: two at least, groups at most.
	Groups int
}

// Of gives the size that goes with a number of delegations: a thousand actors, or as many as there are delegations; a
// hundred delegations to each resource server, and of those a hundred at most; subjects in six groups.
func Of(delegations, conditions int) Size {
	return Size{
		ResourceServers: min(max(delegations/100, 1), 100),
		Actors:          min(1000, delegations),
		Delegations:     delegations,
		Conditions:      conditions,
		Groups:          6,
	}
}

// What does not depend on the size.
const (
	// Issuer of every subject.
	Issuer = "corp"
	// MaxDepth is the chain that each Permit lets come.
	MaxDepth = 3

	namespaces = 50
	groups     = 64
	// contractors are forbidden what a Forbid names.
	contractors = "contractors"
	// strangers is the namespace whose services no resource server lets come.
	strangers = "strangers"
	// kept are the last actors, which allowed requests leave alone: revocations speak of them.
	kept = 4

	maxTokenLifetime = 5 * time.Minute
	maxSubjectAge    = 8 * time.Hour
)

// Now is the clock of the estate, and LeaseEnd the end of every lease.
var (
	Now      = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
	LeaseEnd = Now.Add(15 * time.Minute)
)

// The scopes of every resource server. A delegation declares four neighbours, so that all declare the two of both, and passes
// on the last four of these six.
var scopes = [...]string{
	"tickets:read", "tickets:comment", "tickets:assign", "tickets:close",
	"reports:read", "reports:export", "tickets:delete", "settings:write",
}

// handedOn is the first of the scopes that every delegation declares and passes on, of which there are two; the second is
// what Forbids are about.
const handedOn = 2

// Estate is a world of some size.
type Estate struct {
	Size

	delegations []delegation
	// rings are the delegations to each resource server. Each passes on to the next in its ring.
	rings [][]int
}

// delegation is one service account's use of one resource server.
type delegation struct {
	actor, server int
	// place in its ring.
	place int
}

// New lays an estate out.
func New(size Size) *Estate {
	e := &Estate{Size: size, rings: make([][]int, size.ResourceServers)}
	for i := range size.Delegations {
		actor, turn := i%size.Actors, i/size.Actors
		server := (actor + 7*turn) % size.ResourceServers
		e.delegations = append(e.delegations, delegation{actor: actor, server: server, place: len(e.rings[server])})
		e.rings[server] = append(e.rings[server], i)
	}
	return e
}

// ahead gives the delegation that stands so many places further in the ring.
func (e *Estate) ahead(i, places int) int {
	d := e.delegations[i]
	ring := e.rings[d.server]
	return ring[((d.place+places)%len(ring)+len(ring))%len(ring)]
}

func actorOf(i int) authz.Actor {
	return authz.Actor{Namespace: namespaceOf(i % namespaces), ServiceAccount: fmt.Sprintf("service-%04d", i)}
}

func namespaceOf(i int) string { return fmt.Sprintf("team-%02d", i) }

func serverOf(i int) string { return fmt.Sprintf("api-%03d", i) }

func audienceOf(i int) string { return fmt.Sprintf("https://api-%03d.example", i) }

func groupOf(i int) string { return fmt.Sprintf("group-%02d", i%groups) }

// declared gives the numbers of the scopes that a delegation declares.
func declared(i int) []int {
	first := i % 2 * handedOn
	return []int{first, first + 1, first + 2, first + 3}
}

// passedOn gives the numbers of the scopes that every delegation passes on.
func passedOn() []int { return []int{handedOn, handedOn + 1, handedOn + 2, handedOn + 3} }

// entitledGroups hold a scope of a resource server in their own right.
func entitledGroups(server, scope int) []int {
	first := server + 5*scope
	return []int{first % groups, (first + 1) % groups, (first + 2) % groups}
}

// permittedGroups are those for whom a delegation's Permit lets the actor act.
func permittedGroups(i int) []int {
	first := 11 + i%29
	return []int{first % groups, (first + 20) % groups}
}
