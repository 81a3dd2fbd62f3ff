// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// people gives a mark to every name by which a policy selects subjects: an issuer's people, an id, a user name or a group
// of it. A subject is looked up once for a request and then carries its marks; whoever selects by one of them selects it.
type people struct {
	issuers table[string, *issuerPeople]
	marks   mark
}

// mark is the number of one name of one issuer.
type mark = int32

// issuerPeople are the marks of one issuer's names.
type issuerPeople struct {
	everybody mark // 0 where nothing selects everybody
	users     table[string, mark]
	usernames table[string, mark]
	groups    table[string, mark]
}

// group is a set of people: whoever carries one of its marks. The zero value is nobody.
type group struct {
	// hint has a bit for each mark, and tells most strangers apart at once.
	hint uint64
	// few are the marks of a small group, the last repeated, so that they lie beside the rule that asks; many, sorted, those of
	// a larger one.
	few  [4]mark
	many []mark
}

func hintOf(m mark) uint64 { return 1 << (uint32(m) % 64) } //nolint:gosec // marks are positive

// groupOf is whomever one of the selectors selects.
func (p *people) groupOf(selectors []bundle.SubjectSelector) group {
	var marks []mark
	for i := range selectors {
		marks = p.marksOf(marks, &selectors[i])
	}
	slices.Sort(marks)
	marks = slices.Compact(marks)
	var g group
	for _, m := range marks {
		g.hint |= hintOf(m)
	}
	switch {
	case len(marks) > len(g.few):
		g.many = slices.Clip(marks)
	case len(marks) > 0:
		for i := range g.few {
			g.few[i] = marks[min(i, len(marks)-1)]
		}
	}
	return g
}

// marksOf leaves out the empty name, which a subject that has none would carry.
func (p *people) marksOf(marks []mark, s *bundle.SubjectSelector) []mark {
	h := hashOf(s.Issuer)
	of := p.issuers.find(h, s.Issuer)
	if of == nil {
		of = new(issuerPeople)
		p.issuers.add(h, intern(s.Issuer), of)
	}
	if s.All {
		if of.everybody == 0 {
			of.everybody = p.next()
		}
		marks = append(marks, of.everybody)
	}
	for _, names := range [...]struct {
		list []string
		by   *table[string, mark]
	}{{s.Users, &of.users}, {s.Usernames, &of.usernames}, {s.Groups, &of.groups}} {
		for _, name := range names.list {
			if name != "" {
				marks = append(marks, p.mark(names.by, name))
			}
		}
	}
	return marks
}

// mark gives the mark of a name, a new one where it has none yet.
func (p *people) mark(by *table[string, mark], name string) mark {
	h := hashOf(name)
	m := by.find(h, name)
	if m == 0 {
		m = p.next()
		by.add(h, intern(name), m)
	}
	return m
}

func (p *people) next() mark {
	p.marks++
	return p.marks
}

// bearer is the marks of one subject.
type bearer struct {
	marks []mark
	hint  uint64
}

// recognise gives a subject its marks; issuer and id are the hashes of its issuer and id.
func (p *people) recognise(s *authz.Subject, issuer, id hash, as *bearer) {
	as.marks, as.hint = as.marks[:0], 0
	of := p.issuers.find(issuer, s.Issuer)
	if of == nil {
		return
	}
	as.take(of.everybody)
	as.take(of.users.find(id, s.ID))
	if len(of.usernames.entries) > 0 {
		as.take(of.usernames.find(hashOf(s.Username), s.Username))
	}
	if len(of.groups.entries) == 0 {
		return
	}
	for _, name := range s.Groups {
		as.take(of.groups.find(hashOf(name), name))
	}
}

func (b *bearer) take(m mark) {
	if m != 0 {
		b.marks = append(b.marks, m)
		b.hint |= hintOf(m)
	}
}

// has says whether a subject belongs to the group.
func (g *group) has(b *bearer) bool {
	return g.hint&b.hint != 0 && slices.ContainsFunc(b.marks, g.carries)
}

func (g *group) carries(m mark) bool {
	if g.many != nil {
		_, found := slices.BinarySearch(g.many, m)
		return found
	}
	return m == g.few[0] || m == g.few[1] || m == g.few[2] || m == g.few[3]
}
