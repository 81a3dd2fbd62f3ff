// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"sync"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/condition"
)

// judgement is one decision in the making: what is known of the request so far.
type judgement struct {
	snapshot *Snapshot
	req      *authz.Request
	now      time.Time
	seconds  int64 // now, since the Unix epoch
	// issuerHash and subjectHash are those of the subject's issuer and id, actorHash that of the current actor.
	issuerHash, subjectHash, actorHash hash

	// served is what the request's audience or host leads to; nil where it leads nowhere.
	served *served
	// degraded says that what serves it has outlived its lease.
	degraded bool
	// taken is the route, where the request went through one.
	taken    *route
	scope    int32
	resource authz.Resource
	// context is the request's, with what a route added.
	context map[string]any
	// subject carries its marks once the subject leg has looked.
	subject bearer
	// actor is what the bundle knows of the current actor, and rules what it has for the scope.
	actor *account
	rules []*ruleSet
	// permits are the Permits that match; in the end, those that decide.
	permits []*rule
	grant   *loadedGrant
	// declarations are what the actors of the chain rest on, the current one first.
	declarations [authz.MaxChainDepth]*authz.Declaration
	// forgiven are the denials of Forbids that a dry run of their own kept from denying.
	forgiven obstacles

	question question
	captures captures
}

// judgements are used again, so that deciding allocates nothing.
var judgements = sync.Pool{New: func() any { return new(judgement) }}

func newJudgement(s *Snapshot, req *authz.Request, now time.Time) *judgement {
	j, ok := judgements.Get().(*judgement)
	if !ok {
		j = new(judgement)
	}
	j.snapshot, j.req, j.now, j.seconds = s, req, now, now.Unix()
	j.issuerHash, j.subjectHash, j.actorHash = hashOf(req.Subject.Issuer), hashOf(req.Subject.ID), hashOfActor(&req.Actor)
	j.resource, j.context = req.Resource, req.Context
	j.locate()
	return j
}

// release forgets the request before the judgement is used again. What is only read after it was written stays as it is.
func (j *judgement) release() {
	j.snapshot, j.req, j.served, j.taken, j.actor, j.grant = nil, nil, nil, nil, nil, nil
	j.resource, j.context, j.degraded = authz.Resource{}, nil, false
	clear(j.permits)
	clear(j.rules)
	j.permits, j.rules, j.forgiven = j.permits[:0], j.rules[:0], nil
	j.declarations = [authz.MaxChainDepth]*authz.Declaration{}
	if j.captures[0] != "" {
		j.captures = captures{}
	}
	j.question.forget()
	judgements.Put(j)
}

// locate finds the resource server that is asked, by audience or by host.
func (j *judgement) locate() {
	if j.req.Audience == "" && j.req.HTTP != nil {
		j.served = j.snapshot.byHost(j.req.HTTP.Host)
	} else {
		j.served = j.snapshot.byAudience(j.req.Audience)
	}
}

// audience is the one that was asked or that the host led to.
func (j *judgement) audience() string {
	if j.served == nil {
		return j.req.Audience
	}
	return j.served.policy.audience
}

// scopeName is the scope that was asked or that the route led to.
func (j *judgement) scopeName() string {
	if j.taken == nil {
		return j.req.Scope
	}
	return j.served.policy.scopes[j.scope].name
}

// depth is the number of actors in the chain.
func (j *judgement) depth() int {
	if !j.req.Actor.Present() {
		return len(j.req.Via)
	}
	return len(j.req.Via) + 1
}

// at gives an actor of the chain, nearest the subject first.
func (j *judgement) at(i int) *authz.Actor {
	if i < len(j.req.Via) {
		return &j.req.Via[i]
	}
	return &j.req.Actor
}

// hashAt is the hash of the actor there.
func (j *judgement) hashAt(i int) hash {
	if i < len(j.req.Via) {
		return hashOfActor(&j.req.Via[i])
	}
	return j.actorHash
}

func (j *judgement) inDryRun() bool { return j.served != nil && j.before(j.served.policy.dryRunUntil) }

// before says whether a dry run that ends then is on; 0 is none. A clock that stands before 1970 is on no dry run.
func (j *judgement) before(end int64) bool { return end > 0 && j.seconds < end }

// question is the request as conditions read it, made ready when the first of them is asked.
type question struct {
	ready bool
	// checked are the parts that are within their bounds.
	checked condition.Parts
	input   condition.Input
	chain   []authz.Actor
}

// ask gives what conditions read; an error where one of the parts is beyond its bounds, and then whoever reads it errs.
func (j *judgement) ask(parts condition.Parts) (*condition.Input, error) {
	q := &j.question
	if !q.ready {
		q.input = condition.Input{
			Subject: &j.req.Subject, Actor: j.req.Actor, Audience: j.audience(), Scope: j.scopeName(),
			Resource: &j.resource, Context: j.context, Now: j.now,
		}
		q.ready = true
	}
	if missing := parts &^ q.checked; missing != 0 {
		if missing&condition.Chain != 0 {
			q.chain = j.appendChain(q.chain[:0])
			q.input.Chain = q.chain
		}
		if err := q.input.Check(missing); err != nil {
			return nil, err
		}
		q.checked |= missing
	}
	return &q.input, nil
}

// appendChain appends every actor, nearest the subject first.
func (j *judgement) appendChain(to []authz.Actor) []authz.Actor {
	to = append(to, j.req.Via...)
	if j.req.Actor.Present() {
		to = append(to, j.req.Actor)
	}
	return to
}

func (q *question) forget() {
	if q.ready {
		clear(q.chain)
		*q = question{chain: q.chain[:0]}
	}
}
