// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/condition"
	"behalf.dev/behalf/internal/token"
)

// The scopes of the world.
const (
	read = iota
	comment
	remove
	pay
)

// The conditions of the world.
const (
	ownTicket = iota
	forSupport
	never
)

// now is the clock of every test.
var now = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

// world is a set of bundles and a request to it. In the one that newWorld gives, the request is allowed.
type world struct {
	tb               testing.TB
	policy           *bundle.Policy
	revocations      *bundle.Revocations
	policyLease      time.Time
	trustLease       time.Time
	revocationsLease time.Time
	request          *authz.Request
}

func checked(tb testing.TB, expression string) []byte {
	tb.Helper()
	compiled, err := condition.Compile(expression)
	if err != nil {
		tb.Fatalf("compiling %q: %v", expression, err)
	}
	return compiled.Checked
}

func conditionOf(tb testing.TB, expression, message string) bundle.Condition {
	tb.Helper()
	return bundle.Condition{Expression: expression, Message: message, Checked: checked(tb, expression)}
}

// newWorld is the everyday one: a portal that reads the signed-in customer's own ticket; an agent's desk behind a router;
// payments that need a grant.
func newWorld(tb testing.TB) *world {
	tb.Helper()
	lease := now.Add(10 * time.Minute)
	return &world{
		tb:     tb,
		policy: newPolicy(tb), revocations: &bundle.Revocations{Format: bundle.Format},
		policyLease: lease, trustLease: lease, revocationsLease: lease,
		request: newRequest(),
	}
}

func newRequest() *authz.Request {
	return &authz.Request{
		Subject: authz.Subject{
			Issuer: "corp", ID: "alice", Username: "alice@example.com", Groups: []string{"customers"},
			Claims: map[string]any{"department": "north"}, AuthTime: now.Add(-30 * time.Minute), Session: "s-1",
		},
		Actor: authz.Actor{Namespace: "support", ServiceAccount: "portal"},
		Token: &authz.Token{
			ID: "jti-1", Transaction: "txn-1", IssuedAt: now.Add(-time.Minute), ExpiresAt: now.Add(4 * time.Minute),
			Scopes: []string{"tickets:read", "https://tickets.example#tickets:comment"},
		},
		Audience: "https://tickets.example", Scope: "tickets:read",
		Resource: authz.Resource{Type: "ticket", ID: "42", Properties: map[string]any{"owner": "alice"}},
		Context:  map[string]any{"purpose": "support"},
	}
}

func newPolicy(tb testing.TB) *bundle.Policy {
	tb.Helper()
	customers := bundle.SubjectSelector{Issuer: "corp", Groups: []string{"customers"}}
	agents := bundle.SubjectSelector{Issuer: "corp", Groups: []string{"support-agents"}, Users: []string{"root"}, Usernames: []string{"boss@example.com"}}
	anyone := bundle.SubjectSelector{Issuer: "corp", All: true}
	return &bundle.Policy{
		Format:            bundle.Format,
		ResourceServer:    authz.ObjectRef{Kind: "ResourceServer", Namespace: "support", Name: "tickets", Generation: 3},
		Audience:          "https://tickets.example",
		Hosts:             []string{"tickets.example", "tickets.support.svc"},
		AllowedNamespaces: []string{"support", "routing"},
		Conditions: []bundle.Condition{
			conditionOf(tb, "resource.properties.owner == subject.id", "only the customer's own tickets"),
			conditionOf(tb, "context.purpose == 'support'", "only for support"),
			conditionOf(tb, "subject.id == 'nobody'", ""),
		},
		Scopes: []bundle.Scope{
			{Name: "tickets:read", Entitlements: []bundle.Entitlement{
				{Subjects: customers, Conditions: []int{ownTicket}}, {Subjects: agents},
			}},
			{Name: "tickets:comment", Entitlements: []bundle.Entitlement{{Subjects: customers}, {Subjects: agents}}},
			{Name: "tickets:delete", Entitlements: []bundle.Entitlement{{Subjects: agents}}},
			{Name: "payments:execute", Entitlements: []bundle.Entitlement{{Subjects: anyone}}},
		},
		Routes: newRoutes(),
		Actors: newActors(),
		Rules:  newRules(customers, agents, anyone),
		Grants: []bundle.Grant{newGrant()},
	}
}

func newRoutes() []bundle.Route {
	return []bundle.Route{
		{
			Methods: []string{"GET"}, Path: "/customers/{owner}/tickets/{id}", Scope: read, Type: "ticket", ID: "{id}",
			Properties: []bundle.Property{{Name: "owner", Value: "{owner}"}}, Delegated: true,
		},
		{Methods: []string{"POST"}, Path: "/tickets/{id}/comments", Scope: comment, Type: "ticket", ID: "{id}", Delegated: true, User: true},
		{Methods: []string{"GET"}, Path: "/me", Scope: comment, User: true},
	}
}

func newActors() []bundle.Actor {
	return []bundle.Actor{
		{Namespace: "support", ServiceAccount: "portal", Declarations: []bundle.Declaration{{Source: delegation("support", "portal"), Scopes: []int{read, comment, pay}}}},
		{Namespace: "routing", ServiceAccount: "router", Declarations: []bundle.Declaration{{
			Source: delegation("routing", "router"),
			Onward: []bundle.Edge{{Namespace: "support", ServiceAccount: "portal", Scopes: []int{read}}},
		}}},
	}
}

func delegation(namespace, name string) authz.ObjectRef {
	return authz.ObjectRef{Kind: "ServiceDelegation", Namespace: namespace, Name: name, Generation: 1}
}

func policyRef(name string) authz.ObjectRef {
	return authz.ObjectRef{Kind: "DelegationPolicy", Name: name, Generation: 2}
}

func newRules(customers, agents, anyone bundle.SubjectSelector) []bundle.Rule {
	portal := []bundle.ActorSelector{{Namespace: "support", ServiceAccount: "portal"}}
	return []bundle.Rule{
		{
			Policy: policyRef("portal-for-customers"), Effect: bundle.Permit, Actors: portal,
			Subjects: []bundle.SubjectSelector{customers, agents}, Scopes: []int{read, comment}, Conditions: []int{forSupport},
			Limits: bundle.Limits{MaxTokenLifetimeSeconds: 300, MaxSubjectAgeSeconds: 28800, MaxChainDepth: 2},
		},
		{
			Policy: policyRef("payments-by-grant"), Effect: bundle.Permit, Actors: portal,
			Subjects: []bundle.SubjectSelector{anyone}, Scopes: []int{pay}, Limits: bundle.Limits{MaxChainDepth: 1},
			Grant: &bundle.RequireGrant{BindResource: true, MaxLifetimeSeconds: 3600, ApproverGroups: []string{"finance-approvers"}},
		},
		{
			Policy: policyRef("nobody-deletes"), Effect: bundle.Forbid, Actors: []bundle.ActorSelector{{Namespace: "support"}},
			Subjects: []bundle.SubjectSelector{anyone}, Scopes: []int{remove},
		},
	}
}

func newGrant() bundle.Grant {
	return bundle.Grant{
		Source: authz.ObjectRef{Kind: "DelegationGrant", Namespace: "support", Name: "pay-inv-7", Generation: 1},
		Issuer: "corp", Subject: "alice", Namespace: "support", ServiceAccount: "portal", Scopes: []int{pay},
		ResourceType: "invoice", ResourceID: "inv-7",
		NotBefore: now.Add(-time.Minute).Unix(), NotAfter: now.Add(30 * time.Minute).Unix(),
		ApproverUsername: "carol@example.com", ApproverGroups: []string{"finance-approvers"},
	}
}

// asksToPay turns the request into the one that the grant is for.
func (w *world) asksToPay() {
	w.request.Scope = "payments:execute"
	w.request.Token = nil
	w.request.Resource = authz.Resource{Type: "invoice", ID: "inv-7"}
}

// asksOver turns the request into an HTTP request.
func (w *world) asksOver(method, path string) {
	w.request.Audience, w.request.Scope, w.request.Resource = "", "", authz.Resource{}
	w.request.HTTP = &authz.HTTPRequest{Method: method, Host: "tickets.example", Path: path}
}

func (w *world) withoutConditions() {
	w.policy.Scopes[read].Entitlements[0].Conditions = nil
	w.policy.Rules[0].Conditions = nil
}

func (w *world) revoke(r bundle.Revocation) {
	r.Source = authz.ObjectRef{Kind: "DelegationRevocation", Name: "incident-1"}
	w.revocations.Entries = append(w.revocations.Entries, r)
}

func (w *world) snapshot(tb testing.TB) *Snapshot {
	tb.Helper()
	p, err := LoadPolicy(w.policy, bundle.Statement{Kind: bundle.KindPolicy, Revision: 7, LeaseUntil: w.policyLease.Unix()})
	if err != nil {
		tb.Fatal(err)
	}
	trust, err := token.NewTrust(trusting("corp", "partner"), bundle.Statement{Kind: bundle.KindTrust, LeaseUntil: w.trustLease.Unix()})
	if err != nil {
		tb.Fatal(err)
	}
	r, err := LoadRevocations(w.revocations, bundle.Statement{Kind: bundle.KindRevocations, LeaseUntil: w.revocationsLease.Unix()})
	if err != nil {
		tb.Fatal(err)
	}
	s, err := NewSnapshot([]*Policy{p}, trust, r)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// trusting is a trust bundle of issuers without keys: their people can be vouched for.
func trusting(issuers ...string) *bundle.Trust {
	t := &bundle.Trust{Format: bundle.Format}
	for _, name := range issuers {
		t.Issuers = append(t.Issuers, bundle.Issuer{
			Name: name, URL: "https://" + name + ".example", Audiences: []string{"behalf"}, Algorithms: []string{"ES256"}, JWKS: `{"keys":[]}`, Unbounded: true,
		})
	}
	return t
}

func (w *world) decide(tb testing.TB) authz.Decision {
	tb.Helper()
	return w.snapshot(tb).Decide(w.request, now)
}
