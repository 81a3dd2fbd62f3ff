// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// revocation: no revocation covers the subject, session, any actor, any edge, the transaction or the token. Revocations
// of grants are looked at where a grant is used.
func revocation(j *judgement) obstacles {
	r := j.snapshot.revocations
	if r == nil || r.empty() {
		return nil
	}
	search := revocationSearch{Revocations: r, request: j.req, token: j.issued(), actors: j.actorIssued()}
	search.person()
	for i := range j.depth() {
		search.actor(j.at(i))
	}
	search.edgesOf(j)
	search.presented()
	return search.found
}

// revocationSearch looks for everything that covers one request.
type revocationSearch struct {
	*Revocations

	request *authz.Request
	// token and actors are the times by which they are judged.
	token, actors issue
	found         obstacles
}

func (s *revocationSearch) note(by *revoked) {
	if by != nil {
		s.found = append(s.found, by.obstacle())
	}
}

// person looks for the subject and its session.
func (s *revocationSearch) person() {
	subject := &s.request.Subject
	s.note(covering(s.subjects, bundle.Person{Issuer: subject.Issuer, ID: subject.ID}, s.token))
	if subject.Session != "" {
		s.note(covering(s.sessions, bundle.Person{Issuer: subject.Issuer, ID: subject.Session}, s.token))
	}
}

func (s *revocationSearch) actor(a *authz.Actor) {
	s.note(covering(s.Revocations.actors, *a, s.actors))
}

// edgesOf looks for every step of the chain, the one from the subject to the first actor included.
func (s *revocationSearch) edgesOf(j *judgement) {
	if len(s.edges) == 0 {
		return
	}
	subject := &s.request.Subject
	from := edge{subject: bundle.Person{Issuer: subject.Issuer, ID: subject.ID}}
	for i := range j.depth() {
		from.to = *j.at(i)
		s.note(covering(s.edges, from, s.actors))
		from = edge{from: from.to}
	}
}

// presented looks for the transaction and the token itself.
func (s *revocationSearch) presented() {
	t := s.request.Token
	if t == nil {
		return
	}
	if t.Transaction != "" {
		s.note(covering(s.transactions, t.Transaction, s.token))
	}
	if t.ID != "" {
		s.note(covering(s.tokenIDs, t.ID, s.token))
	}
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
