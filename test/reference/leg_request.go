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

// identity is leg 1: subject and actor are both authenticated, the subject's issuer is one whose people count, and the request
// is one question.
func (q *question) identity() []authz.Reason {
	switch {
	case q.req.Unauthenticated != "":
		return []authz.Reason{q.req.Unauthenticated}
	case !q.req.Subject.Present():
		return []authz.Reason{authz.ReasonSubjectMissing}
	case q.malformed():
		return []authz.Reason{authz.ReasonRequestMalformed}
	case !q.world.Believes(q.req.Subject.Issuer):
		return []authz.Reason{authz.ReasonTokenInvalid}
	case q.alone() && (q.req.HTTP == nil || len(q.req.Via) > 0):
		return []authz.Reason{authz.ReasonActorMissing}
	case oversized(q.req):
		return []authz.Reason{authz.ReasonRequestMalformed}
	}
	return nil
}

// malformed says that the request cannot be read as one question: a subject or an actor that is half named, or a request over
// HTTP that gives what its route gives.
func (q *question) malformed() bool {
	r := q.req
	return r.Subject.Issuer == "" || !q.alone() && !r.Actor.Present() ||
		slices.ContainsFunc(r.Via, func(a authz.Actor) bool { return !a.Present() }) ||
		r.HTTP != nil && (r.Scope != "" || r.Resource.Type != "" || r.Resource.ID != "" || len(r.Resource.Properties) > 0)
}

// ofFreshness says whether a reason belongs to the freshness leg.
func ofFreshness(reason authz.Reason) bool {
	return reason == authz.ReasonTokenExpired || reason == authz.ReasonTokenNotYetValid || reason == authz.ReasonStaleBundle
}

// leeway is how far the clock of whoever issued a token may be ahead.
const leeway = time.Minute

// freshness is leg 2: leases have not run out, and the presented token is within its time.
func (q *question) freshness() []authz.Reason {
	var found []authz.Reason
	if q.stale() {
		found = append(found, authz.ReasonStaleBundle)
	}
	switch token := q.req.Token; {
	case token == nil:
	case !token.ExpiresAt.IsZero() && !q.now.Before(token.ExpiresAt):
		found = append(found, authz.ReasonTokenExpired)
	case token.IssuedAt.After(q.now.Add(leeway)):
		found = append(found, authz.ReasonTokenNotYetValid)
	}
	return found
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

// resource is leg 3: audience, route and scope are known, and the route takes this kind of caller. What is stale cannot say
// who holds an audience, and what is not one question leads to no route.
func (q *question) resource() []authz.Reason {
	readable := len(q.identity()) == 0
	switch {
	case q.stale() || q.server != nil && !readable:
		return nil
	case q.unresolved != "":
		return []authz.Reason{q.unresolved}
	case q.route != nil && !takes(q.route, q.caller()):
		return []authz.Reason{authz.ReasonCallerNotAllowed}
	}
	return nil
}

// token is leg 5: audience and scope lie within the presented token. What RFC 6749 takes for no scope denies; a scope of
// another issuer's own kind, such as a long one or one with '*', only matches nothing.
func (q *question) token() []authz.Reason {
	if !q.known() || q.req.Token == nil || q.req.Token.Unbounded {
		return nil
	}
	carried := false
	for _, entry := range q.req.Token.Scopes {
		audience, scope, qualified := strings.Cut(entry, "#")
		if !qualified {
			audience, scope = string(q.server.Spec.Audience), entry
		}
		if !isScopeText(scope) || !isScopeText(audience) {
			return []authz.Reason{authz.ReasonTokenScopeMalformed}
		}
		carried = carried || scope == q.scope && audience == string(q.server.Spec.Audience)
	}
	if !carried {
		return []authz.Reason{authz.ReasonScopeNotInToken}
	}
	return nil
}

// subject is leg 6: some entitlement gives this subject this scope on this resource.
func (q *question) subject() []authz.Reason {
	if !q.known() {
		return nil
	}
	reason := authz.ReasonNotEntitled
	for _, entitlement := range q.scopeOf(q.scope).Entitlements {
		if !selectsSubject(entitlement.Subjects, q.req.Subject) {
			continue
		}
		switch q.all(entitlement.Conditions) {
		case Met:
			return nil
		case Errs:
			reason = authz.ReasonConditionError
		case Unmet:
		}
	}
	return []authz.Reason{reason}
}
