// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// Answer is what the model says of a request. The zero value denies.
type Answer struct {
	Outcome authz.Outcome
	// Leg and Reason of the first obstacle on Deny, empty on Allow.
	Leg    authz.Leg
	Reason authz.Reason
	// DryRun is what would have been denied, were it not for a dry run; zero otherwise.
	DryRun Obstacle
	// Obstacles are every leg that stood in the way, or would have without a dry run, in the order of the legs.
	Obstacles []Obstacle
}

// Obstacle is one leg that does not permit a request, and why.
type Obstacle struct {
	Leg    authz.Leg
	Reason authz.Reason
}

// Decide answers a request as the design has it.
func Decide(w World, req *authz.Request, now time.Time) Answer {
	return Accept(w).Decide(req, now)
}

// Decide answers a request by what is accepted of a world.
func (a *Accepted) Decide(req *authz.Request, now time.Time) Answer {
	if req == nil {
		return Answer{Leg: authz.LegIdentity, Reason: authz.ReasonRequestMalformed}
	}
	q := a.ask(req, now)
	obstacles := q.obstacles()
	answer := Answer{Outcome: authz.Allow, Obstacles: obstacles}
	switch first := q.whatDenies(obstacles); {
	case first != (Obstacle{}):
		answer.Outcome, answer.Leg, answer.Reason = authz.Deny, first.Leg, first.Reason
	default:
		answer.DryRun = q.whatWouldDeny(obstacles)
	}
	return answer
}

// obstacles asks every leg, in the order of the design. One that cannot be judged while an earlier one stands says nothing.
func (q *question) obstacles() []Obstacle {
	var found []Obstacle
	for _, leg := range legs {
		if reason := leg.judge(q); reason != "" {
			found = append(found, Obstacle{leg.name, reason})
		}
	}
	return found
}

// whatDenies is the first obstacle, or in a dry run the first that a dry run leaves alone (ADR 0004).
func (q *question) whatDenies(obstacles []Obstacle) Obstacle {
	for _, o := range obstacles {
		if !q.inDryRun() || o.Leg == authz.LegFreshness || o.Leg == authz.LegRevocation {
			return o
		}
	}
	return Obstacle{}
}

// whatWouldDeny is the first thing that would deny once every dry run is over: a Forbid's own as well as the resource
// server's.
func (q *question) whatWouldDeny(obstacles []Obstacle) Obstacle {
	forbidden := q.forbiddenInDryRun()
	for _, o := range obstacles {
		if forbidden == (Obstacle{}) || slices.Index(authz.Legs(), o.Leg) < slices.Index(authz.Legs(), authz.LegPolicy) {
			return o
		}
	}
	return forbidden
}

var legs = []struct {
	name  authz.Leg
	judge func(*question) authz.Reason
}{
	{authz.LegIdentity, (*question).identity},
	{authz.LegFreshness, (*question).freshness},
	{authz.LegResource, (*question).resource},
	{authz.LegRevocation, (*question).revocation},
	{authz.LegToken, (*question).token},
	{authz.LegSubject, (*question).subject},
	{authz.LegActor, (*question).actor},
	{authz.LegChain, (*question).chain},
	{authz.LegPolicy, (*question).policy},
	{authz.LegGrant, (*question).grant},
	{authz.LegRevocation, (*question).grantRevocation},
}
