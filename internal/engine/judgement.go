// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"sync"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/condition"
)

// judgement is one decision in the making.
type judgement struct {
	snapshot *Snapshot
	req      *authz.Request
	now      time.Time

	// served is what the request's audience or host leads to; nil where it leads nowhere.
	served *served
	scope  int32
	// people are the subject selectors of the policy that select the subject.
	people selection
	// actor is what the bundle knows of the current actor.
	actor *actorEntry
	// permits are the Permit rules that match.
	permits []*rule
	input   condition.Input
	chain   []authz.Actor

	captures captures
	// dryRun is the first denial that a dry run kept from denying.
	dryRun   *authz.Denial
	decision authz.Decision
}

// judgements are used again, so that deciding allocates nothing.
var judgements = sync.Pool{New: func() any { return new(judgement) }}

func newJudgement(s *Snapshot, req *authz.Request, now time.Time) *judgement {
	j, ok := judgements.Get().(*judgement)
	if !ok {
		j = new(judgement)
	}
	j.snapshot, j.req, j.now = s, req, now
	j.chain = append(append(j.chain[:0], req.Via...), req.Actor)
	if !req.Actor.Present() {
		j.chain = j.chain[:len(req.Via)]
	}
	j.decision.Audience, j.decision.Scope, j.decision.Resource = req.Audience, req.Scope, req.Resource
	j.input = condition.Input{
		Subject: &req.Subject, Actor: req.Actor, Chain: j.chain, Audience: req.Audience, Scope: req.Scope,
		Resource: &j.decision.Resource, Context: req.Context, Now: now,
	}
	j.locate()
	return j
}

// release forgets the request before the judgement is used again.
func (j *judgement) release() {
	people, permits, chain := j.people, j.permits[:0], j.chain[:0]
	clear(permits[:cap(permits)])
	clear(chain[:cap(chain)])
	*j = judgement{people: people, permits: permits, chain: chain}
	judgements.Put(j)
}

// locate finds the resource server that is asked, by audience or by host.
func (j *judgement) locate() {
	if j.req.Audience == "" && j.req.HTTP != nil {
		j.served = j.snapshot.byHost(j.req.HTTP.Host)
	} else {
		j.served = j.snapshot.audiences[j.req.Audience]
	}
	if j.served == nil {
		return
	}
	p := j.served.policy
	j.decision.Audience, j.decision.ResourceServer, j.decision.Revision = p.audience, p.source, p.statement.Revision
	j.input.Audience = p.audience
}

// decide goes through the legs.
func (j *judgement) decide() authz.Decision {
	caller := everyone
	if j.req.Actor.Present() {
		caller = delegated
	}
	soften := j.served != nil && j.served.policy.inDryRun(j.now)
	wouldDeny := false
	for i := range legs {
		leg := &legs[i]
		if leg.about > caller || (wouldDeny && !alwaysEnforced(leg.leg)) {
			continue
		}
		denial := leg.check(j)
		if denial == nil {
			continue
		}
		if denial.Leg == "" {
			denial.Leg = leg.leg
		}
		if !soften || alwaysEnforced(denial.Leg) {
			return j.denied(denial)
		}
		wouldDeny = true
		j.wouldDeny(denial)
		j.decision.Policies, j.decision.Grant = nil, nil
	}
	return j.allowed()
}

// wouldDeny notes the first denial that a dry run kept from denying.
func (j *judgement) wouldDeny(denial *authz.Denial) {
	if j.dryRun == nil {
		j.dryRun = denial
	}
}

func (j *judgement) denied(denial *authz.Denial) authz.Decision {
	j.decision.Outcome, j.decision.Denial = authz.Deny, *denial
	j.decision.Grant = nil
	if denial.Leg != authz.LegPolicy {
		j.decision.Policies = nil
	}
	return j.decision
}

func (j *judgement) allowed() authz.Decision {
	j.decision.Outcome, j.decision.DryRun = authz.Allow, j.dryRun
	return j.decision
}
