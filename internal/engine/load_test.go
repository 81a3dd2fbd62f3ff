// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"behalf.dev/behalf/internal/bundle"
)

// THREATS 37
func TestAPolicyThatContradictsItselfIsNotServed(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*bundle.Policy)
		want   string
	}{
		{"another format", func(p *bundle.Policy) { p.Format = 2 }, "not in format 1"},
		{"no audience", func(p *bundle.Policy) { p.Audience = "" }, "it has no audience"},
		{"a negative stale time", func(p *bundle.Policy) { p.MaxStaleSeconds = -1 }, "negative"},
		{"a negative dry run", func(p *bundle.Policy) { p.DryRunUntil = -1 }, "negative"},
		{"a host in capitals", func(p *bundle.Policy) { p.Hosts[0] = "Tickets.example" }, "host \"Tickets.example\": not a host name in lower case"},
		{"a host with a port", func(p *bundle.Policy) { p.Hosts[0] = "tickets.example:80" }, "not a host name"},
		{"a host with a trailing dot", func(p *bundle.Policy) { p.Hosts[0] = "tickets.example." }, "not a host name"},
		{"a damaged condition", func(p *bundle.Policy) { p.Conditions[0].Checked = []byte("x") }, "condition 0, \"resource.properties.owner == subject.id\": loading condition"},
		{"a scope without a name", func(p *bundle.Policy) { p.Scopes[1].Name = "" }, "it is no scope of RFC 6749, or stands twice"},
		{"a scope with a space", func(p *bundle.Policy) { p.Scopes[1].Name = "tickets comment" }, "scope 1, \"tickets comment\": it is no scope"},
		{"a scope with its audience", func(p *bundle.Policy) { p.Scopes[1].Name = "a#b" }, "scope 1, \"a#b\": it is no scope"},
		{"more scopes than a set holds", func(p *bundle.Policy) { p.Scopes = make([]bundle.Scope, 65) }, "65 scopes: more than 64"},
		{"a scope twice", func(p *bundle.Policy) { p.Scopes[1].Name = "tickets:read" }, "scope 1, \"tickets:read\""},
		{"an entitlement with a condition that is not there", func(p *bundle.Policy) { p.Scopes[0].Entitlements[0].Conditions = []int{3} }, "scope \"tickets:read\": entitlement 0: 3 of 3: an index points nowhere"},
		{"a route that is malformed", func(p *bundle.Policy) { p.Routes[0].Path = "/a//b" }, "route 0, match.path: malformed or ambiguous"},
		{"a route that ties", func(p *bundle.Policy) { p.Routes[1] = p.Routes[0] }, "route 1, match.methods[0]: malformed or ambiguous"},
		{"a route to a scope that is not there", func(p *bundle.Policy) { p.Routes[0].Scope = -1 }, "-1 of 4: an index points nowhere"},
		{"a route for nobody", func(p *bundle.Policy) { p.Routes[0].Delegated = false }, "it takes no kind of caller"},
		{"a route without a method", func(p *bundle.Policy) { p.Routes[0].Methods = nil }, "it takes no method"},
		{"a route with a property twice", func(p *bundle.Policy) {
			p.Routes[0].Properties = append(p.Routes[0].Properties, p.Routes[0].Properties[0])
		}, "a property has no name or stands twice"},
		{"a route with a nameless property", func(p *bundle.Policy) { p.Routes[0].Properties[0].Name = "" }, "a property has no name"},
		{"a rule without an effect", func(p *bundle.Policy) { p.Rules[0].Effect = "" }, "rule of DelegationPolicy portal-for-customers: effect is neither"},
		{"a rule with a scope that is not there", func(p *bundle.Policy) { p.Rules[0].Scopes = []int{4} }, "an index points nowhere"},
		{"a rule with a condition that is not there", func(p *bundle.Policy) { p.Rules[0].Conditions = []int{-1} }, "an index points nowhere"},
		{"a rule for no namespace", func(p *bundle.Policy) { p.Rules[0].Actors[0].Namespace = "" }, "an actor selector has no namespace"},
		{"a Permit of no depth", func(p *bundle.Policy) { p.Rules[0].Limits.MaxChainDepth = 0 }, "a Permit's maxChainDepth is 0"},
		{"a Permit of too great a depth", func(p *bundle.Policy) { p.Rules[0].Limits.MaxChainDepth = 9 }, "a Permit's maxChainDepth is 9"},
		{"a Permit in dry run", func(p *bundle.Policy) { p.Rules[0].DryRunUntil = 1 }, "a Permit has no dry run"},
		{"a negative limit", func(p *bundle.Policy) { p.Rules[0].Limits.MaxSubjectAgeSeconds = -1 }, "limits are out of range"},
		{"a grant of no length", func(p *bundle.Policy) { p.Rules[1].Grant.MaxLifetimeSeconds = 0 }, "a grant's maxLifetimeSeconds is 0"},
		{"an actor without a name", func(p *bundle.Policy) { p.Actors[0].ServiceAccount = "" }, "namespace or service account is missing"},
		{"an actor twice", func(p *bundle.Policy) { p.Actors[1] = p.Actors[0] }, "actor support/portal: it stands twice"},
		{"a declaration of a scope that is not there", func(p *bundle.Policy) { p.Actors[0].Declarations[0].Scopes = []int{9} }, "ServiceDelegation support/portal: 9 of 4"},
		{"an edge to nobody", func(p *bundle.Policy) { p.Actors[1].Declarations[0].Onward[0].Namespace = "" }, "onward to /portal"},
		{"an edge with a scope that is not there", func(p *bundle.Policy) { p.Actors[1].Declarations[0].Onward[0].Scopes = []int{9} }, "onward to support/portal: 9 of 4"},
		{"a grant for nobody", func(p *bundle.Policy) { p.Grants[0].Subject = "" }, "DelegationGrant support/pay-inv-7: subject, actor or times are missing"},
		{"a grant with a scope that is not there", func(p *bundle.Policy) { p.Grants[0].Scopes = []int{9} }, "DelegationGrant support/pay-inv-7: 9 of 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPolicy(t)
			c.change(p)
			_, err := LoadPolicy(p, bundle.Statement{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := LoadPolicy(nil, bundle.Statement{}); err == nil {
		t.Error("no policy at all is loaded")
	}
}

func TestARevocationNamesOneTargetInFull(t *testing.T) {
	service := bundle.Service{Namespace: "support", Name: "portal"}
	for _, c := range []struct {
		name  string
		entry bundle.Revocation
	}{
		{"none", bundle.Revocation{}},
		{"two", bundle.Revocation{Token: "a", Transaction: "b"}},
		{"half a subject", bundle.Revocation{Subject: &bundle.Person{ID: "alice"}}},
		{"half a session", bundle.Revocation{Session: &bundle.Person{Issuer: "corp"}}},
		{"half an actor", bundle.Revocation{Actor: &bundle.Service{Name: "portal"}}},
		{"an edge to nobody", bundle.Revocation{Edge: &bundle.GraphEdge{Subject: alice}}},
		{"an edge from nobody", bundle.Revocation{Edge: &bundle.GraphEdge{To: service}}},
		{"an edge from two", bundle.Revocation{Edge: &bundle.GraphEdge{Subject: alice, From: &service, To: service}}},
		{"an edge from half a subject", bundle.Revocation{Edge: &bundle.GraphEdge{Subject: &bundle.Person{ID: "alice"}, To: service}}},
		{"an edge from half an actor", bundle.Revocation{Edge: &bundle.GraphEdge{From: &bundle.Service{Name: "x"}, To: service}}},
		{"before 1970", bundle.Revocation{Token: "a", IssuedBefore: -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := LoadRevocations(&bundle.Revocations{Format: bundle.Format, Entries: []bundle.Revocation{c.entry}}, bundle.Statement{})
			if err == nil || !strings.Contains(err.Error(), "entry 0") {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, list := range []*bundle.Revocations{nil, {Format: 9}} {
		if _, err := LoadRevocations(list, bundle.Statement{}); err == nil {
			t.Errorf("%+v is loaded", list)
		}
	}
}

func TestOfTwoRevocationsTheOneThatReachesFurtherCounts(t *testing.T) {
	before := func(seconds int64, name string) bundle.Revocation {
		r := bundle.Revocation{Subject: alice, IssuedBefore: seconds}
		r.Source.Kind, r.Source.Name = "DelegationRevocation", name
		return r
	}
	early, late, all := before(100, "early"), before(200, "late"), before(0, "all")
	for _, c := range []struct {
		name    string
		entries []bundle.Revocation
		want    string
	}{
		{"the later instant", []bundle.Revocation{early, late}, "late"},
		{"no instant", []bundle.Revocation{late, all, early}, "all"},
		{"of two that reach as far, the first by name", []bundle.Revocation{before(100, "b"), before(100, "a")}, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, entries := range [][]bundle.Revocation{c.entries, reversed(c.entries)} {
				r, err := LoadRevocations(&bundle.Revocations{Format: bundle.Format, Entries: entries}, bundle.Statement{})
				if err != nil {
					t.Fatal(err)
				}
				if got := r.subjects[*alice].source.Name; got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			}
		})
	}
}

func reversed[T any](list []T) []T {
	out := make([]T, 0, len(list))
	for i := range list {
		out = append(out, list[len(list)-1-i])
	}
	return out
}

func TestSixtyFourScopesAndMoreSelectors(t *testing.T) {
	w := newWorld(t)
	p := w.policy
	for i := len(p.Scopes); i < bundle.MaxScopes; i++ {
		name := "extra:" + strings.Repeat("x", i+1)
		p.Scopes = append(p.Scopes, bundle.Scope{Name: name, Entitlements: []bundle.Entitlement{
			{Subjects: bundle.SubjectSelector{Issuer: "corp", Groups: []string{name, name + "-2", name + "-3"}}},
		}})
	}
	last := len(p.Scopes) - 1
	p.Actors[0].Declarations[0].Scopes = append(p.Actors[0].Declarations[0].Scopes, last)
	p.Rules[0].Scopes, p.Rules[0].Conditions = append(p.Rules[0].Scopes, last), nil
	w.request.Scope, w.request.Token = p.Scopes[last].Name, nil
	w.request.Subject.Groups = []string{"customers", p.Scopes[last].Name + "-3"}
	if d := w.decide(t); !d.Allowed() {
		t.Errorf("denied: %+v", d.Denial)
	}
	w.request.Subject.Groups = []string{"customers", p.Scopes[last-1].Name}
	if d := w.decide(t); d.Allowed() {
		t.Error("allowed by the entitlement of another scope")
	}
}

func TestASelectorOfManyPeopleSelectsEachOfThem(t *testing.T) {
	w := newWorld(t)
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprintf("person-%d", i))
	}
	w.policy.Scopes[read].Entitlements = []bundle.Entitlement{{Subjects: bundle.SubjectSelector{Issuer: "corp", Users: many}}}
	for _, id := range append(many, "person-200", "person") {
		w.request.Subject.ID = id
		if d := w.decide(t); d.Allowed() != slices.Contains(many, id) {
			t.Errorf("%s: %s (%s)", id, d.Outcome, d.Message)
		}
	}
}
