// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// rule is one DelegationPolicy as far as it concerns the audience.
type rule struct {
	// What every request that comes here looks at stands together.
	subjects         group
	conditions       []int32
	maxTokenLifetime time.Duration
	maxSubjectAge    time.Duration
	dryRunUntil      int64
	maxDepth         int
	grant            *grantWant
	disclose         []string

	// is the policy, as the list of one that decisions name which rest on this rule only. Nobody may change it.
	is     [1]authz.ObjectRef
	number int
}

func (r *rule) source() authz.ObjectRef { return r.is[0] }

func (r *rule) alone() []authz.ObjectRef { return r.is[:] }

// grantWant is what a rule asks of a grant.
type grantWant struct {
	bindResource, bindSession, bindArguments bool
	maxLifetime                              int64
	groups, usernames                        map[string]bool
}

// ruleSet is the rules for one scope that one selector of actors leads to, in the order of their policies' names.
type ruleSet struct {
	forbids, permits []*rule
	// beside is where a few rules lie, so that whoever reads the set has them at hand.
	beside [2]*rule
}

func newRuleSet(forbids, permits []*rule) *ruleSet {
	s := &ruleSet{forbids: slices.Clip(forbids), permits: slices.Clip(permits)}
	if len(forbids)+len(permits) > len(s.beside) {
		return s
	}
	n := copy(s.beside[:], forbids)
	copy(s.beside[n:], permits)
	s.forbids, s.permits = s.beside[:n:n], s.beside[n:n+len(permits):n+len(permits)]
	return s
}

// rulesFor appends the rules for a scope: those that name the account, and those that take its whole namespace.
func (a *account) rulesFor(scope int32, to []*ruleSet) []*ruleSet {
	if named := a.rules.of(scope); named != nil {
		to = append(to, named)
	}
	if a.shared == nil {
		return to
	}
	if shared := a.shared.of(scope); shared != nil {
		to = append(to, shared)
	}
	return to
}

var (
	errEffect   = errors.New("effect is neither Permit nor Forbid")
	errLimits   = errors.New("limits are out of range")
	errSelector = errors.New("an actor selector has no namespace")
)

// loadRules takes the rules in the order of their policies' names, so that the order in the bundle never matters.
func (l *loader) loadRules() error {
	ordered := slices.Clone(l.bundle.Rules)
	slices.SortStableFunc(ordered, func(a, b bundle.Rule) int { return cmp.Compare(a.Policy.Name, b.Policy.Name) })
	var x ruleIndex
	for i := range ordered {
		if err := l.loadRule(&x, &ordered[i], i); err != nil {
			return fmt.Errorf("rule of %s: %w", ordered[i].Policy, err)
		}
	}
	x.close()
	return nil
}

func (l *loader) loadRule(x *ruleIndex, b *bundle.Rule, number int) error {
	conditions, err := l.conditionIndexes(b.Conditions)
	if err != nil {
		return err
	}
	scopes, err := l.scopeSet(b.Scopes)
	if err != nil {
		return err
	}
	if b.Effect != bundle.Permit && b.Effect != bundle.Forbid {
		return errEffect
	}
	if err := checkLimits(b); err != nil {
		return err
	}
	placed := placedRule{scopes: scopes, forbids: b.Effect == bundle.Forbid, rule: &rule{
		is: [1]authz.ObjectRef{internRef(b.Policy)}, number: number, dryRunUntil: b.DryRunUntil,
		subjects: l.policy.people.groupOf(b.Subjects), conditions: conditions,
		disclose:         slices.Compact(slices.Sorted(slices.Values(b.Disclose))),
		maxTokenLifetime: time.Duration(b.Limits.MaxTokenLifetimeSeconds) * time.Second,
		maxSubjectAge:    time.Duration(b.Limits.MaxSubjectAgeSeconds) * time.Second,
		maxDepth:         int(b.Limits.MaxChainDepth),
		grant:            loadWant(b.Grant),
	}}
	return l.place(x, b.Actors, placed)
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

// place puts a rule where each of its selectors leads. Where it takes a whole namespace, it is not found a second time by a
// service account of that namespace.
func (l *loader) place(x *ruleIndex, actors []bundle.ActorSelector, r placedRule) error {
	whole := map[string]bool{}
	for _, s := range actors {
		if s.Namespace == "" {
			return errSelector
		}
		if s.ServiceAccount == "" && !whole[s.Namespace] {
			whole[s.Namespace] = true
			x.put(&l.registry.servicesOf(s.Namespace).rules, r)
		}
	}
	named := map[authz.Actor]bool{}
	for _, s := range actors {
		a := authz.Actor{Namespace: s.Namespace, ServiceAccount: s.ServiceAccount}
		if a.Present() && !whole[s.Namespace] && !named[a] {
			named[a] = true
			x.put(&l.registry.account(a).rules, r)
		}
	}
	return nil
}

// placedRule is a rule with the scopes that it is about.
type placedRule struct {
	*rule

	scopes  scopeSet
	forbids bool
}

// ruleIndex gathers, while a bundle is loaded, which rules lead where. Places that have the same rules share them.
type ruleIndex struct {
	places map[*perScope[ruleSet]][]placedRule
	sets   map[string]*ruleSet
}

func (x *ruleIndex) put(place *perScope[ruleSet], r placedRule) {
	if x.places == nil {
		x.places, x.sets = map[*perScope[ruleSet]][]placedRule{}, map[string]*ruleSet{}
	}
	x.places[place] = append(x.places[place], r)
}

// close gives every place its rules by scope.
func (x *ruleIndex) close() {
	for place, rules := range x.places {
		var scopes scopeSet
		for _, r := range rules {
			scopes |= r.scopes
		}
		values := make([]*ruleSet, 0, scopes.size())
		scopes.each(func(scope int32) { values = append(values, x.set(rules, scope)) })
		*place = newPerScope(scopes, values)
	}
}

// set is the one set of those rules that are about a scope.
func (x *ruleIndex) set(rules []placedRule, scope int32) *ruleSet {
	var forbids, permits []*rule
	var key []byte
	for _, r := range rules {
		if !r.scopes.has(scope) {
			continue
		}
		key = binary.AppendUvarint(key, uint64(r.number)) //nolint:gosec // an index
		if r.forbids {
			forbids = append(forbids, r.rule)
		} else {
			permits = append(permits, r.rule)
		}
	}
	if x.sets[string(key)] == nil {
		x.sets[string(key)] = newRuleSet(forbids, permits)
	}
	return x.sets[string(key)]
}
