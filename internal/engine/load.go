// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"unique"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/canonical"
)

// Policy is the policy bundle of one resource server, indexed. It does not change.
type Policy struct {
	statement   bundle.Statement
	source      authz.ObjectRef
	audience    string
	hosts       []string
	dryRunUntil int64
	maxStale    int64

	allNamespaces bool

	conditions []loadedCondition
	scopes     []scope
	scopeIndex table[string, int32] // one more than the number of the scope
	routes     routeTable
	people     *people
	accounts   accounts
	grants     map[grantKey][]loadedGrant
}

// scope is one scope with its entitlements.
type scope struct {
	name         string
	entitlements []entitlement
}

type entitlement struct {
	subjects   group
	conditions []int32
}

func (p *Policy) scopeNumber(name string) (int32, bool) {
	next := p.scopeIndex.find(hashOf(name), name)
	return next - 1, next != 0
}

// Statement under which the policy may be served.
func (p *Policy) Statement() bundle.Statement { return p.statement }

// loader turns one bundle into a Policy.
type loader struct {
	bundle   *bundle.Policy
	policy   *Policy
	registry registry
}

// intern gives the one copy of a name that all bundles share: they say the same names over and over.
func intern(name string) string { return unique.Make(name).Value() }

func internActor(a authz.Actor) authz.Actor {
	return authz.Actor{Namespace: intern(a.Namespace), ServiceAccount: intern(a.ServiceAccount)}
}

func internRef(r authz.ObjectRef) authz.ObjectRef {
	r.Kind, r.Namespace, r.Name = intern(r.Kind), intern(r.Namespace), intern(r.Name)
	return r
}

var (
	errFormat   = fmt.Errorf("not in format %d", bundle.Format)
	errAudience = errors.New("it has no audience")
	errTimes    = errors.New("dryRunUntil or maxStaleSeconds is negative")
	errHost     = errors.New("not a host name in lower case, without port and trailing dot")
	errScope    = errors.New("it is no scope of RFC 6749, or stands twice")
	errScopes   = fmt.Errorf("more than %d", bundle.MaxScopes)
	errIndex    = errors.New("an index points nowhere")
)

// LoadPolicy checks and indexes a policy bundle: every reference between its parts, its routes and its conditions. Nothing
// is passed over: what this build cannot serve wholly, it does not serve.
func LoadPolicy(b *bundle.Policy, s bundle.Statement) (*Policy, error) {
	if b == nil || b.Format != bundle.Format {
		return nil, fmt.Errorf("loading policy: %w", errFormat)
	}
	l := &loader{bundle: b, policy: &Policy{
		statement: s, source: b.ResourceServer, audience: b.Audience,
		dryRunUntil: b.DryRunUntil, maxStale: int64(b.MaxStaleSeconds),
		allNamespaces: b.AllNamespaces, people: new(people),
	}}
	l.registry.accounts = &l.policy.accounts
	// The order matters: what comes later points at what comes before.
	for _, step := range []func() error{
		l.loadHead, l.loadConditions, l.loadScopes, l.loadRoutes, l.loadRules, l.loadActors, l.loadNamespaces, l.loadGrants,
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("loading policy of %s: %w", b.ResourceServer, err)
		}
	}
	return l.policy, nil
}

func (l *loader) loadHead() error {
	if l.bundle.Audience == "" {
		return errAudience
	}
	if l.bundle.DryRunUntil < 0 || l.bundle.MaxStaleSeconds < 0 {
		return errTimes
	}
	for _, host := range l.bundle.Hosts {
		if name, ok := canonical.HostOf(host); !ok || name != host {
			return fmt.Errorf("host %q: %w", host, errHost)
		}
	}
	l.policy.hosts = l.bundle.Hosts
	return nil
}

func (l *loader) loadConditions() error {
	loaded, err := loadConditions(l.bundle.Conditions)
	l.policy.conditions = loaded
	return err
}

func (l *loader) loadScopes() error {
	if len(l.bundle.Scopes) > bundle.MaxScopes {
		return fmt.Errorf("%d scopes: %w", len(l.bundle.Scopes), errScopes)
	}
	l.policy.scopes = make([]scope, len(l.bundle.Scopes))
	for i := range l.bundle.Scopes {
		b := &l.bundle.Scopes[i]
		if _, twice := l.policy.scopeNumber(b.Name); twice || !isScope(b.Name) {
			return fmt.Errorf("scope %d, %q: %w", i, b.Name, errScope)
		}
		l.policy.scopeIndex.add(hashOf(b.Name), b.Name, int32(i)+1)
		entitlements, err := l.loadEntitlements(b.Entitlements)
		if err != nil {
			return fmt.Errorf("scope %q: %w", b.Name, err)
		}
		l.policy.scopes[i] = scope{name: b.Name, entitlements: entitlements}
	}
	return nil
}

func (l *loader) loadEntitlements(list []bundle.Entitlement) ([]entitlement, error) {
	loaded := make([]entitlement, len(list))
	for i := range list {
		conditions, err := l.conditionIndexes(list[i].Conditions)
		if err != nil {
			return nil, fmt.Errorf("entitlement %d: %w", i, err)
		}
		loaded[i] = entitlement{subjects: l.policy.people.groupOf([]bundle.SubjectSelector{list[i].Subjects}), conditions: conditions}
	}
	return loaded, nil
}

func (l *loader) conditionIndexes(list []int) ([]int32, error) {
	return indexes(list, len(l.policy.conditions))
}

func (l *loader) scopeIndexes(list []int) ([]int32, error) {
	return indexes(list, len(l.policy.scopes))
}

func (l *loader) scopeSet(list []int) (scopeSet, error) {
	numbers, err := l.scopeIndexes(list)
	if err != nil {
		return 0, err
	}
	var set scopeSet
	for _, n := range numbers {
		set = set.with(n)
	}
	return set, nil
}

func indexes(list []int, size int) ([]int32, error) {
	out := make([]int32, len(list))
	for i, n := range list {
		if n < 0 || n >= size {
			return nil, fmt.Errorf("%d of %d: %w", n, size, errIndex)
		}
		out[i] = int32(n) //nolint:gosec // below size
	}
	return out, nil
}
