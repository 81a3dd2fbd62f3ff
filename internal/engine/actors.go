// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// actorEntry is all that the bundle says about one actor.
type actorEntry struct {
	// declares are the scopes that it uses itself, passesOn those that it declares for any next actor.
	declares, passesOn bits
	onward             map[authz.Actor]bits
	// rules that name this actor, and those that take its whole namespace.
	rules [2]ruleList
}

var (
	errActor      = errors.New("namespace or service account is missing")
	errActorTwice = errors.New("it stands twice")
)

func (l *loader) loadActors() error {
	l.policy.actors = make(map[authz.Actor]*actorEntry, len(l.bundle.Actors))
	for i := range l.bundle.Actors {
		b := &l.bundle.Actors[i]
		a := authz.Actor{Namespace: b.Namespace, ServiceAccount: b.ServiceAccount}
		if err := l.loadActor(a, b.Declarations); err != nil {
			return fmt.Errorf("actor %s: %w", a, err)
		}
	}
	return nil
}

func (l *loader) loadActor(a authz.Actor, declarations []bundle.Declaration) error {
	if !a.Present() {
		return errActor
	}
	if l.policy.actors[a] != nil {
		return errActorTwice
	}
	entry := &actorEntry{declares: newBits(len(l.policy.scopes)), passesOn: newBits(len(l.policy.scopes))}
	for i := range declarations {
		if err := l.declare(entry, &declarations[i]); err != nil {
			return fmt.Errorf("%s: %w", declarations[i].Source, err)
		}
	}
	entry.rules = [2]ruleList{l.rules.services[a], l.rules.namespaces[a.Namespace]}
	l.policy.actors[a] = entry
	return nil
}

func (l *loader) declare(entry *actorEntry, d *bundle.Declaration) error {
	scopes, err := l.scopeBits(d.Scopes)
	if err != nil {
		return err
	}
	entry.declares.add(scopes)
	for _, e := range d.Onward {
		if err := l.pass(entry, e); err != nil {
			return fmt.Errorf("onward to %s/%s: %w", e.Namespace, e.ServiceAccount, err)
		}
	}
	return nil
}

func (l *loader) pass(entry *actorEntry, e bundle.Edge) error {
	to := authz.Actor{Namespace: e.Namespace, ServiceAccount: e.ServiceAccount}
	if !to.Present() {
		return errActor
	}
	scopes, err := l.scopeBits(e.Scopes)
	if err != nil {
		return err
	}
	entry.passesOn.add(scopes)
	if held := entry.onward[to]; held != nil {
		held.add(scopes)
		return nil
	}
	if entry.onward == nil {
		entry.onward = map[authz.Actor]bits{}
	}
	entry.onward[to] = scopes
	return nil
}
