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

// Allowed gives requests that are allowed, each about another delegation where there are as many, with a chain of depth
// actors.
func (e *Estate) Allowed(count, depth int, seed uint64) []*authz.Request {
	random := Random(seed)
	next := e.untouched(random, depth)
	return each(count, func(int) *authz.Request {
		i := next()
		scope := declared(i)[random.IntN(4)]
		if depth > 1 {
			scope = handedOn + random.IntN(2)
		}
		return e.request(random, i, scope, depth)
	})
}

// untouched gives delegations in random order and then again, of whose chains no revocation speaks.
func (e *Estate) untouched(random *rand.Rand, depth int) func() int {
	order, at := random.Perm(e.Delegations), -1
	return func() int {
		for {
			at++
			if i := order[at%len(order)]; e.unrevoked(i, depth) {
				return i
			}
		}
	}
}

func (e *Estate) unrevoked(i, depth int) bool {
	for back := range depth {
		if e.delegations[e.ahead(i, -back)].actor >= e.Actors-kept {
			return false
		}
	}
	return true
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
