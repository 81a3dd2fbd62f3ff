// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"strings"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// identity is leg 1: subject and actor are both authenticated, and the subject's issuer is one whose people count.
func (q *question) identity() authz.Reason {
	switch {
	case ofFreshness(q.req.Unauthenticated):
		return ""
	case q.req.Unauthenticated != "":
		return q.req.Unauthenticated
	case !q.req.Subject.Present():
		return authz.ReasonSubjectMissing
	case q.malformed():
		return authz.ReasonRequestMalformed
	case !q.world.Believes(q.req.Subject.Issuer):
		return authz.ReasonTokenInvalid
	case q.alone() && (q.req.HTTP == nil || len(q.req.Via) > 0):
		return authz.ReasonActorMissing
	case beyondBounds(q.req):
		return authz.ReasonRequestMalformed
	}
	return ""
}

// ofFreshness says whether a reason belongs to the freshness leg, whoever noticed it first.
func ofFreshness(reason authz.Reason) bool {
	return reason == authz.ReasonTokenExpired || reason == authz.ReasonTokenNotYetValid
}

// malformed says that the request cannot be read as one question: a subject or an actor that is half named, or a
// request over HTTP that gives what its route gives.
func (q *question) malformed() bool {
	r := q.req
	return r.Subject.Issuer == "" || !q.alone() && !r.Actor.Present() ||
		slices.ContainsFunc(r.Via, func(a authz.Actor) bool { return !a.Present() }) ||
		r.HTTP != nil && (r.Scope != "" || r.Resource.Type != "" || r.Resource.ID != "" || r.Resource.Properties != nil)
}

// leeway is how far the clock of whoever issued a token may be ahead.
const leeway = time.Minute

// freshness is leg 2: leases have not run out, and the presented token is within its time.
func (q *question) freshness() authz.Reason {
	token := q.req.Token
	switch {
	case ofFreshness(q.req.Unauthenticated):
		return q.req.Unauthenticated
	case q.stale():
		return authz.ReasonStaleBundle
	case token != nil && !token.ExpiresAt.IsZero() && !q.now.Before(token.ExpiresAt):
		return authz.ReasonTokenExpired
	case token != nil && token.IssuedAt.After(q.now.Add(leeway)):
		return authz.ReasonTokenNotYetValid
	}
	return ""
}

// stale says whether a lease has run out, by more than the resource server allows (ADR 0011).
func (q *question) stale() bool {
	w := q.world
	if q.server == nil {
		return q.now.After(w.TrustLease) || q.now.After(w.RevocationsLease)
	}
	var allowance time.Duration
	if q.server.Spec.OnStale == v1alpha1.OnStaleServe {
		allowance = time.Duration(q.server.Spec.MaxStaleSeconds) * time.Second
	}
	for _, lease := range []time.Time{w.PolicyLease, w.TrustLease, w.RevocationsLease} {
		if q.now.After(lease.Add(allowance)) {
			return true
		}
	}
	return false
}

// resource is leg 3: audience, route and scope are known, and the route takes this kind of caller.
func (q *question) resource() authz.Reason { return q.unresolved }

// token is leg 5: audience and scope lie within the presented token. What RFC 6749 takes for no
// scope denies; a scope of another issuer's own kind, such as a long one or one with '*', only matches nothing.
func (q *question) token() authz.Reason {
	if q.unresolved != "" || q.req.Token == nil || q.req.Token.Unbounded {
		return ""
	}
	carried := false
	for _, entry := range q.req.Token.Scopes {
		audience, scope, qualified := strings.Cut(entry, "#")
		if !qualified {
			audience, scope = string(q.server.Spec.Audience), entry
		}
		if !isScopeText(scope) || !isScopeText(audience) {
			return authz.ReasonTokenScopeMalformed
		}
		carried = carried || scope == q.scope && audience == string(q.server.Spec.Audience)
	}
	if !carried {
		return authz.ReasonScopeNotInToken
	}
	return ""
}

// subject is leg 6: some entitlement gives this subject this scope on this resource.
func (q *question) subject() authz.Reason {
	if q.unresolved != "" || !q.req.Subject.Present() {
		return ""
	}
	reason := authz.ReasonNotEntitled
	for _, entitlement := range q.scopeOf(q.scope).Entitlements {
		if !selectsSubject(entitlement.Subjects, q.req.Subject) {
			continue
		}
		switch q.all(entitlement.Conditions) {
		case Met:
			return ""
		case Errs:
			reason = authz.ReasonConditionError
		case Unmet:
		}
	}
	return reason
}
