// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"behalf.dev/behalf/internal/bundle"
)

// revocation: no revocation covers the subject, session, any actor, any edge, the transaction or the token. Revocations
// of grants are looked at where a grant is used.
func revocation(j *judgement) obstacles {
	r := j.snapshot.revocations
	if r == nil || r.empty() {
		return nil
	}
	search := revocationSearch{Revocations: r, judgement: j}
	search.person()
	search.chain()
	search.presented()
	return search.found
}

// revocationSearch looks for everything that covers one request.
type revocationSearch struct {
	*Revocations
	*judgement

	found obstacles
}

func (s *revocationSearch) note(by *revoked, at issue) {
	if by != nil && by.covers(at) {
		s.found = append(s.found, by.obstacle())
	}
}

// person looks for the subject and its session.
func (s *revocationSearch) person() {
	subject := &s.req.Subject
	if s.filter.mayHave(subjectKind, s.subjectHash) {
		s.note(s.subjects[bundle.Person{Issuer: subject.Issuer, ID: subject.ID}], s.issued())
	}
	if subject.Session != "" && s.filter.mayHave(sessionKind, hashOf(subject.Session)) {
		s.note(s.sessions[bundle.Person{Issuer: subject.Issuer, ID: subject.Session}], s.issued())
	}
}

// chain looks for every actor and every step, the one from the subject to the first actor included.
func (s *revocationSearch) chain() {
	if len(s.actors)+len(s.edges) == 0 {
		return
	}
	subject := &s.req.Subject
	step := edge{subject: bundle.Person{Issuer: subject.Issuer, ID: subject.ID}}
	before := s.subjectHash
	for i := range s.depth() {
		step.to = *s.at(i)
		to := s.hashAt(i)
		if s.filter.mayHave(actorKind, to) {
			s.note(s.actors[step.to], s.actorIssued())
		}
		if s.filter.mayHave(edgeKind, mix(before, to)) {
			s.note(s.edges[step], s.actorIssued())
		}
		before, step = to, edge{from: step.to}
	}
}

// presented looks for the transaction and the token itself.
func (s *revocationSearch) presented() {
	t := s.req.Token
	if t == nil {
		return
	}
	if t.Transaction != "" && s.filter.mayHave(transactionKind, hashOf(t.Transaction)) {
		s.note(s.transactions[t.Transaction], s.issued())
	}
	if t.ID != "" && s.filter.mayHave(tokenKind, hashOf(t.ID)) {
		s.note(s.tokenIDs[t.ID], s.issued())
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
