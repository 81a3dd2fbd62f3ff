// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// Random is the source of chance with a seed.
func Random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// Allowed gives requests that are allowed, each of another delegation where there are as many, with a chain of depth actors.
func (e *Estate) Allowed(count, depth int, seed uint64) []*authz.Request {
	random := Random(seed)
	return each(count, func(int) *authz.Request { return e.allowed(random, depth) })
}

func (e *Estate) allowed(random *rand.Rand, depth int) *authz.Request {
	i := e.untouched(random, depth)
	scope := declared(i)[random.IntN(4)]
	if depth > 1 {
		scope = handedOn + random.IntN(2)
	}
	return e.request(random, i, scope, depth)
}

// untouched gives a delegation of whose chain no revocation speaks, and whose ring is long enough for it.
func (e *Estate) untouched(random *rand.Rand, depth int) int {
	for {
		i := random.IntN(e.Delegations)
		fine := true
		for back := range depth {
			fine = fine && e.delegations[e.ahead(i, -back)].actor < e.Actors-kept
		}
		if fine {
			return i
		}
	}
}

// request is about a delegation and in order: the subject has what it takes.
func (e *Estate) request(random *rand.Rand, i, scope, depth int) *authz.Request {
	d := e.delegations[i]
	subject := e.person(random, d.server, scope, i)
	r := &authz.Request{
		Subject: subject,
		Actor:   actorOf(d.actor),
		Token: &authz.Token{
			ID: fmt.Sprintf("jti-%08x", random.Uint32()), Transaction: fmt.Sprintf("txn-%08x", random.Uint32()),
			IssuedAt: Now.Add(-30 * time.Second), ExpiresAt: Now.Add(4 * time.Minute),
			Scopes: []string{scopes[(scope+1)%len(scopes)], scopes[scope]},
		},
		Audience: audienceOf(d.server),
		Scope:    scopes[scope],
		Resource: authz.Resource{Type: "ticket", ID: fmt.Sprint(random.IntN(10000)), Properties: map[string]any{"owner": subject.ID, "region": "region-none"}},
		Context:  map[string]any{"purpose": "purpose-none"},
	}
	for back := depth - 1; back > 0; back-- {
		r.Via = append(r.Via, actorOf(e.delegations[e.ahead(i, -back)].actor))
	}
	if c, ok := e.conditionOf(i); ok {
		c.meet(r)
	}
	return r
}

// person has a group that is entitled to the scope, one for whom the actor may act, and others.
func (e *Estate) person(random *rand.Rand, server, scope, i int) authz.Subject {
	id := fmt.Sprintf("person-%05d", random.IntN(100000))
	names := []string{groupOf(entitledGroups(server, scope)[random.IntN(3)]), groupOf(permittedGroups(i)[random.IntN(2)])}
	for len(names) < e.Groups {
		if extra := groupOf(random.IntN(groups)); !slices.Contains(names, extra) {
			names = append(names, extra)
		}
	}
	random.Shuffle(len(names), func(a, b int) { names[a], names[b] = names[b], names[a] })
	return authz.Subject{
		Issuer: Issuer, ID: id, Username: id + "@example.com", Groups: names,
		Claims: map[string]any{"department": "north"}, AuthTime: Now.Add(-30 * time.Minute), Session: fmt.Sprintf("session-%06x", random.IntN(1<<24)),
	}
}
