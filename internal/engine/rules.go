// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// rule is one DelegationPolicy as far as it concerns the audience.
type rule struct {
	source authz.ObjectRef
	// alone is source as a list, for decisions that rest on this rule only. Nobody may change it.
	alone            []authz.ObjectRef
	dryRunUntil      int64
	subjects         []int32
	conditions       []int32
	maxTokenLifetime time.Duration
	maxSubjectAge    time.Duration
	maxDepth         int
	grant            *grantWant
}

// grantWant is what a rule asks of a grant.
type grantWant struct {
	bindResource, bindSession, bindArguments bool
	maxLifetime                              int64
	groups, usernames                        map[string]bool
}

func (r *rule) inDryRun(now time.Time) bool { return now.Unix() < r.dryRunUntil }

// ruleList is the rules that some selector of actors leads to, by scope, in order of scope.
type ruleList []scopeRules

type scopeRules struct {
	scope            int32
	forbids, permits []*rule
}

// of gives the rules for one scope.
func (l ruleList) of(scope int32) *scopeRules {
	i, ok := slices.BinarySearchFunc(l, scope, func(s scopeRules, scope int32) int { return cmp.Compare(s.scope, scope) })
	if !ok {
		return &noRules
	}
	return &l[i]
}

var noRules scopeRules

// ruleIndex finds rules by whom they select.
type ruleIndex struct {
	services   map[authz.Actor]ruleList
	namespaces map[string]ruleList
}

var (
	errEffect   = errors.New("effect is neither Permit nor Forbid")
	errLimits   = errors.New("limits are out of range")
	errSelector = errors.New("an actor selector has no namespace")
)

// loadRules indexes the rules in the order of their policies' names, so that the order in the bundle never matters.
func (l *loader) loadRules() error {
	ordered := slices.Clone(l.bundle.Rules)
	slices.SortStableFunc(ordered, func(a, b bundle.Rule) int { return cmp.Compare(a.Policy.Name, b.Policy.Name) })
	l.rules = ruleIndex{services: map[authz.Actor]ruleList{}, namespaces: map[string]ruleList{}}
	for i := range ordered {
		if err := l.loadRule(&ordered[i]); err != nil {
			return fmt.Errorf("rule of %s: %w", ordered[i].Policy, err)
		}
	}
	return nil
}

func (l *loader) loadRule(b *bundle.Rule) error {
	conditions, err := l.conditionIndexes(b.Conditions)
	if err != nil {
		return err
	}
	scopes, err := l.scopeIndexes(b.Scopes)
	if err != nil {
		return err
	}
	if b.Effect != bundle.Permit && b.Effect != bundle.Forbid {
		return errEffect
	}
	if err := checkLimits(b); err != nil {
		return err
	}
	return l.rules.add(b, scopes, &rule{
		source: b.Policy, alone: []authz.ObjectRef{b.Policy}, dryRunUntil: b.DryRunUntil,
		subjects: l.policy.people.intern(b.Subjects), conditions: conditions,
		maxTokenLifetime: time.Duration(b.Limits.MaxTokenLifetimeSeconds) * time.Second,
		maxSubjectAge:    time.Duration(b.Limits.MaxSubjectAgeSeconds) * time.Second,
		maxDepth:         int(b.Limits.MaxChainDepth),
		grant:            loadWant(b.Grant),
	})
}

// checkLimits holds a Permit to limits that can be kept, and a dry run to rules that forbid.
func checkLimits(b *bundle.Rule) error {
	limits := b.Limits
	switch {
	case limits.MaxTokenLifetimeSeconds < 0 || limits.MaxSubjectAgeSeconds < 0 || b.DryRunUntil < 0:
		return errLimits
	case b.Effect == bundle.Permit && (limits.MaxChainDepth < 1 || limits.MaxChainDepth > authz.MaxChainDepth):
		return fmt.Errorf("%w: a Permit's maxChainDepth is %d", errLimits, limits.MaxChainDepth)
	case b.Effect == bundle.Permit && b.DryRunUntil != 0:
		return fmt.Errorf("%w: a Permit has no dry run", errLimits)
	case b.Grant != nil && b.Grant.MaxLifetimeSeconds < 1:
		return fmt.Errorf("%w: a grant's maxLifetimeSeconds is %d", errLimits, b.Grant.MaxLifetimeSeconds)
	default:
		return nil
	}
}

func loadWant(g *bundle.RequireGrant) *grantWant {
	if g == nil {
		return nil
	}
	return &grantWant{
		bindResource: g.BindResource, bindSession: g.BindSession, bindArguments: g.BindArguments,
		maxLifetime: int64(g.MaxLifetimeSeconds),
		groups:      setOf(g.ApproverGroups), usernames: setOf(g.ApproverUsernames),
	}
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// add puts a rule where each of its selectors leads. Where it takes a whole namespace, it is not found a second time by a
// service account of that namespace.
func (x *ruleIndex) add(b *bundle.Rule, scopes []int32, r *rule) error {
	whole := map[string]bool{}
	for _, s := range b.Actors {
		if s.Namespace == "" {
			return errSelector
		}
		if s.ServiceAccount == "" && !whole[s.Namespace] {
			whole[s.Namespace] = true
			x.namespaces[s.Namespace] = x.namespaces[s.Namespace].with(scopes, b.Effect, r)
		}
	}
	named := map[authz.Actor]bool{}
	for _, s := range b.Actors {
		a := authz.Actor{Namespace: s.Namespace, ServiceAccount: s.ServiceAccount}
		if a.Present() && !whole[s.Namespace] && !named[a] {
			named[a] = true
			x.services[a] = x.services[a].with(scopes, b.Effect, r)
		}
	}
	return nil
}

func (l ruleList) with(scopes []int32, effect bundle.Effect, r *rule) ruleList {
	for _, scope := range scopes {
		i, ok := slices.BinarySearchFunc(l, scope, func(s scopeRules, scope int32) int { return cmp.Compare(s.scope, scope) })
		if !ok {
			l = slices.Insert(l, i, scopeRules{scope: scope})
		}
		if effect == bundle.Forbid {
			l[i].forbids = append(l[i].forbids, r)
		} else {
			l[i].permits = append(l[i].permits, r)
		}
	}
	return l
}
