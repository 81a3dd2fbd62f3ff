// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// denialCase changes the world in which all is allowed, and says what that leads to.
type denialCase struct {
	name    string
	change  func(*world)
	leg     authz.Leg
	reason  authz.Reason
	message string // part of it
}

var router = authz.Actor{Namespace: "routing", ServiceAccount: "router"}

func viaRouter(w *world) { w.request.Via = []authz.Actor{router} }

func paying(change func(*world)) func(*world) {
	return func(w *world) { w.asksToPay(); change(w) }
}

func over(method, path string) func(*world) {
	return func(w *world) { w.asksOver(method, path) }
}

var identityCases = []denialCase{
	{
		"a service without a person behind it", func(w *world) { w.request.Subject = authz.Subject{} },
		authz.LegIdentity, authz.ReasonSubjectMissing, "no person stands behind the request of support/portal",
	},
	{
		"nobody at all asks, of an audience that nobody knows",
		func(w *world) { *w.request = authz.Request{Audience: "https://elsewhere.example"} },
		authz.LegIdentity, authz.ReasonSubjectMissing, "no person stands behind the request",
	},
	{
		"a person alone asks by scope", func(w *world) { w.request.Actor = authz.Actor{} },
		authz.LegIdentity, authz.ReasonActorMissing, "no service acts for corp:alice",
	},
	{
		"there are prior actors and no current one", func(w *world) { viaRouter(w); w.request.Actor = authz.Actor{} },
		authz.LegIdentity, authz.ReasonActorMissing, "prior actors",
	},
	{
		"the front door could not verify a token",
		func(w *world) {
			w.request.Unauthenticated, w.request.Detail = authz.ReasonTokenInvalid, "the key is unknown"
		},
		authz.LegIdentity, authz.ReasonTokenInvalid, "the key is unknown",
	},
	{
		"the front door found the token expired",
		func(w *world) { w.request.Unauthenticated = authz.ReasonTokenExpired },
		authz.LegFreshness, authz.ReasonTokenExpired, "the front door could not establish who is asking",
	},
	{ // THREATS 19
		"the claims that name the actor disagree",
		func(w *world) { w.request.Unauthenticated = authz.ReasonActorMismatch },
		authz.LegIdentity, authz.ReasonActorMismatch, "the front door could not establish who is asking",
	},
	{
		"the subject has no issuer", func(w *world) { w.request.Subject.Issuer = "" },
		authz.LegIdentity, authz.ReasonRequestMalformed, "the subject has no issuer",
	},
	{
		"the actor is half named", func(w *world) { w.request.Actor.ServiceAccount = "" },
		authz.LegIdentity, authz.ReasonRequestMalformed, "the actor lacks",
	},
	{ // THREATS 20
		"a prior actor is half named", func(w *world) { w.request.Via = []authz.Actor{{Namespace: "routing"}} },
		authz.LegIdentity, authz.ReasonRequestMalformed, "a prior actor lacks",
	},
	{
		"both a scope and a route are asked about", func(w *world) { w.asksOver("GET", "/me"); w.request.Scope = "tickets:read" },
		authz.LegIdentity, authz.ReasonRequestMalformed, "not by both",
	},
	{
		"the request names a resource beside its route",
		func(w *world) { w.asksOver("GET", "/me"); w.request.Resource.ID = "42" },
		authz.LegIdentity, authz.ReasonRequestMalformed, "names one too",
	},
	{
		"the subject has more groups than are looked at", func(w *world) { w.request.Subject.Groups = make([]string, 257) },
		authz.LegIdentity, authz.ReasonRequestMalformed, "the subject has 257 groups, more than 256",
	},
	{
		"the chain is beyond all measure", func(w *world) { w.request.Via = make([]authz.Actor, 0, 70); fill(w, 70) },
		authz.LegIdentity, authz.ReasonRequestMalformed, "the chain has 71 actors, more than 64",
	},
}

func fill(w *world, actors int) {
	for i := range actors {
		w.request.Via = append(w.request.Via, authz.Actor{Namespace: "support", ServiceAccount: "s" + strings.Repeat("x", i)})
	}
}

var freshnessCases = []denialCase{
	{
		"the lease of the policy has run out", func(w *world) { w.policyLease = now.Add(-time.Second) },
		authz.LegFreshness, authz.ReasonStaleBundle, "the lease of the policy bundle of ResourceServer support/tickets ran out at 2026-06-01T09:59:59Z",
	},
	{
		"the lease of the trust bundle has run out", func(w *world) { w.trustLease = now.Add(-time.Second) },
		authz.LegFreshness, authz.ReasonStaleBundle, "trust bundle",
	},
	{ // THREATS 33
		"the revocation list is withheld until its lease has run out", func(w *world) { w.revocationsLease = now.Add(-time.Second) },
		authz.LegFreshness, authz.ReasonStaleBundle, "revocation list",
	},
	{
		"a stale policy is served on, and that is over too",
		func(w *world) {
			w.policy.MaxStaleSeconds = 60
			w.policyLease = now.Add(-61 * time.Second)
		},
		authz.LegFreshness, authz.ReasonStaleBundle, "policy bundle",
	},
	{
		"the trust bundle is older than the policy lets anything be",
		func(w *world) { w.policy.MaxStaleSeconds = 60; w.trustLease = now.Add(-61 * time.Second) },
		authz.LegFreshness, authz.ReasonStaleBundle, "trust bundle",
	},
	{
		"nothing is known of the audience, and what is held is stale",
		func(w *world) {
			w.request.Audience = "https://elsewhere.example"
			w.trustLease = now.Add(-time.Second)
		},
		authz.LegFreshness, authz.ReasonStaleBundle, "trust bundle",
	},
	{
		"the token has expired this very instant", func(w *world) { w.request.Token.ExpiresAt = now },
		authz.LegFreshness, authz.ReasonTokenExpired, "2026-06-01T10:00:00Z",
	},
	{ // THREATS 24
		"the token is from further in the future than clocks differ",
		func(w *world) { w.request.Token.IssuedAt = now.Add(61 * time.Second) },
		authz.LegFreshness, authz.ReasonTokenNotYetValid, "which is to come",
	},
}

var resourceCases = []denialCase{
	{
		"no resource server has the audience", func(w *world) { w.request.Audience = "https://tickets.example/" },
		authz.LegResource, authz.ReasonAudienceUnknown, "https://tickets.example/",
	},
	{
		"neither scope nor route nor audience is given", func(w *world) { w.request.Audience, w.request.Scope = "", "" },
		authz.LegResource, authz.ReasonAudienceUnknown, "no resource server has the audience \"\"",
	},
	{
		"no resource server has the host", func(w *world) { over("GET", "/me")(w); w.request.HTTP.Host = "other.example" },
		authz.LegResource, authz.ReasonAudienceUnknown, "no resource server has the host \"other.example\"",
	},
	{ // THREATS 26
		"a name in the path is disguised", over("GET", "/customers/alice/tickets/42%EF%BC%8F43"),
		authz.LegResource, authz.ReasonPathNotCanonical, "the path percent-encodes a character that cannot be seen, or one that some servers read as '/'",
	},
	{ // THREATS 26
		"the host has a trailing dot", func(w *world) { over("GET", "/me")(w); w.request.HTTP.Host = "tickets.example." },
		authz.LegResource, authz.ReasonAudienceUnknown, "no resource server has the host",
	},
	{
		"the resource server has no such scope", func(w *world) { w.request.Scope = "tickets:*" },
		authz.LegResource, authz.ReasonScopeUnknown, "ResourceServer support/tickets has no scope \"tickets:*\"",
	},
	{
		"no route takes the path", over("GET", "/customers/alice"),
		authz.LegResource, authz.ReasonRouteUnmatched, "has no route for GET /customers/alice",
	},
	{
		"no route takes the method", over("DELETE", "/customers/alice/tickets/42"),
		authz.LegResource, authz.ReasonRouteUnmatched, "has no route for DELETE",
	},
	{
		"a method is compared by case", over("get", "/customers/alice/tickets/42"),
		authz.LegResource, authz.ReasonRouteUnmatched, "has no route for get",
	},
	{
		"a name in the path is too long", over("GET", "/customers/alice/tickets/"+strings.Repeat("4", 1025)),
		authz.LegResource, authz.ReasonRouteUnmatched, "longer than 1024",
	},
	{
		"a property from the path is too long", over("GET", "/customers/"+strings.Repeat("a", 1025)+"/tickets/4"),
		authz.LegResource, authz.ReasonRouteUnmatched, "longer than 1024",
	},
	{ // THREATS 26
		"the path has a dot segment", over("GET", "/customers/alice/../bob/tickets/42"),
		authz.LegResource, authz.ReasonPathNotCanonical, "has a dot segment",
	},
	{
		"a person alone takes a route for services", func(w *world) {
			over("GET", "/customers/alice/tickets/42")(w)
			w.request.Actor = authz.Actor{}
		},
		authz.LegResource, authz.ReasonCallerNotAllowed, "corp:alice comes alone",
	},
	{
		"a service takes a route for people alone", over("GET", "/me"),
		authz.LegResource, authz.ReasonCallerNotAllowed, "support/portal acts for one",
	},
}

var alice = &bundle.Person{Issuer: "corp", ID: "alice"}

func revoking(r bundle.Revocation) func(*world) {
	return func(w *world) { w.revoke(r) }
}

func revokingOnTheWay(r bundle.Revocation) func(*world) {
	return func(w *world) { viaRouter(w); w.revoke(r) }
}

// withActorToken gives the actor a token of its own, issued so long after now, and revokes something.
func withActorToken(issued time.Duration, r bundle.Revocation) func(*world) {
	return func(w *world) {
		w.request.ActorIssuedAt = now.Add(issued)
		w.revoke(r)
	}
}

var revocationCases = []denialCase{
	{
		"the subject", revoking(bundle.Revocation{Subject: alice}),
		authz.LegRevocation, authz.ReasonRevoked, "subject corp:alice is revoked by DelegationRevocation incident-1",
	},
	{
		"the session", revoking(bundle.Revocation{Session: &bundle.Person{Issuer: "corp", ID: "s-1"}}),
		authz.LegRevocation, authz.ReasonRevoked, "session corp:s-1",
	},
	{
		"the current actor", revoking(bundle.Revocation{Actor: &bundle.Service{Namespace: "support", Name: "portal"}}),
		authz.LegRevocation, authz.ReasonRevoked, "actor support/portal",
	},
	{
		"a prior actor", revokingOnTheWay(bundle.Revocation{Actor: &bundle.Service{Namespace: "routing", Name: "router"}}),
		authz.LegRevocation, authz.ReasonRevoked, "actor routing/router",
	},
	{
		"the edge from the subject to the first actor",
		revokingOnTheWay(bundle.Revocation{Edge: &bundle.GraphEdge{Subject: alice, To: bundle.Service{Namespace: "routing", Name: "router"}}}),
		authz.LegRevocation, authz.ReasonRevoked, "the edge from subject corp:alice to routing/router",
	},
	{
		"the edge between two actors",
		revokingOnTheWay(bundle.Revocation{Edge: &bundle.GraphEdge{
			From: &bundle.Service{Namespace: "routing", Name: "router"}, To: bundle.Service{Namespace: "support", Name: "portal"},
		}}),
		authz.LegRevocation, authz.ReasonRevoked, "the edge from routing/router to support/portal",
	},
	{
		"the transaction", revoking(bundle.Revocation{Transaction: "txn-1"}),
		authz.LegRevocation, authz.ReasonRevoked, "the transaction of the token",
	},
	{
		"the token", revoking(bundle.Revocation{Token: "jti-1"}),
		authz.LegRevocation, authz.ReasonRevoked, "the token",
	},
	{
		"what was issued before an instant that lies after the token's", revoking(bundle.Revocation{Subject: alice, IssuedBefore: now.Unix()}),
		authz.LegRevocation, authz.ReasonRevoked, "subject corp:alice",
	},
	{
		"what was issued before, of a request without a token",
		func(w *world) {
			w.request.Token = nil
			w.revoke(bundle.Revocation{Subject: alice, IssuedBefore: now.Add(-time.Hour).Unix()})
		},
		authz.LegRevocation, authz.ReasonRevoked, "subject corp:alice",
	},
	{
		"what was issued before, of a token that does not say when",
		func(w *world) {
			w.request.Token.IssuedAt = time.Time{}
			w.revoke(bundle.Revocation{Subject: alice, IssuedBefore: now.Add(-time.Hour).Unix()})
		},
		authz.LegRevocation, authz.ReasonRevoked, "subject corp:alice",
	},
	{
		"a person who comes alone",
		func(w *world) {
			over("GET", "/me")(w)
			w.request.Actor, w.request.Token = authz.Actor{}, nil
			w.revoke(bundle.Revocation{Subject: alice})
		},
		authz.LegRevocation, authz.ReasonRevoked, "subject corp:alice",
	},
	{ // THREATS 19
		"a stolen token of the actor, older than the actor's revocation, beside a person's newer one",
		withActorToken(-30*time.Minute, bundle.Revocation{Actor: &bundle.Service{Namespace: "support", Name: "portal"}, IssuedBefore: now.Add(-10 * time.Minute).Unix()}),
		authz.LegRevocation, authz.ReasonRevoked, "actor support/portal is revoked by DelegationRevocation incident-1",
	},
	{ // THREATS 19
		"a stolen token of the actor, older than the revocation of the edge from the subject",
		withActorToken(-30*time.Minute, bundle.Revocation{
			Edge:         &bundle.GraphEdge{Subject: alice, To: bundle.Service{Namespace: "support", Name: "portal"}},
			IssuedBefore: now.Add(-10 * time.Minute).Unix(),
		}),
		authz.LegRevocation, authz.ReasonRevoked, "the edge from subject corp:alice to support/portal",
	},
	{
		"a person's token older than the actor's revocation, beside a newer one of the actor",
		func(w *world) {
			withActorToken(-time.Second, bundle.Revocation{Actor: &bundle.Service{Namespace: "support", Name: "portal"}, IssuedBefore: now.Add(-30 * time.Second).Unix()})(w)
		},
		authz.LegRevocation, authz.ReasonRevoked, "actor support/portal",
	},
	{
		"a person's token that does not say when, beside a newer one of the actor",
		func(w *world) {
			withActorToken(-time.Second, bundle.Revocation{Actor: &bundle.Service{Namespace: "support", Name: "portal"}, IssuedBefore: now.Add(-time.Hour).Unix()})(w)
			w.request.Token.IssuedAt = time.Time{}
		},
		authz.LegRevocation, authz.ReasonRevoked, "actor support/portal",
	},
	{
		"the only grant that binds the request",
		paying(func(w *world) {
			w.revoke(bundle.Revocation{Grant: &bundle.Service{Namespace: "support", Name: "pay-inv-7"}})
		}),
		authz.LegRevocation, authz.ReasonRevoked, "grant support/pay-inv-7",
	},
}

func carrying(scopes ...string) func(*world) {
	return func(w *world) { w.request.Token.Scopes = scopes }
}

// THREATS 23
var tokenCases = []denialCase{
	{"no scope at all", carrying(), authz.LegToken, authz.ReasonScopeNotInToken, "does not carry tickets:read of https://tickets.example"},
	{"another scope", carrying("tickets:readers"), authz.LegToken, authz.ReasonScopeNotInToken, "tickets:read"},
	{"the scope of another audience", carrying("https://other.example#tickets:read"), authz.LegToken, authz.ReasonScopeNotInToken, "tickets:read"},
	{"the scope in another case", carrying("Tickets:Read"), authz.LegToken, authz.ReasonScopeNotInToken, "tickets:read"},
	{"an empty scope", carrying(""), authz.LegToken, authz.ReasonTokenScopeMalformed, "no scope"},
	{"a scope with white space", carrying("tickets:read tickets:comment"), authz.LegToken, authz.ReasonTokenScopeMalformed, "no scope"},
	{"a scope with a tab", carrying("tickets:read\t"), authz.LegToken, authz.ReasonTokenScopeMalformed, "no scope"},
	{"a scope with a look-alike", carrying("tickets:reаd"), authz.LegToken, authz.ReasonTokenScopeMalformed, "no scope"},
	{"a scope with a quote", carrying("tickets:read\""), authz.LegToken, authz.ReasonTokenScopeMalformed, "no scope"},
	{"a good scope before a malformed one", carrying("tickets:read", "#"), authz.LegToken, authz.ReasonTokenScopeMalformed, "no scope"},
	{"a qualified scope without an audience", carrying("#tickets:read"), authz.LegToken, authz.ReasonTokenScopeMalformed, "no scope"},
	{"a qualified scope without a name", carrying("https://tickets.example#"), authz.LegToken, authz.ReasonTokenScopeMalformed, "no scope"},
	{"a scope that is qualified twice", carrying("a#b#tickets:read"), authz.LegToken, authz.ReasonTokenScopeMalformed, "no scope"},
}

var subjectCases = []denialCase{
	{
		"another customer's ticket", func(w *world) { w.request.Resource.Properties["owner"] = "bob" },
		authz.LegSubject, authz.ReasonNotEntitled, "corp:alice is not entitled to tickets:read here: only the customer's own tickets",
	},
	{
		"nobody says whose ticket it is", func(w *world) { delete(w.request.Resource.Properties, "owner") },
		authz.LegSubject, authz.ReasonConditionError, "cannot be told: only the customer's own tickets (evaluating condition: line 1, column 20: no such key: resource.properties.owner)",
	},
	{
		"a person in no group", func(w *world) { w.request.Subject.Groups = nil },
		authz.LegSubject, authz.ReasonNotEntitled, "corp:alice is not entitled to tickets:read of https://tickets.example",
	},
	{
		"a namesake at another issuer", func(w *world) { w.request.Subject.Issuer = "partner" },
		authz.LegSubject, authz.ReasonNotEntitled, "partner:alice",
	},
	{
		"a scope that nobody holds", func(w *world) { w.policy.Scopes[read].Entitlements = nil },
		authz.LegSubject, authz.ReasonNotEntitled, "corp:alice",
	},
	{
		"an entitlement that selects nobody",
		func(w *world) {
			w.policy.Scopes[read].Entitlements = []bundle.Entitlement{{Subjects: bundle.SubjectSelector{Issuer: "corp"}}}
		},
		authz.LegSubject, authz.ReasonNotEntitled, "corp:alice",
	},
	{
		"a selector of the empty group does not select people in a group without a name",
		func(w *world) {
			w.request.Subject.Groups = []string{""}
			w.policy.Scopes[read].Entitlements = []bundle.Entitlement{{Subjects: bundle.SubjectSelector{Issuer: "corp", Groups: []string{""}}}}
		},
		authz.LegSubject, authz.ReasonNotEntitled, "corp:alice",
	},
	{
		"a selector of the empty user name does not select people without one",
		func(w *world) {
			w.request.Subject.Username = ""
			w.policy.Scopes[read].Entitlements = []bundle.Entitlement{{Subjects: bundle.SubjectSelector{Issuer: "corp", Usernames: []string{""}}}}
		},
		authz.LegSubject, authz.ReasonNotEntitled, "corp:alice",
	},
}

var actorCases = []denialCase{
	{
		"a namespace that may not come", func(w *world) { w.policy.AllowedNamespaces = []string{"routing"} },
		authz.LegActor, authz.ReasonActorNotAllowed, "does not let services of namespace support come",
	},
	{
		"an actor without any ServiceDelegation", func(w *world) { w.request.Actor.ServiceAccount = "chat" },
		authz.LegActor, authz.ReasonNotDeclared, "support/chat does not declare tickets:read of https://tickets.example in any ServiceDelegation",
	},
	{
		"a scope that the actor does not declare",
		func(w *world) {
			w.request.Scope, w.request.Token = "tickets:delete", nil
			w.request.Subject.Groups = []string{"support-agents"}
		},
		authz.LegActor, authz.ReasonNotDeclared, "support/portal does not declare tickets:delete",
	},
	{
		"a scope that the actor declares for the next service only",
		func(w *world) {
			w.request.Actor = router
		},
		authz.LegActor, authz.ReasonNotDeclared, "routing/router does not declare tickets:read",
	},
}

var chainCases = []denialCase{
	{
		"a prior actor that declares nothing", func(w *world) {
			w.request.Via = []authz.Actor{{Namespace: "support", ServiceAccount: "chat"}}
		},
		authz.LegChain, authz.ReasonNotDeclared, "support/chat, earlier in the chain, does not declare tickets:read",
	},
	{
		"a prior actor that declares other scopes only",
		func(w *world) { viaRouter(w); w.policy.Actors[1].Declarations[0].Onward[0].Scopes = []int{comment} },
		authz.LegChain, authz.ReasonNotDeclared, "routing/router, earlier in the chain, does not declare tickets:read",
	},
	{
		"a prior actor that declares the scope and not the next actor",
		func(w *world) {
			viaRouter(w)
			d := &w.policy.Actors[1].Declarations[0]
			d.Scopes, d.Onward[0].ServiceAccount = []int{read}, "desk"
		},
		authz.LegChain, authz.ReasonEdgeNotDeclared, "routing/router does not declare support/portal in onward with tickets:read",
	},
	{
		"a prior actor that declares the next actor with another scope",
		func(w *world) {
			viaRouter(w)
			d := &w.policy.Actors[1].Declarations[0]
			d.Scopes, d.Onward[0].Scopes = []int{read}, []int{comment}
		},
		authz.LegChain, authz.ReasonEdgeNotDeclared, "routing/router does not declare support/portal in onward",
	},
	{ // THREATS 20
		"an actor that stands twice", func(w *world) { w.request.Via = []authz.Actor{w.request.Actor, router} },
		authz.LegChain, authz.ReasonChainLoop, "support/portal stands twice in the chain",
	},
	{ // THREATS 20
		"more than eight actors", func(w *world) { fill(w, 8) },
		authz.LegChain, authz.ReasonChainTooDeep, "9 actors stand in the chain, more than 8",
	},
}

func permitLimits(change func(*bundle.Rule)) func(*world) {
	return func(w *world) { change(&w.policy.Rules[0]) }
}

var policyCases = []denialCase{
	{ // THREATS 40
		"the request is larger than its condition may be asked about",
		func(w *world) { w.request.Context["text"] = strings.Repeat("x", 40_000) },
		authz.LegPolicy, authz.ReasonConditionError, "context has a text longer than 32768 bytes",
	},
	{
		"a Forbid beside a Permit",
		func(w *world) { w.policy.Rules[2].Scopes = []int{read} },
		authz.LegPolicy, authz.ReasonForbidden, "DelegationPolicy nobody-deletes forbids support/portal to use tickets:read for corp:alice",
	},
	{
		"a Forbid whose condition errs",
		func(w *world) {
			w.policy.Conditions = append(w.policy.Conditions, conditionOf(w.tb, "context.frozen == true", "while frozen"))
			w.policy.Rules[2].Scopes, w.policy.Rules[2].Conditions = []int{read}, []int{3}
		},
		authz.LegPolicy, authz.ReasonForbidden, "nobody-deletes",
	},
	{
		"a Forbid whose dry run is over",
		func(w *world) {
			w.policy.Rules[2].Scopes, w.policy.Rules[2].DryRunUntil = []int{read}, now.Unix()
		},
		authz.LegPolicy, authz.ReasonForbidden, "nobody-deletes",
	},
	{
		"no Permit for the scope", permitLimits(func(r *bundle.Rule) { r.Scopes = []int{comment} }),
		authz.LegPolicy, authz.ReasonNoPolicy, "no DelegationPolicy permits support/portal to use tickets:read for corp:alice",
	},
	{
		"no Permit for the subject", permitLimits(func(r *bundle.Rule) { r.Subjects = nil }),
		authz.LegPolicy, authz.ReasonNoPolicy, "no DelegationPolicy permits",
	},
	{
		"no Permit for the actor", permitLimits(func(r *bundle.Rule) {
			r.Actors = []bundle.ActorSelector{{Namespace: "support", ServiceAccount: "chat"}}
		}),
		authz.LegPolicy, authz.ReasonNoPolicy, "no DelegationPolicy permits",
	},
	{
		"a Permit whose condition does not hold", func(w *world) { w.request.Context["purpose"] = "marketing" },
		authz.LegPolicy, authz.ReasonNoPolicy, "here: only for support",
	},
	{
		"a Permit whose condition errs", func(w *world) { w.request.Context = nil },
		authz.LegPolicy, authz.ReasonConditionError, "cannot be told: only for support (evaluating condition: line 1, column 8: no such key: context.purpose)",
	},
	{
		"a Permit with a condition that errs and one that does not hold",
		func(w *world) {
			w.request.Context, w.policy.Rules[0].Conditions = nil, []int{forSupport, never}
		},
		authz.LegPolicy, authz.ReasonNoPolicy, "here: it takes subject.id == 'nobody'",
	},
	{
		"a person who signed in too long ago", func(w *world) { w.request.Subject.AuthTime = now.Add(-28801 * time.Second) },
		authz.LegPolicy, authz.ReasonSubjectTooOld, "DelegationPolicy portal-for-customers asks that corp:alice signed in within the last 8h0m0s",
	},
	{
		"a person who signed in nobody knows when", func(w *world) { w.request.Subject.AuthTime = time.Time{} },
		authz.LegPolicy, authz.ReasonSubjectTooOld, "portal-for-customers",
	},
	{
		"a person who is yet to sign in", func(w *world) { w.request.Subject.AuthTime = now.Add(61 * time.Second) },
		authz.LegPolicy, authz.ReasonSubjectTooOld, "portal-for-customers",
	},
	{
		"more actors than the Permit takes",
		func(w *world) { viaRouter(w); w.policy.Rules[0].Limits.MaxChainDepth = 1 },
		authz.LegPolicy, authz.ReasonChainTooDeep, "2 actors stand in the chain, more than the 1 of DelegationPolicy portal-for-customers",
	},
	{
		"a token that was issued for too long", func(w *world) { w.request.Token.ExpiresAt = now.Add(5 * time.Minute) },
		authz.LegPolicy, authz.ReasonTokenLifetimeTooLong, "the token was issued for longer than the 5m0s of DelegationPolicy portal-for-customers",
	},
	{
		"a token of unknown lifetime", func(w *world) { w.request.Token.ExpiresAt = time.Time{} },
		authz.LegPolicy, authz.ReasonTokenLifetimeTooLong, "portal-for-customers",
	},
	{
		"several limits in the way: the age of the sign-in is named",
		func(w *world) {
			viaRouter(w)
			w.policy.Rules[0].Limits.MaxChainDepth = 1
			w.request.Subject.AuthTime, w.request.Token.ExpiresAt = time.Time{}, time.Time{}
		},
		authz.LegPolicy, authz.ReasonSubjectTooOld, "portal-for-customers",
	},
	{
		"one Permit fails by a limit and another by an error: the limit is named",
		func(w *world) {
			w.request.Subject.AuthTime = time.Time{}
			other := w.policy.Rules[0]
			w.policy.Conditions = append(w.policy.Conditions, conditionOf(w.tb, "context.frozen == false", "unless frozen"))
			other.Policy, other.Conditions, other.Limits = policyRef("another"), []int{3}, bundle.Limits{MaxChainDepth: 8}
			w.policy.Rules = append(w.policy.Rules, other)
		},
		authz.LegPolicy, authz.ReasonSubjectTooOld, "portal-for-customers",
	},
}

func changingGrant(change func(*bundle.Grant)) func(*world) {
	return paying(func(w *world) { change(&w.policy.Grants[0]) })
}

var grantCases = []denialCase{
	{
		"there is none", paying(func(w *world) { w.policy.Grants = nil }),
		authz.LegGrant, authz.ReasonGrantRequired, "DelegationPolicy payments-by-grant asks for a DelegationGrant, and none is live for corp:alice, support/portal and payments:execute",
	},
	{
		"it is over this very instant", changingGrant(func(g *bundle.Grant) { g.NotAfter = now.Unix() }),
		authz.LegGrant, authz.ReasonGrantRequired, "none is live",
	},
	{
		"it is yet to begin", changingGrant(func(g *bundle.Grant) { g.NotBefore = now.Unix() + 1 }),
		authz.LegGrant, authz.ReasonGrantRequired, "none is live",
	},
	{
		"it is for another scope", changingGrant(func(g *bundle.Grant) { g.Scopes = []int{read} }),
		authz.LegGrant, authz.ReasonGrantRequired, "none is live",
	},
	{
		"it is for another subject", changingGrant(func(g *bundle.Grant) { g.Subject = "bob" }),
		authz.LegGrant, authz.ReasonGrantRequired, "none is live",
	},
	{
		"it is for another actor", changingGrant(func(g *bundle.Grant) { g.ServiceAccount = "chat" }),
		authz.LegGrant, authz.ReasonGrantRequired, "none is live",
	},
	{
		"it is for another invoice", changingGrant(func(g *bundle.Grant) { g.ResourceID = "inv-8" }),
		authz.LegGrant, authz.ReasonGrantMismatch, "no live DelegationGrant for corp:alice and support/portal binds this very request",
	},
	{
		"it is for another type of resource", changingGrant(func(g *bundle.Grant) { g.ResourceType = "order" }),
		authz.LegGrant, authz.ReasonGrantMismatch, "binds this very request",
	},
	{
		"it names no resource and the policy binds one", changingGrant(func(g *bundle.Grant) { g.ResourceType, g.ResourceID = "", "" }),
		authz.LegGrant, authz.ReasonGrantMismatch, "binds this very request",
	},
	{
		"it is for another session", changingGrant(func(g *bundle.Grant) { g.Session = "s-2" }),
		authz.LegGrant, authz.ReasonGrantMismatch, "binds this very request",
	},
	{
		"it names no session and the policy binds one", paying(func(w *world) { w.policy.Rules[1].Grant.BindSession = true }),
		authz.LegGrant, authz.ReasonGrantMismatch, "binds this very request",
	},
	{
		"it names no arguments and the policy binds them", paying(func(w *world) { w.policy.Rules[1].Grant.BindArguments = true }),
		authz.LegGrant, authz.ReasonGrantMismatch, "binds this very request",
	},
	{
		"it names arguments and the request has none", changingGrant(func(g *bundle.Grant) { g.ArgumentsDigest = "sha256:00" }),
		authz.LegGrant, authz.ReasonGrantMismatch, "binds this very request",
	},
	{
		"it lives longer than the policy takes", changingGrant(func(g *bundle.Grant) { g.NotAfter = g.NotBefore + 3601 }),
		authz.LegGrant, authz.ReasonGrantMismatch, "binds this very request",
	},
	{
		"its approver is none that the policy names", changingGrant(func(g *bundle.Grant) { g.ApproverGroups = []string{"friends"} }),
		authz.LegGrant, authz.ReasonGrantMismatch, "binds this very request",
	},
	{
		"nobody approved it", changingGrant(func(g *bundle.Grant) { g.ApproverUsername = "" }),
		authz.LegGrant, authz.ReasonGrantMismatch, "binds this very request",
	},
	{
		"the subject approved it", changingGrant(func(g *bundle.Grant) { g.ApproverUsername = "alice@example.com" }),
		authz.LegGrant, authz.ReasonGrantMismatch, "binds this very request as DelegationPolicy payments-by-grant asks: " +
			"the approver of DelegationGrant support/pay-inv-7 is the subject or a service of the chain, and nobody approves for themselves",
	},
	{
		"the subject approved it under the name of its id", changingGrant(func(g *bundle.Grant) { g.ApproverUsername = "alice" }),
		authz.LegGrant, authz.ReasonGrantMismatch, "binds this very request",
	},
}

func TestDenials(t *testing.T) {
	if d := newWorld(t).decide(t); !d.Allowed() {
		t.Fatalf("the world that the cases change is not allowed: %+v", d.Denial)
	}
	reached := map[authz.Reason]bool{}
	for _, leg := range [][]denialCase{
		identityCases, freshnessCases, resourceCases, inputCases, toolCases, revocationCases, tokenCases,
		subjectCases, actorCases, chainCases, policyCases, grantCases,
	} {
		for _, c := range leg {
			reached[c.reason] = true
			t.Run(string(c.leg)+": "+c.name, func(t *testing.T) { c.run(t) })
		}
	}
	reached[authz.ReasonInternalError] = true // TestAPanicDenies
	for _, reason := range authz.Reasons() {
		if !reached[reason] {
			t.Errorf("no case reaches %s", reason)
		}
	}
}

func (c denialCase) run(t *testing.T) {
	t.Helper()
	w := newWorld(t)
	c.change(w)
	d := w.decide(t)
	if d.Outcome != authz.Deny || d.Leg != c.leg || d.Reason != c.reason {
		t.Fatalf("got %s %s/%s (%s), want Deny %s/%s", d.Outcome, d.Leg, d.Reason, d.Message, c.leg, c.reason)
	}
	if !strings.Contains(d.Message, c.message) {
		t.Errorf("the message %q does not say %q", d.Message, c.message)
	}
	if d.DryRun != nil || d.Grant != nil {
		t.Errorf("a denial carries a dry run or a grant: %+v", d)
	}
	if named := len(d.Policies) > 0; named != (c.reason == authz.ReasonForbidden) {
		t.Errorf("a denial names policies %v", d.Policies)
	}
}
