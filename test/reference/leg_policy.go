// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// policy is leg 9: no Forbid matches, and at least one Permit matches with its own limits kept.
func (q *question) policy() []authz.Reason {
	if !q.delegated() {
		return nil
	}
	var found []authz.Reason
	if len(q.forbids(false)) > 0 {
		found = append(found, authz.ReasonForbidden)
	}
	if len(q.permits()) == 0 {
		found = append(found, q.whyNoPermit())
	}
	return found
}

// forbiddenInDryRun is what a Forbid in its own dry run would have denied.
func (q *question) forbiddenInDryRun() []Obstacle {
	if q.delegated() && len(q.forbids(true)) > 0 {
		return []Obstacle{{authz.LegPolicy, authz.ReasonForbidden}}
	}
	return nil
}

// forbids are the Forbids that match, in their dry run or enforced. A condition that errs, or that is none, counts as met.
func (q *question) forbids(inDryRun bool) []v1alpha1.DelegationPolicy {
	return q.policies(func(p *v1alpha1.DelegationPolicySpec) bool {
		return p.Effect == v1alpha1.EffectForbid && dryRun(p.Enforcement, q.now) == inDryRun && q.concerns(p) && q.all(p.Conditions) != Unmet
	})
}

// permits are the Permits that match. A condition that errs counts as not met.
func (q *question) permits() []v1alpha1.DelegationPolicy {
	return q.policies(func(p *v1alpha1.DelegationPolicySpec) bool {
		return p.Effect == v1alpha1.EffectPermit && q.concerns(p) && q.all(p.Conditions) == Met && len(q.beyond(p.Limits)) == 0
	})
}

func (q *question) policies(match func(*v1alpha1.DelegationPolicySpec) bool) []v1alpha1.DelegationPolicy {
	var found []v1alpha1.DelegationPolicy
	for i := range q.world.Policies {
		if match(&q.world.Policies[i].Spec) {
			found = append(found, q.world.Policies[i])
		}
	}
	return found
}

// whyNoPermit names a limit where some Permit had only limits in its way, and a condition that erred where some Permit had
// nothing else in its way.
func (q *question) whyNoPermit() authz.Reason {
	var exceeded []authz.Reason
	erred := false
	for i := range q.world.Policies {
		p := &q.world.Policies[i].Spec
		if p.Effect != v1alpha1.EffectPermit || !q.concerns(p) {
			continue
		}
		beyond := q.beyond(p.Limits)
		switch q.all(p.Conditions) {
		case Met:
			exceeded = append(exceeded, beyond...)
		case Errs:
			erred = erred || len(beyond) == 0
		case Unmet:
		}
	}
	for _, reason := range limitReasons {
		if slices.Contains(exceeded, reason) {
			return reason
		}
	}
	if erred {
		return authz.ReasonConditionError
	}
	return authz.ReasonNoPolicy
}

// limitReasons is the order in which limits are named.
var limitReasons = []authz.Reason{authz.ReasonSubjectTooOld, authz.ReasonChainTooDeep, authz.ReasonTokenLifetimeTooLong}

// concerns says whether actors, subjects, audience and scope of a policy match.
func (q *question) concerns(p *v1alpha1.DelegationPolicySpec) bool {
	return slices.ContainsFunc(p.Actors, q.selectsActor) &&
		slices.ContainsFunc(p.Subjects, func(s v1alpha1.SubjectSelector) bool { return selectsSubject(s, q.req.Subject) }) &&
		slices.ContainsFunc(p.Audiences, func(a v1alpha1.AudienceScopePatterns) bool {
			return a.Audience == q.server.Spec.Audience && slices.ContainsFunc(a.Scopes, func(pattern v1alpha1.ScopePattern) bool {
				return covers(string(pattern), q.scope)
			})
		})
}

// beyond are the limits that the request exceeds.
func (q *question) beyond(l v1alpha1.Limits) []authz.Reason {
	var exceeded []authz.Reason
	if q.tooOld(l.MaxSubjectAgeSeconds) {
		exceeded = append(exceeded, authz.ReasonSubjectTooOld)
	}
	if len(q.actors()) > max(int(l.MaxChainDepth), 1) {
		exceeded = append(exceeded, authz.ReasonChainTooDeep)
	}
	if q.livesTooLong(l.MaxTokenLifetimeSeconds) {
		exceeded = append(exceeded, authz.ReasonTokenLifetimeTooLong)
	}
	return exceeded
}

// tooOld says whether the person signed in longer ago than the limit allows, or nobody knows when: a time to come is none.
func (q *question) tooOld(limit int32) bool {
	signedIn := q.req.Subject.AuthTime
	known := !signedIn.IsZero() && !signedIn.After(q.now.Add(leeway))
	return limit > 0 && (!known || q.now.Sub(signedIn) > time.Duration(limit)*time.Second)
}

// livesTooLong says whether the presented token was issued to live longer than the limit allows. One that does not say when
// it was issued, or until when it lives, may have been.
func (q *question) livesTooLong(limit int32) bool {
	token := q.req.Token
	if limit == 0 || token == nil {
		return false
	}
	return token.IssuedAt.IsZero() || token.ExpiresAt.IsZero() || token.ExpiresAt.Sub(token.IssuedAt) > time.Duration(limit)*time.Second
}
