// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"strings"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// service is what a service account token says.
type service struct {
	times

	actor     authz.Actor
	audiences []string
}

// Actor verifies a projected service account token (KEP-1205) of this cluster that was made for the given audience and
// for no other, and says when it was issued. The error is an *Invalid.
func (t *Trust) Actor(raw, audience string, now time.Time) (authz.Actor, time.Time, error) {
	if t == nil {
		return authz.Actor{}, time.Time{}, nothingHeld()
	}
	s, bad := remember(t.seen, forActors, raw, t.readActor)
	if bad == nil {
		bad = s.check(now)
	}
	if bad == nil && (audience == "" || len(s.audiences) != 1 || s.audiences[0] != audience) {
		bad = invalid("is not for the audience %q alone", audience)
	}
	if bad != nil {
		return authz.Actor{}, time.Time{}, bad
	}
	return s.actor, s.issuedAt, nil
}

func (t *Trust) readActor(raw string) (*service, *Invalid) {
	j, bad := read(raw)
	if bad != nil {
		return nil, bad
	}
	url, bad := j.claims.text("iss")
	if bad != nil {
		return nil, bad
	}
	if t.cluster == nil || url != t.cluster.URL {
		return nil, invalid("is not from this cluster's service account issuer")
	}
	if bad := j.verify(t.cluster); bad != nil {
		return nil, bad
	}
	if !j.is("jwt") {
		return nil, invalid("is of a type (typ) that no service account token has")
	}
	return t.mapService(j.claims)
}

func (t *Trust) mapService(c claims) (*service, *Invalid) {
	when, bad := c.times()
	if bad != nil {
		return nil, bad
	}
	if when.issuedAt.IsZero() { // the API server always says; a revocation of what was issued before must see it
		return nil, invalid("does not say when it was issued (iat)")
	}
	s := &service{times: when}
	if s.audiences, bad = c.texts("aud"); bad != nil {
		return nil, bad
	}
	if s.actor, bad = t.mapActor(c); bad != nil {
		return nil, bad
	}
	return s, nil
}

// mapActor takes the service account from 'sub' and holds every other claim that names it against that, and its UID against
// the pinned one: a service account made anew under an old name is another, and one that was deleted is none. One that no
// ServiceDelegation speaks of has no pin; nothing is declared for it either.
func (t *Trust) mapActor(c claims) (authz.Actor, *Invalid) {
	bound, bad := c.bound()
	if bad != nil {
		return authz.Actor{}, bad
	}
	subject, bad := c.subject()
	if bad != nil {
		return authz.Actor{}, bad
	}
	if named, ok := authz.ActorOf(subject); !ok || named != bound.actor {
		return authz.Actor{}, mismatch("names one service account in sub and another in kubernetes.io")
	}
	if pinned, ok := t.pins[bound.actor]; ok && (pinned == "" || pinned != bound.uid) {
		return authz.Actor{}, mismatch("is of a former service account " + bound.actor.String() + ": it does not exist any more, or another one under its name")
	}
	return bound.actor, nil
}

func mismatch(detail string) *Invalid {
	return &Invalid{Reason: authz.ReasonActorMismatch, Detail: detail}
}

// binding is what the claim kubernetes.io says about the service account.
type binding struct {
	actor authz.Actor
	uid   string
}

func (c claims) bound() (binding, *Invalid) {
	kubernetes, ok := c["kubernetes.io"].(map[string]any)
	if !ok {
		return binding{}, invalid("has no claim kubernetes.io: it is not a bound service account token")
	}
	account, ok := kubernetes["serviceaccount"].(map[string]any)
	if !ok {
		return binding{}, invalid("names no service account in kubernetes.io")
	}
	var b binding
	var bad *Invalid
	if b.actor.Namespace, bad = claims(kubernetes).text("namespace"); bad != nil {
		return b, bad
	}
	if b.actor.ServiceAccount, bad = claims(account).text("name"); bad != nil {
		return b, bad
	}
	if strings.ContainsAny(b.actor.Namespace+b.actor.ServiceAccount, ":/") {
		return b, invalid("names a service account that cannot exist")
	}
	b.uid, bad = claims(account).text("uid")
	return b, bad
}
