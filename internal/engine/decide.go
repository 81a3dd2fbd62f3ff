// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// decide goes through the legs as far as they permit.
func (j *judgement) decide(d *authz.Decision) {
	about := j.concern()
	for i := range legs {
		if legs[i].about > about {
			continue
		}
		if found := legs[i].check(j); found != nil {
			j.refuse(d, i, found.of(legs[i].leg))
			return
		}
	}
	j.allow(d)
}

func (j *judgement) concern() concern {
	if j.req.Actor.Present() {
		return delegated
	}
	return everyone
}

// refuse denies by the first obstacle. In a dry run of the resource server that is the first that it does not soften; where
// it softens all, the request passes.
func (j *judgement) refuse(d *authz.Decision, at int, found obstacles) {
	by := 0
	if j.inDryRun() {
		found = append(found, j.gather(at+1)...)
		by = slices.IndexFunc(found, func(o obstacle) bool { return alwaysEnforced(o.Leg) })
	}
	authz.Explain(d, j.snapshot, j.req, j.now)
	j.speakOf(d)
	if by < 0 {
		d.Outcome, d.DryRun = authz.Allow, &j.withForgiven(found)[0].Denial
		return
	}
	d.Denial, d.Policies, d.Revocation = found[by].Denial, found[by].policies, found[by].revocation
}

// Obstacles gives everything that stands in the way of a request, as authz.Decision tells it.
func (s *Snapshot) Obstacles(req *authz.Request, now time.Time) (denials []authz.Denial) {
	defer func() {
		if r := recover(); r != nil {
			denials = append(denials, refusal(authz.LegIdentity, authz.ReasonInternalError, fmt.Sprintf("the judgement panicked: %T", r)).Denial)
		}
	}()
	j := newJudgement(s, req, now)
	for _, o := range j.standing(j.gather(0)) {
		denials = append(denials, o.Denial)
	}
	j.release()
	return denials
}

// standing leaves out what a dry run softens, where something else denies; where nothing does, it is what the dry run
// records.
func (j *judgement) standing(found obstacles) obstacles {
	enforced := found
	if j.inDryRun() {
		enforced = slices.DeleteFunc(slices.Clone(found), func(o obstacle) bool { return !alwaysEnforced(o.Leg) })
	}
	if len(enforced) > 0 {
		return enforced
	}
	return j.withForgiven(found)
}

// withForgiven puts what dry runs of Forbids kept from denying in its place: Forbids come first in the policy leg.
func (j *judgement) withForgiven(found obstacles) obstacles {
	at := slices.IndexFunc(found, func(o obstacle) bool { return o.Leg == authz.LegPolicy || o.Leg == authz.LegGrant })
	if at < 0 {
		at = len(found)
	}
	return slices.Insert(found, at, j.forgiven...)
}

// gather judges all that can be judged from a leg on, whatever denies.
func (j *judgement) gather(from int) obstacles {
	var known facts
	for i := range from - 1 {
		known |= legs[i].gives
	}
	var all obstacles
	about := j.concern()
	for i := from; i < len(legs); i++ {
		leg := &legs[i]
		if leg.about > about || leg.needs&^known != 0 {
			continue
		}
		found := leg.check(j)
		if found == nil {
			known |= leg.gives
		}
		all = append(all, found.of(leg.leg)...)
	}
	return all
}

// allow says what an Allow rests on, and what it obliges to.
func (j *judgement) allow(d *authz.Decision) {
	j.speakOf(d)
	d.Outcome = authz.Allow
	d.Declarations = j.declarations
	d.Policies = sources(j.permits)
	if j.grant != nil {
		d.Grant = &j.grant.source
	}
	j.oblige(&d.Obligations)
	if j.forgiven != nil {
		d.DryRun = &j.forgiven[0].Denial
		authz.Explain(d, j.snapshot, j.req, j.now)
	}
}

// speakOf says what was judged.
func (j *judgement) speakOf(d *authz.Decision) {
	d.Audience, d.Scope, d.Resource = j.audience(), j.scopeName(), j.resource
	if j.served != nil {
		d.ResourceServer, d.Revision = j.served.policy.source, j.served.policy.statement.Revision
		d.Degraded = j.degraded
	}
}

// sources names the rules; for one, without allocating.
func sources(rules []*rule) []authz.ObjectRef {
	switch len(rules) {
	case 0:
		return nil
	case 1:
		return rules[0].alone()
	}
	refs := make([]authz.ObjectRef, len(rules))
	for i, r := range rules {
		refs[i] = r.source()
	}
	return refs
}

// oblige takes the limits from the Permits that decided. A token may live as long as the one that gives most allows, and
// carry the claims that those which allow that much disclose: never a claim for longer than the rule that discloses it.
func (j *judgement) oblige(o *authz.Obligations) {
	if t := j.req.Token; t != nil {
		o.NotAfter = t.ExpiresAt
	}
	if j.grant != nil {
		if end := time.Unix(j.grant.notAfter, 0); o.NotAfter.IsZero() || end.Before(o.NotAfter) {
			o.NotAfter = end
		}
	}
	if len(j.permits) == 0 {
		return
	}
	o.MaxTokenLifetime, o.Disclose = j.permits[0].maxTokenLifetime, j.permits[0].disclose
	for _, r := range j.permits[1:] {
		switch longer := compareLifetimes(r.maxTokenLifetime, o.MaxTokenLifetime); {
		case longer > 0:
			o.MaxTokenLifetime, o.Disclose = r.maxTokenLifetime, r.disclose
		case longer == 0:
			o.Disclose = union(o.Disclose, r.disclose)
		}
	}
}

// compareLifetimes takes 0 for no limit.
func compareLifetimes(a, b time.Duration) int {
	if a == 0 || b == 0 {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}

// union of two sorted lists, in a list of its own where neither is all of it.
func union(a, b []string) []string {
	switch {
	case len(b) == 0 || slices.Equal(a, b):
		return a
	case len(a) == 0:
		return b
	}
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}
