// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package doortest is a small world for the tests of front doors: a ticket system, its people and its services, compiled by
// hand into the bundles that an authorizer would hold.
package doortest

import (
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/condition"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/frontdoor"
	"behalf.dev/behalf/internal/token"
	"behalf.dev/behalf/internal/token/tokentest"
)

const (
	// CorpURL is the issuer of people; the TrustedIssuer's name is corp.
	CorpURL    = "https://idp.example"
	clusterURL = "https://kubernetes.default.svc"
	// Tickets is the audience of the one resource server.
	Tickets = "https://tickets.example"
	// TicketsHost is its host.
	TicketsHost = "tickets.example"
	// Revision of the policy bundle.
	Revision = 42
)

// Now is the time in this world.
var Now = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

// Services. The portal may read tickets and comment on them for people; the intern has declared nothing; the stranger's
// namespace may not come.
var (
	Portal   = authz.Actor{Namespace: "support", ServiceAccount: "portal"}
	Intern   = authz.Actor{Namespace: "support", ServiceAccount: "intern"}
	Stranger = authz.Actor{Namespace: "elsewhere", ServiceAccount: "stranger"}
	Gateway  = authz.Actor{Namespace: "edge", ServiceAccount: "gateway"}
)

// UID of every service account in this world.
const UID = "5d5f0e0e-1111-4111-8111-111111111111"

// World has the keys of its issuers, and the bundles; tests may change those before they ask for a Judge.
type World struct {
	Corp, Cluster *tokentest.Issuer
	Policy        *bundle.Policy
	Trust         *bundle.Trust
	Revocations   *bundle.Revocations
}

// New makes a world.
func New(tb testing.TB) *World {
	tb.Helper()
	w := &World{
		Corp:    tokentest.NewIssuer(tb, CorpURL, "ES256", "corp-1"),
		Cluster: tokentest.NewIssuer(tb, clusterURL, "ES256", "sa-1"),
	}
	w.Policy = policy(tb)
	w.Trust = &bundle.Trust{
		Format: bundle.Format,
		Issuers: []bundle.Issuer{{
			Source: authz.ObjectRef{Kind: "TrustedIssuer", Name: "corp"}, Name: "corp", URL: CorpURL,
			Audiences: []string{"behalf"}, Algorithms: []string{"ES256"}, JWKS: w.Corp.JWKS(tb),
			UsernameClaim: "email", GroupsClaim: "groups", SessionClaim: "sid", ScopesClaim: "scope",
		}},
		Cluster: &bundle.Cluster{Issuer: clusterURL, JWKS: w.Cluster.JWKS(tb)},
		ServiceAccounts: []bundle.ServiceAccount{
			{Namespace: "support", Name: "intern", UID: UID}, {Namespace: "support", Name: "portal", UID: UID},
		},
	}
	w.Revocations = &bundle.Revocations{Format: bundle.Format, Entries: []bundle.Revocation{{
		Source:  authz.ObjectRef{Kind: "DelegationRevocation", Name: "mallory"},
		Subject: &bundle.Person{Issuer: "corp", ID: "mallory"},
	}}}
	return w
}

// Scopes, by their index in the bundle.
const (
	read = iota
	comment
	me
	mine
	closing
)

func policy(tb testing.TB) *bundle.Policy {
	tb.Helper()
	everyone := bundle.SubjectSelector{Issuer: "corp", All: true}
	return &bundle.Policy{
		Format:            bundle.Format,
		ResourceServer:    authz.ObjectRef{Kind: "ResourceServer", Namespace: "support", Name: "tickets", Generation: 1},
		Audience:          Tickets,
		Hosts:             []string{TicketsHost},
		AllowedNamespaces: []string{"support"},
		Conditions: []bundle.Condition{
			checked(tb, "context.purpose == 'support'"),
			checked(tb, "resource.id == 'acme/42' && resource.properties.owner == subject.id"),
			checked(tb, "resource.id == '42' && resource.properties.tenant == 'acme' && context.arguments.reason == 'solved'"),
		},
		Scopes: []bundle.Scope{
			{Name: "tickets:read", Entitlements: []bundle.Entitlement{{Subjects: everyone}}},
			{Name: "tickets:comment", Entitlements: []bundle.Entitlement{{Subjects: bundle.SubjectSelector{Issuer: "corp", Groups: []string{"agents"}}}}},
			{Name: "tickets:me", Entitlements: []bundle.Entitlement{{Subjects: everyone}}},
			{Name: "tickets:mine", Entitlements: []bundle.Entitlement{{Subjects: everyone, Conditions: []int{1}}}},
			{Name: "tickets:close", Entitlements: []bundle.Entitlement{{Subjects: everyone, Conditions: []int{2}}}},
		},
		Routes: []bundle.Route{
			{Methods: []string{"GET"}, Path: "/tickets/{id}", Scope: read, Type: "ticket", ID: "{id}", Delegated: true},
			{Methods: []string{"POST"}, Path: "/tickets/{id}/comments", Scope: comment, Type: "ticket", ID: "{id}", Delegated: true},
			{Methods: []string{"GET"}, Path: "/me", Scope: me, User: true},
			{
				Methods: []string{"GET"}, Path: "/search", Scope: mine, Type: "ticket", ID: "{header:x-tenant}/{query:id}",
				Properties: []bundle.Property{{Name: "owner", Value: "{query:owner}"}}, Delegated: true,
			},
			{
				Methods: []string{"POST"}, Path: "/mcp", Scope: read, Type: "server", ID: "mcp",
				Properties: []bundle.Property{{Name: "tenant", Value: "{header:x-tenant}"}}, Delegated: true,
				MCP: &bundle.MCP{Tools: []bundle.Tool{
					{Name: "close_ticket", Scope: closing, Type: "ticket", ID: "{argument:id}"}, {Name: "comment_ticket", Scope: comment},
				}},
			},
		},
		Actors: []bundle.Actor{{
			Namespace: "support", ServiceAccount: "portal",
			Declarations: []bundle.Declaration{{
				Source: authz.ObjectRef{Kind: "ServiceDelegation", Namespace: "support", Name: "portal", Generation: 1},
				Scopes: []int{read, comment, mine, closing},
			}},
		}},
		Rules: []bundle.Rule{{
			Policy: authz.ObjectRef{Kind: "DelegationPolicy", Name: "support-portal", Generation: 1}, Effect: bundle.Permit,
			Actors:   []bundle.ActorSelector{{Namespace: "support"}},
			Subjects: []bundle.SubjectSelector{everyone}, Scopes: []int{read, comment, mine, closing}, Conditions: []int{0},
			Limits: bundle.Limits{MaxChainDepth: 1},
		}},
	}
}

func checked(tb testing.TB, expression string) bundle.Condition {
	tb.Helper()
	compiled, err := condition.Compile(expression)
	if err != nil {
		tb.Fatal(err)
	}
	return bundle.Condition{Expression: expression, Checked: compiled.Checked}
}

// Snapshot loads the bundles. Their leases end an hour from Now.
func (w *World) Snapshot(tb testing.TB) *engine.Snapshot {
	tb.Helper()
	statement := func(kind bundle.Kind, name string) bundle.Statement {
		return bundle.Statement{Kind: kind, Name: name, Revision: Revision, IssuedAt: Now.Unix(), LeaseUntil: Now.Add(time.Hour).Unix()}
	}
	loaded, err := engine.LoadPolicy(w.Policy, statement(bundle.KindPolicy, "support/tickets"))
	if err != nil {
		tb.Fatal(err)
	}
	trust, err := token.NewTrust(w.Trust, statement(bundle.KindTrust, bundle.TrustName))
	if err != nil {
		tb.Fatal(err)
	}
	revocations, err := engine.LoadRevocations(w.Revocations, statement(bundle.KindRevocations, bundle.RevocationsName))
	if err != nil {
		tb.Fatal(err)
	}
	snapshot, err := engine.NewSnapshot([]*engine.Policy{loaded}, trust, revocations)
	if err != nil {
		tb.Fatal(err)
	}
	return snapshot
}

// Judge decides in this world, at Now.
func (w *World) Judge(tb testing.TB, observers ...frontdoor.Observer) *frontdoor.Judge {
	tb.Helper()
	return JudgeOf(w.Snapshot(tb), observers...)
}

// JudgeOf decides on a snapshot, at Now.
func JudgeOf(snapshot *engine.Snapshot, observers ...frontdoor.Observer) *frontdoor.Judge {
	return &frontdoor.Judge{Snapshots: held{snapshot}, Clock: func() time.Time { return Now }, Observers: observers}
}

type held struct{ snapshot *engine.Snapshot }

// Current is the one snapshot.
func (h held) Current() *engine.Snapshot { return h.snapshot }

// Subject gives a token of a person in the given groups for the given scopes, issued a minute ago.
func (w *World) Subject(tb testing.TB, id string, groups, scopes []string) string {
	tb.Helper()
	return w.Corp.Sign(tb, tokentest.With(w.Corp.Person(Now, id, "behalf"), map[string]any{"groups": groups, "scope": scopes}))
}

// Alice gives a token of a customer that may be used to read tickets and comment on them.
func (w *World) Alice(tb testing.TB) string {
	tb.Helper()
	return w.Subject(tb, "alice", []string{"customers"}, []string{"tickets:read", "tickets:comment", "tickets:me"})
}

// Actor gives a service account token for an audience.
func (w *World) Actor(tb testing.TB, actor authz.Actor, audience string) string {
	tb.Helper()
	return w.Cluster.Sign(tb, w.Cluster.ServiceAccount(Now, actor, UID, audience))
}

// Recorder remembers events.
type Recorder struct{ Events []frontdoor.Event }

// Observe remembers one.
func (r *Recorder) Observe(e frontdoor.Event) { r.Events = append(r.Events, e) }
