// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// revocation is leg 4: no revocation covers the subject, the session, an actor, an edge, the grant, the transaction or the
// token.
func (q *question) revocation() authz.Reason {
	for i := range q.world.Revocations {
		if q.covers(&q.world.Revocations[i].Spec) {
			return authz.ReasonRevoked
		}
	}
	return ""
}

// grantRevocation is what leg 4 says of the grant, which is looked for when all other legs were judged (ADR 0018).
func (q *question) grantRevocation() authz.Reason {
	if q.grantStanding() == grantRevoked {
		return authz.ReasonRevoked
	}
	return ""
}

// covers judges every target but the grant, which only the grant leg can name.
func (q *question) covers(r *v1alpha1.DelegationRevocationSpec) bool {
	subject := q.req.Subject
	switch {
	case isPerson(r.Subject, subject) && issuedBefore(r, q.tokenTime()):
		return true
	case isSession(r.Session, subject) && issuedBefore(r, q.tokenTime()):
		return true
	case q.coversToken(r):
		return true
	}
	if !q.actorRevoked(r) {
		return false
	}
	named := slices.ContainsFunc(q.actors(), func(a authz.Actor) bool { return isService(r.Actor, a) })
	return named || q.coversEdge(r)
}

func (q *question) coversToken(r *v1alpha1.DelegationRevocationSpec) bool {
	token := q.req.Token
	if token == nil || !issuedBefore(r, q.tokenTime()) {
		return false
	}
	return r.Transaction != "" && r.Transaction == token.Transaction || r.Token != "" && r.Token == token.ID
}

// coversEdge looks at every step of the chain.
func (q *question) coversEdge(r *v1alpha1.DelegationRevocationSpec) bool {
	if r.Edge == nil {
		return false
	}
	actors := q.actors()
	for i, actor := range actors {
		begins := i == 0 && isPerson(r.Edge.Subject, q.req.Subject) || i > 0 && isService(r.Edge.From, actors[i-1])
		if begins && isService(&r.Edge.To, actor) {
			return true
		}
	}
	return false
}

// issuedBefore says whether something of this age is revoked. What brings no issue time counts as issued before.
func issuedBefore(r *v1alpha1.DelegationRevocationSpec, issued time.Time) bool {
	return r.IssuedBefore.IsZero() || issued.IsZero() || issued.Before(r.IssuedBefore.Time)
}

func (q *question) tokenTime() time.Time {
	if q.req.Token == nil {
		return time.Time{}
	}
	return q.req.Token.IssuedAt
}

// actorRevoked holds what rests on an actor against the time of the presented token, and of the actor's own where the request
// brought one: each must have been issued since.
func (q *question) actorRevoked(r *v1alpha1.DelegationRevocationSpec) bool {
	own := q.req.ActorIssuedAt
	return issuedBefore(r, q.tokenTime()) || !own.IsZero() && issuedBefore(r, own)
}

func isPerson(r *v1alpha1.SubjectReference, s authz.Subject) bool {
	return r != nil && s.Present() && string(r.Issuer) == s.Issuer && string(r.ID) == s.ID
}

func isSession(r *v1alpha1.SessionReference, s authz.Subject) bool {
	return r != nil && s.Session != "" && string(r.Issuer) == s.Issuer && r.ID == s.Session
}

func isService(r *v1alpha1.ServiceAccountReference, a authz.Actor) bool {
	return r != nil && a.Present() && string(r.Namespace) == a.Namespace && string(r.ServiceAccount) == a.ServiceAccount
}
