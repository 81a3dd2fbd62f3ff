// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// FuzzLoadPolicy: whatever decodes as a policy bundle is refused or served; where it is served, requests that name what
// stands in it are answered without a panic, and an Allow can say what it rests on. The seeds have no conditions, which
// FuzzLoad of package condition is about, and bytes need not be canonical, so that most of what comes is looked at.
func FuzzLoadPolicy(f *testing.F) {
	w := newWorld(f)
	for _, change := range []func(*bundle.Policy){
		func(*bundle.Policy) {},
		func(p *bundle.Policy) { p.Scopes[1].Name = p.Scopes[0].Name },                                 // THREATS 37
		func(p *bundle.Policy) { p.Rules[0].Scopes = []int{1 << 40, -1} },                              // THREATS 37
		func(p *bundle.Policy) { p.Routes[0].Path = "/{a}/../{b...}" },                                 // THREATS 26
		func(p *bundle.Policy) { p.Actors[1].Declarations[0].Onward[0].Scopes = []int{0, 0, 1, 2, 3} }, // THREATS 20
		func(p *bundle.Policy) { p.Hosts = []string{"tickets.example."} },                              // THREATS 26
		func(p *bundle.Policy) { p.Rules[0].Conditions = []int{0} },
	} {
		p := newPolicy(f)
		p.Conditions, p.Rules[0].Conditions, p.Scopes[read].Entitlements[0].Conditions = nil, nil, nil
		change(p)
		raw, err := bundle.Encode(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	s := w.snapshot(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		decoded := &bundle.Policy{}
		if json.Unmarshal(raw, decoded) != nil {
			return
		}
		p, err := LoadPolicy(decoded, bundle.Statement{Kind: bundle.KindPolicy, Revision: 1, LeaseUntil: now.Unix() + 600})
		if err != nil {
			return
		}
		loaded, err := NewSnapshot([]*Policy{p}, s.trust, s.revocations)
		if err != nil {
			t.Fatalf("a policy that loads alone cannot be served alone: %v", err)
		}
		for _, r := range requestsTo(decoded) {
			wantSound(t, loaded, r)
		}
	})
}

// requestsTo asks for each scope as each actor, for the people of the fuzzed world.
func requestsTo(p *bundle.Policy) []*authz.Request {
	var all []*authz.Request
	for i := range p.Scopes[:min(len(p.Scopes), 4)] {
		for _, a := range p.Actors[:min(len(p.Actors), 4)] {
			r := newRequest()
			r.Audience, r.Scope, r.Token = p.Audience, p.Scopes[i].Name, nil
			r.Actor = authz.Actor{Namespace: a.Namespace, ServiceAccount: a.ServiceAccount}
			all = append(all, r)
		}
	}
	return all
}

// wantSound holds a decision to what every decision keeps.
func wantSound(t *testing.T, s *Snapshot, r *authz.Request) {
	t.Helper()
	d := s.Decide(r, now)
	switch {
	case d.Reason == authz.ReasonInternalError:
		t.Fatalf("the judgement panicked: %s", d.Message)
	case d.Outcome == authz.Deny && (d.Leg == "" || d.Reason == ""):
		t.Fatalf("a Deny without leg or reason: %+v", d)
	case d.Outcome == authz.Deny && len(d.Obstacles()) == 0:
		t.Fatalf("a Deny without an obstacle: %+v", d)
	case d.Outcome == authz.Deny && len(d.Message) > maxMessage+len("…"):
		t.Fatalf("a message of %d bytes", len(d.Message))
	case d.Outcome == authz.Allow && d.DryRun == nil && d.Denial != (authz.Denial{}):
		t.Fatalf("an Allow with a denial: %+v", d)
	case d.Outcome == authz.Allow && d.DryRun == nil && !r.Subject.Present():
		t.Fatalf("nobody stands behind an Allow: %+v", r)
	case d.Outcome == authz.Allow && d.DryRun == nil && r.Actor.Present() && (d.Declarations[0] == nil || len(d.Policies) == 0):
		t.Fatalf("an Allow that rests on nothing: %+v", d)
	}
}

// FuzzRequest: whatever decodes as a request is answered without a panic, and allowed only as what it is.
func FuzzRequest(f *testing.F) {
	for _, change := range []func(*world){
		func(*world) {},
		viaRouter,
		func(w *world) { w.asksToPay() },
		func(w *world) { w.asksOver("GET", "/customers/alice/tickets/42?x=/../") },                          // THREATS 26
		func(w *world) { w.asksOver("GET", "//customers/alice/tickets/%2e%2e") },                            // THREATS 26
		func(w *world) { w.request.Token.Scopes = []string{"tickets:read\t", "", "tickets:rеad"} },          // THREATS 23
		func(w *world) { w.request.Via = []authz.Actor{w.request.Actor, w.request.Actor} },                  // THREATS 20
		func(w *world) { w.request.Subject.ID = "" },                                                        // THREATS 20
		func(w *world) { w.request.Subject.Groups = []string{"", "customers\x00", "CUSTOMERS"} },            // THREATS 29
		func(w *world) { w.request.Context = map[string]any{"purpose": strings.Repeat("x", 40_000)} },       // THREATS 40
		func(w *world) { w.request.Resource.Properties = map[string]any{"owner": map[string]any{}} },        // THREATS 40
		func(w *world) { w.request.Actor.Namespace = strings.Repeat("n", 253); w.request.Scope = "ticket" }, // THREATS 43
	} {
		w := newWorld(f)
		change(w)
		raw, err := json.Marshal(w.request)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	s := newWorld(f).snapshot(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r authz.Request
		if json.Unmarshal(raw, &r) == nil {
			wantSound(t, s, &r)
		}
	})
}

// FuzzScopeOfToken: what is taken for a scope is written back as it stood.
func FuzzScopeOfToken(f *testing.F) {
	for _, seed := range []string{ // THREATS 23
		"tickets:read", "https://tickets.example#tickets:read", "#a", "a#", "a#b#c", "a b", "a\tb", " a", "", "\"", "tickets:rеad", "*", "a\x7fb",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, element string) {
		audience, scope, ok := readScope(element)
		if !ok {
			return
		}
		written := scope
		if audience != "" {
			written = authz.QualifiedScope(audience, scope)
		}
		if written != element || !isScope(scope) {
			t.Errorf("%q was read as %q of %q", element, scope, audience)
		}
	})
}

// FuzzArgumentsDigest: the canonical form reads back as the same value, and has the same canonical form.
func FuzzArgumentsDigest(f *testing.F) {
	for _, seed := range []string{
		`{"b":"x","a":1}`, `[1e21,1e-7,-0,0.1,123456789012345680000]`, `"é"`, `{"�":1,"😀":2}`, `null`, `[[[[[]]]]]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var value any
		if json.Unmarshal(raw, &value) != nil {
			return
		}
		canonical, err := appendCanonical(nil, value, 0)
		if err != nil {
			return
		}
		var read any
		if err := json.Unmarshal(canonical, &read); err != nil {
			t.Fatalf("%s is no JSON: %v", canonical, err)
		}
		again, err := appendCanonical(nil, read, 0)
		if err != nil || !bytes.Equal(again, canonical) {
			t.Errorf("%s becomes %s (%v)", canonical, again, err)
		}
	})
}
