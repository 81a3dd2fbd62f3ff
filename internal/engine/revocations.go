// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"errors"
	"fmt"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// Revocations is a loaded revocation list. It does not change.
type Revocations struct {
	statement    bundle.Statement
	subjects     map[bundle.Person]*revoked
	sessions     map[bundle.Person]*revoked
	actors       map[authz.Actor]*revoked
	edges        map[edge]*revoked
	grants       map[bundle.Service]*revoked
	transactions map[string]*revoked
	tokenIDs     map[string]*revoked
	filter       filter
	size         int
}

// edge is one step of a chain, from the subject or from an actor.
type edge struct {
	subject  bundle.Person
	from, to authz.Actor
}

// revoked is the revocation that reaches furthest for one target.
type revoked struct {
	before int64 // 0: whatever the time of issue
	what   string
	source authz.ObjectRef
}

func (r *revoked) obstacle() obstacle {
	found := deny(authz.ReasonRevoked, "%s is revoked by %s", own(r.what), r.source)[0]
	found.revocation = &r.source
	return found
}

func (r *revoked) covers(at issue) bool {
	return r.before == 0 || !at.known || at.at < r.before
}

func (r *Revocations) empty() bool { return r.size == 0 }

// Statement under which the list may be served.
func (r *Revocations) Statement() bundle.Statement {
	if r == nil {
		return bundle.Statement{}
	}
	return r.statement
}

// LoadRevocations indexes a revocation list. An entry that names no target, or more than one, is an error.
func LoadRevocations(list *bundle.Revocations, s bundle.Statement) (*Revocations, error) {
	if list == nil || list.Format != bundle.Format {
		return nil, fmt.Errorf("loading revocations: not in format %d", bundle.Format)
	}
	r := &Revocations{
		statement:    s,
		subjects:     map[bundle.Person]*revoked{},
		sessions:     map[bundle.Person]*revoked{},
		actors:       map[authz.Actor]*revoked{},
		edges:        map[edge]*revoked{},
		grants:       map[bundle.Service]*revoked{},
		transactions: map[string]*revoked{},
		tokenIDs:     map[string]*revoked{},
		filter:       newFilter(len(list.Entries)),
		size:         len(list.Entries),
	}
	for i := range list.Entries {
		if err := r.add(&list.Entries[i]); err != nil {
			return nil, fmt.Errorf("loading revocations: entry %d, %s: %w", i, list.Entries[i].Source, err)
		}
	}
	return r, nil
}

var (
	errOneTarget = errors.New("exactly one target must be named, in full")
	errPast      = errors.New("issuedBefore lies before 1970")
)

func (r *Revocations) add(e *bundle.Revocation) error {
	if e.IssuedBefore < 0 {
		return errPast
	}
	if targets(e) != 1 {
		return errOneTarget
	}
	entry := &revoked{before: e.IssuedBefore, source: e.Source}
	switch {
	case e.Subject != nil:
		r.filter.add(subjectKind, hashOf(e.Subject.ID))
		return addPerson(r.subjects, *e.Subject, entry, "subject")
	case e.Session != nil:
		r.filter.add(sessionKind, hashOf(e.Session.ID))
		return addPerson(r.sessions, *e.Session, entry, "session")
	case e.Actor != nil:
		r.filter.add(actorKind, hashOfActor(&authz.Actor{Namespace: e.Actor.Namespace, ServiceAccount: e.Actor.Name}))
		return addActor(r.actors, *e.Actor, entry)
	case e.Edge != nil:
		return r.addEdge(*e.Edge, entry)
	case e.Grant != nil:
		entry.what = "grant " + e.Grant.Namespace + "/" + e.Grant.Name
		keep(r.grants, *e.Grant, entry)
	case e.Transaction != "":
		entry.what = "the transaction of the token"
		r.filter.add(transactionKind, hashOf(e.Transaction))
		keep(r.transactions, e.Transaction, entry)
	default:
		entry.what = "the token"
		r.filter.add(tokenKind, hashOf(e.Token))
		keep(r.tokenIDs, e.Token, entry)
	}
	return nil
}

func targets(e *bundle.Revocation) int {
	named := 0
	for _, is := range [...]bool{
		e.Subject != nil, e.Session != nil, e.Actor != nil, e.Edge != nil, e.Grant != nil, e.Transaction != "", e.Token != "",
	} {
		if is {
			named++
		}
	}
	return named
}

func addPerson(list map[bundle.Person]*revoked, p bundle.Person, entry *revoked, what string) error {
	if p.Issuer == "" || p.ID == "" {
		return errOneTarget
	}
	entry.what = what + " " + p.Issuer + ":" + p.ID
	keep(list, p, entry)
	return nil
}

func addActor(list map[authz.Actor]*revoked, s bundle.Service, entry *revoked) error {
	a := authz.Actor{Namespace: s.Namespace, ServiceAccount: s.Name}
	if !a.Present() {
		return errOneTarget
	}
	entry.what = "actor " + a.String()
	keep(list, a, entry)
	return nil
}

func (r *Revocations) addEdge(g bundle.GraphEdge, entry *revoked) error {
	e := edge{to: authz.Actor{Namespace: g.To.Namespace, ServiceAccount: g.To.Name}}
	switch {
	case !e.to.Present() || (g.Subject == nil) == (g.From == nil):
		return errOneTarget
	case g.Subject != nil:
		e.subject = *g.Subject
		entry.what = "the edge from subject " + g.Subject.Issuer + ":" + g.Subject.ID + " to " + e.to.String()
	default:
		e.from = authz.Actor{Namespace: g.From.Namespace, ServiceAccount: g.From.Name}
		entry.what = "the edge from " + e.from.String() + " to " + e.to.String()
	}
	if (e.subject.Issuer == "" || e.subject.ID == "") && !e.from.Present() {
		return errOneTarget
	}
	r.filter.add(edgeKind, e.hash())
	keep(r.edges, e, entry)
	return nil
}

func (e *edge) hash() hash {
	before := hashOf(e.subject.ID)
	if e.from.Present() {
		before = hashOfActor(&e.from)
	}
	return mix(before, hashOfActor(&e.to))
}

// keep merges by maximum: of two revocations of one target the one that reaches further stays, and of two that reach as
// far the one whose name comes first, so that order never matters.
func keep[K comparable](list map[K]*revoked, key K, entry *revoked) {
	if held := list[key]; held == nil || entry.outreaches(held) {
		list[key] = entry
	}
}

func (r *revoked) outreaches(other *revoked) bool {
	switch {
	case r.before == other.before:
		return cmp.Less(r.source.String(), other.source.String())
	case r.before == 0 || other.before == 0:
		return r.before == 0
	default:
		return r.before > other.before
	}
}
