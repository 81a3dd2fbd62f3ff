// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"
	"strings"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// people is every distinct subject selector of a policy, found by what a subject has: once for a request, whatever
// number of entitlements and rules ask.
type people struct {
	issuers map[string]*issuerPeople
	ids     map[string]int32
	size    int
}

// issuerPeople gives, for the subjects of one issuer, the selectors that each id, username and group is named in.
type issuerPeople struct {
	all       []int32
	users     map[string][]int32
	usernames map[string][]int32
	groups    map[string][]int32
}

// selection is the set of selectors that select one subject.
type selection struct{ words bits }

func newPeople() *people {
	return &people{issuers: map[string]*issuerPeople{}, ids: map[string]int32{}}
}

// intern gives the numbers of selectors, each distinct one having one.
func (p *people) intern(selectors []bundle.SubjectSelector) []int32 {
	numbers := make([]int32, 0, len(selectors))
	for i := range selectors {
		numbers = append(numbers, p.number(&selectors[i]))
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

func (p *people) number(s *bundle.SubjectSelector) int32 {
	key := selectorKey(s)
	if n, ok := p.ids[key]; ok {
		return n
	}
	n := int32(p.size) //nolint:gosec // a bundle holds far fewer
	p.ids[key] = n
	p.size++
	p.add(s, n)
	return n
}

func (p *people) add(s *bundle.SubjectSelector, n int32) {
	of := p.issuers[s.Issuer]
	if of == nil {
		of = &issuerPeople{users: map[string][]int32{}, usernames: map[string][]int32{}, groups: map[string][]int32{}}
		p.issuers[s.Issuer] = of
	}
	if s.All {
		of.all = append(of.all, n)
	}
	index(of.users, s.Users, n)
	index(of.usernames, s.Usernames, n)
	index(of.groups, s.Groups, n)
}

// index leaves out the empty name, which a subject that has none would match.
func index(by map[string][]int32, names []string, n int32) {
	for _, name := range names {
		if name != "" {
			by[name] = append(by[name], n)
		}
	}
}

// selectorKey is the same for selectors that select the same. Lengths stand before texts, so that no two others agree.
func selectorKey(s *bundle.SubjectSelector) string {
	var key strings.Builder
	fmt.Fprintf(&key, "%d:%s%t", len(s.Issuer), s.Issuer, s.All)
	for _, names := range [][]string{s.Users, s.Usernames, s.Groups} {
		sorted := slices.Sorted(slices.Values(names))
		fmt.Fprintf(&key, "|%d", len(sorted))
		for _, name := range sorted {
			fmt.Fprintf(&key, ",%d:%s", len(name), name)
		}
	}
	return key.String()
}

// selectFor finds every selector that selects the subject.
func (p *people) selectFor(s *authz.Subject, into *selection) {
	into.reset(p.size)
	of := p.issuers[s.Issuer]
	if of == nil {
		return
	}
	into.take(of.all)
	into.take(of.users[s.ID])
	into.take(of.usernames[s.Username])
	if len(of.groups) == 0 {
		return
	}
	for _, group := range s.Groups {
		into.take(of.groups[group])
	}
}

func (s *selection) reset(size int) {
	words := (size + 63) / 64
	if cap(s.words) < words {
		s.words = make(bits, words)
	}
	s.words = s.words[:words]
	clear(s.words)
}

func (s *selection) take(selectors []int32) {
	for _, n := range selectors {
		s.words.set(n)
	}
}

// any says whether one of the selectors selects the subject.
func (s *selection) any(selectors []int32) bool {
	return slices.ContainsFunc(selectors, s.words.has)
}
