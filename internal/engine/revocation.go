// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// revocation: no revocation covers the subject, session, any actor, any edge, the transaction or the token. Revocations
// of grants are looked at where a grant is used.
func revocation(j *judgement) *authz.Denial {
	r := j.snapshot.revocations
	if r == nil || r.empty() {
		return nil
	}
	for _, covers := range revocationTargets {
		if by := covers(r, j); by != nil {
			return by.denial()
		}
	}
	return nil
}

var revocationTargets = [...]func(*Revocations, *judgement) *revoked{
	(*Revocations).person, (*Revocations).services, (*Revocations).edgesOf, (*Revocations).tokens,
}

// issue is when the presented token was issued; a request that does not say counts as issued before anything.
type issue struct {
	at    int64
	known bool
}

func (j *judgement) issued() issue {
	if j.req.Token == nil || j.req.Token.IssuedAt.IsZero() {
		return issue{}
	}
	return issue{at: j.req.Token.IssuedAt.Unix(), known: true}
}

// actorIssued is the time by which actors and edges are judged: the earlier of the subject's token and the actor's own,
// so that a stolen actor token is not made good by a person who signs in after its revocation (THREATS 19).
func (j *judgement) actorIssued() issue {
	at := j.issued()
	if own := j.req.ActorIssuedAt; !own.IsZero() {
		at.at = min(at.at, own.Unix())
	}
	return at
}

// person looks for the subject and its session.
func (r *Revocations) person(j *judgement) *revoked {
	at := j.issued()
	s := &j.req.Subject
	if by := covering(r.subjects, bundle.Person{Issuer: s.Issuer, ID: s.ID}, at); by != nil {
		return by
	}
	if s.Session == "" {
		return nil
	}
	return covering(r.sessions, bundle.Person{Issuer: s.Issuer, ID: s.Session}, at)
}

// services looks for every actor of the chain.
func (r *Revocations) services(j *judgement) *revoked {
	if len(r.actors) == 0 {
		return nil
	}
	at := j.actorIssued()
	for _, a := range j.chain {
		if by := covering(r.actors, a, at); by != nil {
			return by
		}
	}
	return nil
}

// edgesOf looks for every step of the chain, the one from the subject to the first actor included.
func (r *Revocations) edgesOf(j *judgement) *revoked {
	if len(r.edges) == 0 {
		return nil
	}
	at, s := j.actorIssued(), &j.req.Subject
	from := edge{subject: bundle.Person{Issuer: s.Issuer, ID: s.ID}}
	for _, a := range j.chain {
		from.to = a
		if by := covering(r.edges, from, at); by != nil {
			return by
		}
		from = edge{from: a}
	}
	return nil
}

// tokens looks for the transaction and the token itself.
func (r *Revocations) tokens(j *judgement) *revoked {
	t := j.req.Token
	if t == nil {
		return nil
	}
	at := j.issued()
	if t.Transaction != "" {
		if by := covering(r.transactions, t.Transaction, at); by != nil {
			return by
		}
	}
	if t.ID == "" {
		return nil
	}
	return covering(r.tokenIDs, t.ID, at)
}
