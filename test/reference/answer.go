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
	// Denial is the first obstacle on Deny, zero on Allow.
	Denial Obstacle
	// DryRun is what would have been denied, were it not for a dry run; zero otherwise.
	DryRun Obstacle
	// Obstacles are all that stood in the way, or would have without a dry run, in the order in which they are judged.
	Obstacles []Obstacle
	Rests     Rests
}

// Obstacle is one thing that stands in the way of a request.
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
	q := a.ask(req, now)
	found := q.obstacles()
	denying := found
	if q.inDryRun() {
		denying = slices.DeleteFunc(slices.Clone(found), softened)
	}
	if len(denying) > 0 {
		return Answer{Denial: denying[0], Obstacles: denying, Rests: q.deniedBy(denying[0])}
	}
	answer := Answer{Outcome: authz.Allow, Obstacles: q.withForbiddenInDryRun(found)}
	if len(found) == 0 {
		answer.Rests = q.allowedBy()
	}
	if len(answer.Obstacles) > 0 {
		answer.DryRun = answer.Obstacles[0]
	}
	return answer
}

// withForbiddenInDryRun adds what a Forbid in its own dry run would have denied, where the policy leg begins.
func (q *question) withForbiddenInDryRun(found []Obstacle) []Obstacle {
	at := slices.IndexFunc(found, func(o Obstacle) bool { return o.Leg == authz.LegPolicy || o.Leg == authz.LegGrant })
	if at < 0 {
		at = len(found)
	}
	return slices.Insert(slices.Clone(found), at, q.forbiddenInDryRun()...)
}

// softened says what a dry run of the resource server lets pass (ADR 0004).
func softened(o Obstacle) bool {
	return o.Leg != authz.LegFreshness && o.Leg != authz.LegRevocation
}

// obstacles asks every leg, in the order of the design. One that cannot be judged while an earlier one stands says nothing.
func (q *question) obstacles() []Obstacle {
	var found []Obstacle
	for _, leg := range legs {
		for _, reason := range leg.judge(q) {
			found = append(found, Obstacle{legOf(reason, leg.name), reason})
		}
	}
	return found
}

// legOf is the leg that judged, but for what belongs to another one, whoever noticed it first: a token out of its time, and
// the revocation of a grant, which is only known once it is used.
func legOf(reason authz.Reason, judged authz.Leg) authz.Leg {
	switch {
	case ofFreshness(reason):
		return authz.LegFreshness
	case reason == authz.ReasonRevoked:
		return authz.LegRevocation
	}
	return judged
}

var legs = []struct {
	name  authz.Leg
	judge func(*question) []authz.Reason
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
}
