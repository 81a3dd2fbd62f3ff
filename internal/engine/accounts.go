// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// accounts finds service accounts: whoever declares something, is named by a rule, or is a step of a chain; and for the
// others of a namespace, what the bundle says of its services at large.
type accounts struct {
	named   table[authz.Actor, *account]
	atLarge table[string, *account]
}

// account is what the bundle says about one service account.
type account struct {
	// mayCome says that the resource server lets services of its namespace come.
	mayCome bool
	// rules that name the account, and shared those that take its whole namespace; nil where none do.
	rules  perScope[ruleSet]
	shared *perScope[ruleSet]
	// declares are the scopes that it uses itself, passesOn those that it declares for any next actor.
	declares perScope[authz.Declaration]
	passesOn scopeSet
	// onward are the next actors, in the order of their numbers.
	onward []onward
	number int32
}

// onward is one next actor, with the scopes that may be used in a chain through it.
type onward struct {
	to     int32
	scopes perScope[authz.Declaration]
}

// to gives the step to a next actor; nil where none is declared.
func (a *account) to(next *account) *onward {
	i, ok := slices.BinarySearchFunc(a.onward, next.number, func(o onward, number int32) int { return cmp.Compare(o.to, number) })
	if !ok {
		return nil
	}
	return &a.onward[i]
}

var (
	// nobody stands for what the bundle does not know, and somebody for services of which it knows but that they may come.
	nobody   account
	somebody = account{mayCome: true}
)

// of gives what is known of an actor, never nil, for a hash that is the actor's.
func (x *accounts) of(a *authz.Actor, h hash) *account {
	if found := x.named.find(h, *a); found != nil {
		return found
	}
	if found := x.atLarge.find(hashOf(a.Namespace), a.Namespace); found != nil {
		return found
	}
	return &nobody
}

var (
	errActor      = errors.New("namespace or service account is missing")
	errActorTwice = errors.New("it stands twice")
)

// registry makes accounts while a bundle is loaded.
type registry struct {
	*accounts

	last int32
}

func (r *registry) servicesOf(namespace string) *account {
	h := hashOf(namespace)
	found := r.atLarge.find(h, namespace)
	if found == nil {
		found = new(account)
		r.atLarge.add(h, intern(namespace), found)
	}
	return found
}

func (r *registry) account(a authz.Actor) *account {
	h := hashOfActor(&a)
	found := r.named.find(h, a)
	if found == nil {
		r.last++
		found = &account{number: r.last}
		r.named.add(h, internActor(a), found)
	}
	return found
}

// loadNamespaces says which namespaces may come, and gives every account that is known by its name what its whole namespace
// has.
func (l *loader) loadNamespaces() error {
	for _, name := range l.bundle.AllowedNamespaces {
		h := hashOf(name)
		if known := l.registry.atLarge.find(h, name); known == nil {
			l.registry.atLarge.add(h, intern(name), &somebody)
		} else if known != &somebody {
			known.mayCome = true
		}
	}
	for _, known := range l.registry.named.entries {
		at := l.registry.atLarge.find(hashOf(known.key.Namespace), known.key.Namespace)
		if at == nil {
			continue
		}
		known.value.mayCome = at.mayCome
		if at.rules.scopes != 0 {
			known.value.shared = &at.rules
		}
	}
	return nil
}

func (l *loader) loadActors() error {
	seen := make(map[authz.Actor]bool, len(l.bundle.Actors))
	for i := range l.bundle.Actors {
		b := &l.bundle.Actors[i]
		a := internActor(authz.Actor{Namespace: b.Namespace, ServiceAccount: b.ServiceAccount})
		switch {
		case !a.Present():
			return fmt.Errorf("actor %s: %w", a, errActor)
		case seen[a]:
			return fmt.Errorf("actor %s: %w", a, errActorTwice)
		}
		seen[a] = true
		if err := l.loadActor(a, b.Declarations); err != nil {
			return fmt.Errorf("actor %s: %w", a, err)
		}
	}
	return nil
}

// declaring gathers who declares which scopes.
type declaring [bundle.MaxScopes][]authz.ObjectRef

func (l *loader) loadActor(a authz.Actor, declarations []bundle.Declaration) error {
	var own declaring
	steps := map[authz.Actor]*declaring{}
	for i := range declarations {
		if err := l.declare(&own, steps, &declarations[i]); err != nil {
			return fmt.Errorf("%s: %w", declarations[i].Source, err)
		}
	}
	entry := l.registry.account(a)
	entry.declares = own.by(a)
	for to, scopes := range steps {
		step := onward{to: l.registry.account(to).number, scopes: scopes.by(a)}
		entry.onward = append(entry.onward, step)
		entry.passesOn |= step.scopes.scopes
	}
	slices.SortFunc(entry.onward, func(a, b onward) int { return cmp.Compare(a.to, b.to) })
	entry.onward = slices.Clip(entry.onward)
	return nil
}

func (l *loader) declare(own *declaring, steps map[authz.Actor]*declaring, d *bundle.Declaration) error {
	source := []authz.ObjectRef{internRef(d.Source)}
	if err := l.note(own, d.Scopes, source); err != nil {
		return err
	}
	for _, e := range d.Onward {
		to := authz.Actor{Namespace: e.Namespace, ServiceAccount: e.ServiceAccount}
		if !to.Present() {
			return fmt.Errorf("onward to %s: %w", to, errActor)
		}
		if steps[to] == nil {
			steps[to] = new(declaring)
		}
		if err := l.note(steps[to], e.Scopes, source); err != nil {
			return fmt.Errorf("onward to %s: %w", to, err)
		}
	}
	return nil
}

// note takes a list of one, which is shared by all scopes that nobody else declares.
func (l *loader) note(into *declaring, scopes []int, source []authz.ObjectRef) error {
	set, err := l.scopeSet(scopes)
	if err != nil {
		return err
	}
	set.each(func(scope int32) {
		if into[scope] == nil {
			into[scope] = source
			return
		}
		into[scope] = append(into[scope], source...)
	})
	return nil
}

// by joins the scopes that the same objects declare.
func (d *declaring) by(a authz.Actor) perScope[authz.Declaration] {
	var scopes scopeSet
	var values, distinct []*authz.Declaration
	for scope, sources := range d {
		if len(sources) == 0 {
			continue
		}
		scopes = scopes.with(int32(scope))
		at := slices.IndexFunc(distinct, func(known *authz.Declaration) bool { return slices.Equal(known.Sources, sources) })
		if at < 0 {
			at = len(distinct)
			distinct = append(distinct, &authz.Declaration{Actor: a, Sources: slices.Clip(sources)})
		}
		values = append(values, distinct[at])
	}
	return newPerScope(scopes, values)
}
