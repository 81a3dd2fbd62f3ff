// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// revocation is leg 4: no revocation covers the subject, the session, an actor, an edge, the transaction or the token. That of
// a grant is judged with the grant.
func (q *question) revocation() []authz.Reason {
	if len(q.covering()) > 0 {
		return []authz.Reason{authz.ReasonRevoked}
	}
	return nil
}

// covering are the revocations that cover the request.
func (q *question) covering() []v1alpha1.DelegationRevocation {
	return slices.DeleteFunc(slices.Clone(q.world.Revocations), func(r v1alpha1.DelegationRevocation) bool { return !q.covers(&r.Spec) })
}

// covers judges every target but the grant.
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
	return r != nil && s.Present() && s.Issuer != "" && string(r.Issuer) == s.Issuer && string(r.ID) == s.ID
}

func isSession(r *v1alpha1.SessionReference, s authz.Subject) bool {
	return r != nil && s.Session != "" && s.Issuer != "" && string(r.Issuer) == s.Issuer && r.ID == s.Session
}

func isService(r *v1alpha1.ServiceAccountReference, a authz.Actor) bool {
	return r != nil && a.Present() && string(r.Namespace) == a.Namespace && string(r.ServiceAccount) == a.ServiceAccount
}
