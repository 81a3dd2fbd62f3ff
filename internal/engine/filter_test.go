// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"testing"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

func TestTheFilterPassesOverNothingThatIsRevoked(t *testing.T) {
	for _, count := range []int{1, 2, 3, 1000} {
		list := &bundle.Revocations{Format: bundle.Format}
		for i := range count {
			list.Entries = append(list.Entries, targetsNumbered(i)...)
		}
		r, err := LoadRevocations(list, bundle.Statement{})
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t)
		s := w.snapshot(t)
		s.revocations = r
		for i := range count {
			for name, request := range askersNumbered(i) {
				if d := s.Decide(request, now); d.Reason != authz.ReasonRevoked {
					t.Fatalf("%d entries: %s %d: %+v", len(list.Entries), name, i, d.Denial)
				}
			}
		}
	}
}

func targetsNumbered(i int) []bundle.Revocation {
	name := fmt.Sprint("x", i)
	person, service := &bundle.Person{Issuer: "corp", ID: name}, &bundle.Service{Namespace: "n", Name: name}
	return []bundle.Revocation{
		{Subject: person},
		{Session: person},
		{Actor: service},
		{Edge: &bundle.GraphEdge{From: &bundle.Service{Namespace: "from", Name: name}, To: bundle.Service{Namespace: "to", Name: name}}},
		{Edge: &bundle.GraphEdge{Subject: &bundle.Person{Issuer: "corp", ID: "s" + name}, To: bundle.Service{Namespace: "to", Name: name}}},
		{Transaction: name},
		{Token: name},
	}
}

func askersNumbered(i int) map[string]*authz.Request {
	name := fmt.Sprint("x", i)
	asker := func(change func(*authz.Request)) *authz.Request {
		r := newRequest()
		change(r)
		return r
	}
	to := authz.Actor{Namespace: "to", ServiceAccount: name}
	return map[string]*authz.Request{
		"subject":               asker(func(r *authz.Request) { r.Subject.ID = name }),
		"session":               asker(func(r *authz.Request) { r.Subject.Session = name }),
		"actor":                 asker(func(r *authz.Request) { r.Actor = authz.Actor{Namespace: "n", ServiceAccount: name} }),
		"prior actor":           asker(func(r *authz.Request) { r.Via = []authz.Actor{{Namespace: "n", ServiceAccount: name}} }),
		"edge between actors":   asker(func(r *authz.Request) { r.Via, r.Actor = []authz.Actor{{Namespace: "from", ServiceAccount: name}}, to }),
		"edge from the subject": asker(func(r *authz.Request) { r.Subject.ID, r.Actor = "s"+name, to }),
		"edge to a prior actor": asker(func(r *authz.Request) { r.Subject.ID, r.Via = "s"+name, []authz.Actor{to} }),
		"transaction":           asker(func(r *authz.Request) { r.Token.Transaction = name }),
		"token":                 asker(func(r *authz.Request) { r.Token.ID = name }),
	}
}

func TestTheFilterTellsMostThingsApart(t *testing.T) {
	f := newFilter(1000)
	for i := range 1000 {
		f.add(tokenKind, hashOf(fmt.Sprint("in ", i)))
	}
	taken := 0
	for i := range 10_000 {
		if f.mayHave(tokenKind, hashOf(fmt.Sprint("out ", i))) {
			taken++
		}
	}
	if taken > 1000 {
		t.Errorf("%d of 10000 that were not added are looked up", taken)
	}
}
