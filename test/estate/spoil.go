// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"math/rand/v2"
	"slices"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// Denied gives requests that are denied: allowed ones with one of five things wrong, in turn.
func (e *Estate) Denied(count int, seed uint64) []*authz.Request {
	random := Random(seed)
	next := e.untouched(random, 1)
	return each(count, func(n int) *authz.Request {
		i := next()
		r := e.request(random, i, declared(i)[random.IntN(4)], 1)
		if n %= len(usual) + 1; n == len(usual) {
			r.Subject.Groups = entitledOnly(e.delegations[i].server, r.Scope, i)
			return r
		}
		usual[n](e, random, r)
		return r
	})
}

// entitledOnly are groups that hold the scope, and for which the actor may not act.
func entitledOnly(server int, scope string, i int) []string {
	var names []string
	for _, group := range entitledGroups(server, slices.Index(scopes[:], scope)) {
		if !slices.Contains(permittedGroups(i), group) {
			names = append(names, groupOf(group))
		}
	}
	return names
}

// Anything gives requests of every kind: allowed ones, and such with one or several things wrong or at their bounds.
func (e *Estate) Anything(count int, seed uint64) []*authz.Request {
	random := Random(seed)
	return each(count, func(int) *authz.Request {
		i, depth := random.IntN(e.Delegations), 1+random.IntN(MaxDepth+1)
		r := e.request(random, i, handedOn+random.IntN(2), depth)
		if random.IntN(4) == 0 {
			r.Subject.Groups = append(r.Subject.Groups, contractors)
		}
		for range random.IntN(3) {
			spoilers[random.IntN(len(spoilers))](e, random, r)
		}
		return r
	})
}

// spoiler makes something wrong in a request, or brings it to a bound.
type spoiler func(e *Estate, random *rand.Rand, r *authz.Request)

// usual are the reasons of most denials: not entitled, not declared, revoked, and a token without the scope. The fifth is that
// no policy permits it.
var usual = []spoiler{
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Subject.Groups = []string{"guests", "visitors"} },
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Actor.ServiceAccount = "service-undeclared" },
	func(_ *Estate, random *rand.Rand, r *authz.Request) {
		r.Subject.ID = leaver(2 * random.IntN(leavers/2))
	},
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Token.Scopes = []string{"nothing:else"} },
}

var spoilers = append(slices.Clone(usual),
	// Who and for whom.
	func(_ *Estate, _ *rand.Rand, r *authz.Request) {
		r.Subject.Groups = append(r.Subject.Groups, contractors)
	},
	func(_ *Estate, random *rand.Rand, r *authz.Request) {
		r.Subject.Groups = slices.Delete(r.Subject.Groups, 0, random.IntN(len(r.Subject.Groups)+1))
	},
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Subject.Issuer = "elsewhere" },
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Subject.ID = "" },
	func(e *Estate, random *rand.Rand, r *authz.Request) { r.Actor = actorOf(random.IntN(e.Actors)) },
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Actor.Namespace = strangers },
	// What.
	func(_ *Estate, random *rand.Rand, r *authz.Request) { r.Scope = scopes[random.IntN(len(scopes))] },
	func(_ *Estate, random *rand.Rand, r *authz.Request) {
		r.Scope = scopes[random.IntN(len(scopes))]
		r.Token.Scopes = []string{r.Scope}
	},
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Scope = "tickets:unknown" },
	func(e *Estate, random *rand.Rand, r *authz.Request) {
		r.Audience = audienceOf(random.IntN(e.ResourceServers + 1))
	},
	// Conditions.
	func(_ *Estate, _ *rand.Rand, r *authz.Request) {
		r.Context = map[string]any{"purpose": "purpose-other"}
	},
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Context = nil },
	func(_ *Estate, _ *rand.Rand, r *authz.Request) {
		r.Resource.Properties = map[string]any{"owner": "somebody", "region": "region-other"}
	},
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Resource.Properties = nil },
	// Time.
	func(_ *Estate, _ *rand.Rand, r *authz.Request) {
		r.Token.ExpiresAt = r.Token.IssuedAt.Add(maxTokenLifetime)
	},
	func(_ *Estate, _ *rand.Rand, r *authz.Request) {
		r.Token.ExpiresAt = r.Token.IssuedAt.Add(maxTokenLifetime + time.Second)
	},
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Subject.AuthTime = Now.Add(-time.Hour) },
	func(_ *Estate, _ *rand.Rand, r *authz.Request) {
		r.Subject.AuthTime = Now.Add(-time.Hour + time.Second)
	},
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Subject.AuthTime = Now.Add(-maxSubjectAge) },
	func(_ *Estate, _ *rand.Rand, r *authz.Request) {
		r.Subject.AuthTime = Now.Add(-maxSubjectAge - time.Second)
	},
	// Revocations.
	func(_ *Estate, random *rand.Rand, r *authz.Request) { r.Subject.ID = leaver(random.IntN(leavers)) },
	func(_ *Estate, random *rand.Rand, r *authz.Request) {
		r.Subject.Session = lostSession(random.IntN(sessions))
	},
	func(_ *Estate, random *rand.Rand, r *authz.Request) { r.Token.ID = stolen(random.IntN(tokens)) },
	func(_ *Estate, random *rand.Rand, r *authz.Request) {
		r.Token.Transaction = undone(random.IntN(transactions))
	},
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Token.IssuedAt = Now.Add(-time.Minute) },
	func(_ *Estate, _ *rand.Rand, r *authz.Request) {
		r.Token.IssuedAt = Now.Add(-time.Minute - time.Second)
	},
	func(e *Estate, _ *rand.Rand, r *authz.Request) { r.Via = append(r.Via, e.revokedActor()) },
	// The chain.
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Via = append(r.Via, r.Actor) },
	func(e *Estate, random *rand.Rand, r *authz.Request) {
		r.Via = append(r.Via, actorOf(random.IntN(e.Actors)))
	},
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { r.Via = nil },
	func(_ *Estate, _ *rand.Rand, r *authz.Request) { slices.Reverse(r.Via) },
)
