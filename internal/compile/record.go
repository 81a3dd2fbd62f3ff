// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/internal/bundle"
)

// record is what a Compiler keeps of one object of ours.
type record struct {
	key Key
	// in is the object; nil once it is gone.
	in *input
	// reading counts the readings of the object.
	reading uint64
	// facts and selections are what the last reading looked at.
	facts      []fact
	selections []selection
	said

	// Of a resource server: the audience that it holds, the form in force there, its bundle and what declarations come to
	// in it. They outlast the reading.
	holds   *audience
	inForce *form
	bundle  *bundle.Policy
	reach   func() *reach
	// claimed is what was settled last.
	claimed *claimer

	// report and problems are what was said last, once something was reported.
	report   Report
	problems []Problem
	reported bool
}

func (r *record) name() types.NamespacedName {
	return types.NamespacedName{Namespace: r.key.Namespace, Name: r.key.Name}
}

// said is what an object says, once read: the one of them that fits its kind.
type said struct {
	server     *server
	policy     *policy
	delegation *delegation
	issuer     *issuer
	grant      *grant
	revocation *revocation
}

// audiences that the object names in other resource servers' stead.
func (s *said) audiences() []string {
	switch {
	case s.policy != nil:
		return s.policy.names()
	case s.delegation != nil:
		return s.delegation.audiences()
	case s.grant != nil:
		return []string{s.grant.audience}
	default:
		return nil
	}
}

// contributesAs says whether two readings of an object are the same to everybody else: whether they differ at most in what
// is wrong.
func (s *said) contributesAs(other *said) bool {
	switch {
	case s.policy != nil && other.policy != nil:
		return alike(s.policy, other.policy, func(p *policy) *findings { return &p.findings })
	case s.delegation != nil && other.delegation != nil:
		return alike(s.delegation, other.delegation, func(d *delegation) *findings { return &d.findings })
	case s.grant != nil && other.grant != nil:
		return alike(s.grant, other.grant, func(g *grant) *findings { return &g.findings })
	default:
		return false
	}
}

// audience is an audience that objects name or a resource server in force has.
type audience struct {
	name string
	// those that name it.
	policies, delegations, grants members
	// holder is the resource server in force that has it, nil where there is none.
	holder *record
}

// sort readies the members for being read.
func (a *audience) sort() {
	a.policies.sort()
	a.delegations.sort()
	a.grants.sort()
}

func (a *audience) unused() bool {
	return a.holder == nil && a.policies.empty() && a.delegations.empty() && a.grants.empty()
}

// of are the members of one of the kinds that name audiences.
func (a *audience) of(kind string) *members {
	switch kind {
	case KindDelegationPolicy:
		return &a.policies
	case KindServiceDelegation:
		return &a.delegations
	default:
		return &a.grants
	}
}

// members are records, each once, in the order of their names.
type members struct {
	sorted []*record
	// added are not in sorted yet.
	added []*record
}

func (m *members) empty() bool { return len(m.sorted)+len(m.added) == 0 }

// add takes a record that is none of the members.
func (m *members) add(r *record) { m.added = append(m.added, r) }

// remove takes a member out that was there when the members were sorted last.
func (m *members) remove(r *record) {
	if i, found := slices.BinarySearchFunc(m.sorted, r, compareRecords); found {
		m.sorted = slices.Delete(m.sorted, i, i+1)
	}
}

// few additions are put in their places one by one; after more, everything is sorted.
const few = 8

// sort puts what was added in its place.
func (m *members) sort() {
	if len(m.added) > few {
		m.sorted = append(m.sorted, m.added...)
		slices.SortFunc(m.sorted, compareRecords)
	} else {
		for _, r := range m.added {
			i, _ := slices.BinarySearchFunc(m.sorted, r, compareRecords)
			m.sorted = slices.Insert(m.sorted, i, r)
		}
	}
	m.added = nil
}

func compareRecords(a, b *record) int {
	if c := strings.Compare(a.key.Namespace, b.key.Namespace); c != 0 {
		return c
	}
	return strings.Compare(a.key.Name, b.key.Name)
}
