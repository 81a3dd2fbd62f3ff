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

// accounts finds service accounts, by namespace and then by name: whoever declares something, is named by a rule, or is a
// step of a chain.
type accounts map[string]*namespace

// namespace is what the bundle says about all service accounts of a namespace, and about each.
type namespace struct {
	// mayCome says that the resource server lets its services come.
	mayCome  bool
	rules    perScope[ruleSet]
	accounts map[string]*account
}

// account is what the bundle says about one service account.
type account struct {
	// rules that name the account.
	rules perScope[ruleSet]
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

// nobody and nowhere stand for what the bundle does not know.
var (
	nobody  account
	nowhere namespace
)

// of gives what is known of an actor, never nil.
func (x accounts) of(a *authz.Actor) (*namespace, *account) {
	ns := x[a.Namespace]
	if ns == nil {
		return &nowhere, &nobody
	}
	if found := ns.accounts[a.ServiceAccount]; found != nil {
		return ns, found
	}
	return ns, &nobody
}

var (
	errActor      = errors.New("namespace or service account is missing")
	errActorTwice = errors.New("it stands twice")
)

// registry makes accounts while a bundle is loaded.
type registry struct {
	accounts accounts
	last     int32
}

func (r *registry) namespace(name string) *namespace {
	if r.accounts[name] == nil {
		r.accounts[name] = &namespace{accounts: map[string]*account{}}
	}
	return r.accounts[name]
}

func (r *registry) account(a authz.Actor) *account {
	ns := r.namespace(a.Namespace)
	if ns.accounts[a.ServiceAccount] == nil {
		r.last++
		ns.accounts[a.ServiceAccount] = &account{number: r.last}
	}
	return ns.accounts[a.ServiceAccount]
}

func (l *loader) loadActors() error {
	for _, name := range l.bundle.AllowedNamespaces {
		l.registry.namespace(intern(name)).mayCome = true
	}
	seen := make(map[authz.Actor]bool, len(l.bundle.Actors))
	for i := range l.bundle.Actors {
		b := &l.bundle.Actors[i]
		a := authz.Actor{Namespace: intern(b.Namespace), ServiceAccount: intern(b.ServiceAccount)}
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
	source := internRef(d.Source)
	if err := l.note(own, d.Scopes, source); err != nil {
		return err
	}
	for _, e := range d.Onward {
		to := authz.Actor{Namespace: intern(e.Namespace), ServiceAccount: intern(e.ServiceAccount)}
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

func (l *loader) note(into *declaring, scopes []int, source authz.ObjectRef) error {
	set, err := l.scopeSet(scopes)
	if err != nil {
		return err
	}
	set.each(func(scope int32) { into[scope] = append(into[scope], source) })
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
