// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package schema

import "strings"

// A word is a kind of string that several fields hold: a value that is one, a value that is none, and what is said of it.
type word struct{ good, bad, says string }

const (
	saysScope    = "a scope has printable ASCII characters only and no space, quotation mark, '#' or backslash (RFC 6749 section 3.3): give each scope as an entry of its own, without its audience"
	saysWildcard = "no segment of a scope is '*' alone: name each scope in full; patterns such as tickets:* belong to a DelegationPolicy"
	saysPattern  = "a scope pattern has printable ASCII characters only and no space, quotation mark, '#' or backslash (RFC 6749 section 3.3): give each pattern as an entry of its own, without its audience"
	saysStar     = "'*' stands for whole segments, once and at the end: write tickets:* or '*' alone, or name each scope in full"
	saysAudience = "an audience has printable ASCII characters only and no space, quotation mark, '#' or backslash: give it exactly as tokens carry it in 'aud', for example https://tickets.example"
	saysIssuer   = "an issuer is the name of a TrustedIssuer object, in lower case and without scheme or path: write corp, not https://idp.example"
	saysSpace    = "a namespace's name has lower-case letters, digits and '-' only, and begins and ends with a letter or digit: write one name; a namespaceSelector selects several where the kind has one"
	saysAccount  = "a service account's name has lower-case letters, digits, '-' and '.' only, and begins and ends with a letter or digit: write its name alone, without its namespace"
	saysSubject  = "a subject's id has no control or invisible characters: give the 'sub' exactly as the issuer's tokens carry it"
	saysUsername = "a user name has no control or invisible characters: give it exactly as the claim carries it, or name the person's id in its place"
	saysGroup    = "a group has no control or invisible characters: give it exactly as the claim carries it, or rename it where it is kept"
	saysClaim    = "a claim's name has printable ASCII characters only and no space: give the name of one top-level claim, as the issuer's tokens carry it"
	saysSession  = "a session's id has no control or invisible characters: give it exactly as the issuer's tokens carry it"
	saysType     = "a resource's type has letters, digits, '-', '_', '.', ':' and '/' only, and begins and ends with a letter or digit: write ticket; what varies goes into id"
	saysMessage  = "a message stands on one line and has no control or invisible characters: remove them; in YAML, write >- in place of |"
)

var (
	scopes = []word{
		{`"tickets:read"`, `"tickets:read tickets:comment"`, saysScope},
		{`"https://www.googleapis.com/auth/drive"`, `"https://tickets.example#tickets:read"`, saysScope},
		{`"tickets"`, `"tickéts"`, saysScope},
		{`"a<b>&c"`, `"a\\b"`, saysScope},
		{`"tickets:a*b"`, `"tickets:*"`, saysWildcard},
		{`"**"`, `"*"`, saysWildcard},
	}
	patterns = []word{
		{`"tickets:read"`, `"tickets:read tickets:comment"`, saysPattern},
		{`"tickets:*"`, `"tickets:*:read"`, saysStar},
		{`"crm:contacts:*"`, `"tickets:re*"`, saysStar},
		{`"*"`, `"**"`, saysStar},
		{`"tickets"`, `"*tickets"`, saysStar},
	}
	audiences = []word{
		{`"https://tickets.example"`, `"https://tickets.example https://ledger.example"`, saysAudience},
		{`"urn:tickets?a=b&c"`, `"https://tickets.example#tickets:read"`, saysAudience},
		{`"tickets"`, `"\"tickets\""`, saysAudience},
		{`"T~!"`, `"https:\\tickets"`, saysAudience},
	}
	issuers  = []word{{`"corp"`, `"https://idp.example"`, saysIssuer}, {`"corp.example"`, `"Corp"`, saysIssuer}}
	spaces   = []word{{`"support-1"`, `"support/portal"`, saysSpace}, {`"0"`, `"Support"`, saysSpace}, {`"a--b"`, `"sup*"`, saysSpace}}
	accounts = []word{
		{`"portal"`, `"support/portal"`, saysAccount},
		{`"portal.v1"`, `"system:serviceaccount:support:portal"`, saysAccount},
	}
	subjects = []word{
		{`"auth0|alice"`, `"alice\u0000"`, saysSubject},
		{`"alice smith"`, `"alice\n"`, saysSubject},
		{`"CN=R&D"`, `"\u202Eecila"`, saysSubject},
	}
	usernames = []word{{`"alice@example.com"`, `"alice\u0007"`, saysUsername}, {`"Jürgen Groß"`, `"alice\u200B"`, saysUsername}}
	groups    = []word{{`"customers"`, `"customers\r\n"`, saysGroup}, {`"CN=R&D,OU=Ärzte"`, `"\uFEFFcustomers"`, saysGroup}}
	claims    = []word{
		{`"department"`, `"the department"`, saysClaim},
		{`"https://corp.example/roles#1"`, `"département"`, saysClaim},
	}
	sessions = []word{{`"s-1"`, `"s-1\n"`, saysSession}}
	types    = []word{{`"ticket"`, `"{type}"`, saysType}, {`"fhir.org/Patient"`, `"my ticket"`, saysType}}
	messages = []word{{`"only the customer's own tickets"`, `"only the\ncustomer's own"`, saysMessage}}
)

// A place is a field that holds words of a kind; in its YAML, VALUE stands where the word goes.
type place struct {
	kind, field string
	words       []word
	yaml        string
}

func wordRules() []rule {
	places := []place{
		{"DelegationGrant", "spec.actor.namespace", spaces, `actor: {namespace: VALUE, serviceAccount: portal}`},
		{"DelegationGrant", "spec.actor.serviceAccount", accounts, `actor: {namespace: support, serviceAccount: VALUE}`},
		{"DelegationGrant", "spec.approver.groups[0]", groups, `{state: Approved, approver: {username: carol, groups: [VALUE]}}`},
		{"DelegationGrant", "spec.approver.username", usernames, `{state: Approved, approver: {username: VALUE}}`},
		{"DelegationGrant", "spec.audience", audiences, `audience: VALUE`},
		{"DelegationGrant", "spec.requester.username", usernames, `requester: {username: VALUE}`},
		{"DelegationGrant", "spec.resource.type", types, `resource: {type: VALUE, id: "42"}`},
		{"DelegationGrant", "spec.scopes[0]", scopes, `scopes: [VALUE]`},
		{"DelegationGrant", "spec.session", sessions, `session: VALUE`},
		{"DelegationGrant", "spec.subject.id", subjects, `subject: {issuer: corp, id: VALUE}`},
		{"DelegationGrant", "spec.subject.issuer", issuers, `subject: {issuer: VALUE, id: alice}`},

		{"DelegationPolicy", "spec.actors[0].namespace", spaces, `actors: [{namespace: VALUE, all: true}]`},
		{"DelegationPolicy", "spec.actors[0].serviceAccount", accounts, `actors: [{namespace: support, serviceAccount: VALUE}]`},
		{"DelegationPolicy", "spec.audiences[0].audience", audiences, `audiences: [{audience: VALUE, scopes: ["*"]}]`},
		{"DelegationPolicy", "spec.audiences[0].scopes[0]", patterns, `audiences: [{audience: tickets, scopes: [VALUE]}]`},
		{"DelegationPolicy", "spec.conditions[0].message", messages, `conditions: [{expression: "true", message: VALUE}]`},
		{"DelegationPolicy", "spec.disclose[0]", claims, `disclose: [VALUE]`},
		{"DelegationPolicy", "spec.requireGrant.approvers.groups[0]", groups, `requireGrant: {maxLifetimeSeconds: 1, approvers: {groups: [VALUE]}}`},
		{"DelegationPolicy", "spec.requireGrant.approvers.usernames[0]", usernames, `requireGrant: {maxLifetimeSeconds: 1, approvers: {usernames: [VALUE]}}`},
		{"DelegationPolicy", "spec.subjects[0].groups[0]", groups, `subjects: [{issuer: corp, groups: [VALUE]}]`},
		{"DelegationPolicy", "spec.subjects[0].issuer", issuers, `subjects: [{issuer: VALUE, all: true}]`},
		{"DelegationPolicy", "spec.subjects[0].usernames[0]", usernames, `subjects: [{issuer: corp, usernames: [VALUE]}]`},
		{"DelegationPolicy", "spec.subjects[0].users[0]", subjects, `subjects: [{issuer: corp, users: [VALUE]}]`},

		{"DelegationRevocation", "spec.actor.namespace", spaces, `{token: null, actor: {namespace: VALUE, serviceAccount: portal}}`},
		{"DelegationRevocation", "spec.actor.serviceAccount", accounts, `{token: null, actor: {namespace: support, serviceAccount: VALUE}}`},
		{"DelegationRevocation", "spec.edge.from.namespace", spaces, `{token: null, edge: {from: {namespace: VALUE, serviceAccount: portal}, to: {namespace: billing, serviceAccount: invoices}}}`},
		{"DelegationRevocation", "spec.edge.from.serviceAccount", accounts, `{token: null, edge: {from: {namespace: support, serviceAccount: VALUE}, to: {namespace: billing, serviceAccount: invoices}}}`},
		{"DelegationRevocation", "spec.edge.subject.id", subjects, `{token: null, edge: {subject: {issuer: corp, id: VALUE}, to: {namespace: billing, serviceAccount: invoices}}}`},
		{"DelegationRevocation", "spec.edge.subject.issuer", issuers, `{token: null, edge: {subject: {issuer: VALUE, id: alice}, to: {namespace: billing, serviceAccount: invoices}}}`},
		{"DelegationRevocation", "spec.edge.to.namespace", spaces, `{token: null, edge: {subject: {issuer: corp, id: alice}, to: {namespace: VALUE, serviceAccount: invoices}}}`},
		{"DelegationRevocation", "spec.edge.to.serviceAccount", accounts, `{token: null, edge: {subject: {issuer: corp, id: alice}, to: {namespace: billing, serviceAccount: VALUE}}}`},
		{"DelegationRevocation", "spec.grant.namespace", spaces, `{token: null, grant: {namespace: VALUE, name: pay-inv-7}}`},
		{"DelegationRevocation", "spec.session.id", sessions, `{token: null, session: {issuer: corp, id: VALUE}}`},
		{"DelegationRevocation", "spec.session.issuer", issuers, `{token: null, session: {issuer: VALUE, id: s-1}}`},
		{"DelegationRevocation", "spec.subject.id", subjects, `{token: null, subject: {issuer: corp, id: VALUE}}`},
		{"DelegationRevocation", "spec.subject.issuer", issuers, `{token: null, subject: {issuer: VALUE, id: alice}}`},

		{"ResourceServer", "spec.audience", audiences, `audience: VALUE`},
		{"ResourceServer", "spec.authorizers[0].namespace", spaces, `authorizers: [{namespace: VALUE, serviceAccount: authorizer}]`},
		{"ResourceServer", "spec.authorizers[0].serviceAccount", accounts, `authorizers: [{namespace: support, serviceAccount: VALUE}]`},
		{"ResourceServer", "spec.routes[0].mcp.tools[0].resource.type", types, `routes: [{match: {methods: [POST], path: /}, scope: tickets:read, mcp: {tools: [{name: a, scope: tickets:read, resource: {type: VALUE, id: a}}]}}]`},
		{"ResourceServer", "spec.routes[0].resource.type", types, `routes: [{match: {methods: [GET], path: /}, scope: tickets:read, resource: {type: VALUE}}]`},
		{"ResourceServer", "spec.scopes[0].entitlements[0].conditions[0].message", messages, `scopes: [{name: a, entitlements: [{subjects: {issuer: corp, all: true}, conditions: [{expression: "true", message: VALUE}]}]}]`},
		{"ResourceServer", "spec.scopes[0].entitlements[0].subjects.groups[0]", groups, `scopes: [{name: a, entitlements: [{subjects: {issuer: corp, groups: [VALUE]}}]}]`},
		{"ResourceServer", "spec.scopes[0].entitlements[0].subjects.issuer", issuers, `scopes: [{name: a, entitlements: [{subjects: {issuer: VALUE, all: true}}]}]`},
		{"ResourceServer", "spec.scopes[0].entitlements[0].subjects.usernames[0]", usernames, `scopes: [{name: a, entitlements: [{subjects: {issuer: corp, usernames: [VALUE]}}]}]`},
		{"ResourceServer", "spec.scopes[0].entitlements[0].subjects.users[0]", subjects, `scopes: [{name: a, entitlements: [{subjects: {issuer: corp, users: [VALUE]}}]}]`},
		{"ResourceServer", "spec.scopes[0].name", scopes, `scopes: [{name: VALUE}]`},

		{"ServiceDelegation", "spec.audiences[0].audience", audiences, `audiences: [{audience: VALUE, scopes: [a]}]`},
		{"ServiceDelegation", "spec.audiences[0].scopes[0]", scopes, `audiences: [{audience: tickets, scopes: [VALUE]}]`},
		{"ServiceDelegation", "spec.onward[0].audiences[0].audience", audiences, `onward: [{to: {namespace: billing, serviceAccount: invoices}, audiences: [{audience: VALUE, scopes: [a]}]}]`},
		{"ServiceDelegation", "spec.onward[0].audiences[0].scopes[0]", scopes, `onward: [{to: {namespace: billing, serviceAccount: invoices}, audiences: [{audience: ledger, scopes: [VALUE]}]}]`},
		{"ServiceDelegation", "spec.onward[0].to.namespace", spaces, `onward: [{to: {namespace: VALUE, serviceAccount: invoices}, audiences: [{audience: ledger, scopes: [a]}]}]`},
		{"ServiceDelegation", "spec.onward[0].to.serviceAccount", accounts, `onward: [{to: {namespace: billing, serviceAccount: VALUE}, audiences: [{audience: ledger, scopes: [a]}]}]`},
		{"ServiceDelegation", "spec.serviceAccountName", accounts, `serviceAccountName: VALUE`},

		{"TrustedIssuer", "spec.audiences[0]", audiences, `audiences: [VALUE]`},
		{"TrustedIssuer", "spec.claims.groups", claims, `claims: {groups: VALUE}`},
		{"TrustedIssuer", "spec.claims.session", claims, `claims: {session: VALUE}`},
		{"TrustedIssuer", "spec.claims.username", claims, `claims: {username: VALUE}`},
		{"TrustedIssuer", "spec.forward[0]", claims, `forward: [VALUE]`},
		{"TrustedIssuer", "spec.scopes.claim", claims, `scopes: {type: Claim, claim: VALUE}`},
	}
	var rules []rule
	for _, p := range places {
		for _, w := range p.words {
			rules = append(rules, rule{
				kind: p.kind, field: p.field, says: w.says,
				good: strings.Replace(p.yaml, "VALUE", w.good, 1),
				bad:  strings.Replace(p.yaml, "VALUE", w.bad, 1),
			})
		}
	}
	// A route's scope is one of spec.scopes, which is refused as well.
	for _, w := range scopes {
		yaml := `{scopes: [{name: tickets:read}, {name: VALUE}], routes: [{match: {methods: [GET], path: /}, scope: VALUE}]}`
		if w.good == `"tickets:read"` {
			yaml = `{scopes: [{name: VALUE}], routes: [{match: {methods: [GET], path: /}, scope: VALUE}]}`
		}
		rules = append(rules, rule{
			kind: "ResourceServer", field: "spec.routes[0].scope", says: w.says,
			good: strings.ReplaceAll(yaml, "VALUE", w.good),
			bad:  `routes: [{match: {methods: [GET], path: /}, scope: ` + w.bad + `}]`,
			also: "every route's scope must be the name of one of spec.scopes",
		})
		yaml = strings.Replace(yaml, "match: {methods: [GET], path: /}, scope: VALUE", "match: {methods: [POST], path: /}, scope: tickets:read, mcp: {tools: [{name: a, scope: VALUE}]}", 1)
		rules = append(rules, rule{
			kind: "ResourceServer", field: "spec.routes[0].mcp.tools[0].scope", says: w.says,
			good: strings.ReplaceAll(yaml, "VALUE", w.good),
			bad:  `routes: [{match: {methods: [POST], path: /}, scope: tickets:read, mcp: {tools: [{name: a, scope: ` + w.bad + `}]}}]`,
			also: "every tool's scope must be the name of one of spec.scopes",
		})
	}
	return rules
}
