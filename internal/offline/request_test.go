// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package offline_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/offline"
)

// full says all that can be said of a request by its scope, as the design writes it.
const full = `
subject: {issuer: corp, id: alice, username: alice@example.com, groups: [customers], claims: {department: north}, authTime: "2026-06-01T09:30:00Z", session: s-1}
actor: support/portal
via: [shop/checkout]
audience: https://tickets.example
scope: tickets:read
resource: {type: ticket, id: "42", properties: {owner: alice}}
token: {scopes: [tickets:read], issuedAt: "2026-06-01T09:59:00Z", expiresAt: "2026-06-01T11:00:00Z", id: jti-1, transaction: txn-1}
context: {purpose: support, attempt: 2}
`

func at(hour, minute int) time.Time { return time.Date(2026, 6, 1, hour, minute, 0, 0, time.UTC) }

func TestARequestIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		written string
		want    authz.Request
	}{
		"with everything, by its scope": {full, authz.Request{
			Subject: authz.Subject{
				Issuer: "corp", ID: "alice", Username: "alice@example.com", Groups: []string{"customers"},
				Claims: map[string]any{"department": "north"}, AuthTime: at(9, 30), Session: "s-1",
			},
			Actor:    authz.Actor{Namespace: "support", ServiceAccount: "portal"},
			Via:      []authz.Actor{{Namespace: "shop", ServiceAccount: "checkout"}},
			Audience: "https://tickets.example", Scope: "tickets:read",
			Resource: authz.Resource{Type: "ticket", ID: "42", Properties: map[string]any{"owner": "alice"}},
			Token: &authz.Token{
				ID: "jti-1", Transaction: "txn-1", IssuedAt: at(9, 59), ExpiresAt: at(11, 0), Scopes: []string{"tickets:read"},
			},
			Context: map[string]any{"purpose": "support", "attempt": 2.0},
		}},
		"with everything, by its HTTP request": {
			`{"http": {"method": "POST", "host": "tickets.example", "path": "/mcp?x=1", "headers": {"X-Tenant": ["north"], "accept": ["a", "b"]}, "body": "{}", "bodyPartial": true}}`,
			authz.Request{HTTP: &authz.HTTPRequest{
				Method: "POST", Host: "tickets.example", Path: "/mcp?x=1",
				Headers: map[string][]string{"x-tenant": {"north"}, "accept": {"a", "b"}}, Body: []byte("{}"), BodyPartial: true,
			}},
		},
		"with nothing": {"{}", authz.Request{}},
		"with an empty chain, an empty body and a token that bounds nothing": {
			"via: []\nhttp: {body: ''}\ntoken: {unbounded: true}\n",
			authz.Request{HTTP: &authz.HTTPRequest{Body: []byte{}}, Token: &authz.Token{Unbounded: true}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := offline.ReadRequest("request.yaml", []byte(c.written))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, c.want) {
				t.Errorf("read %+v, want %+v", *got, c.want)
			}
		})
	}
}

func TestARequestThatIsNoneIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ written, says string }{
		"an unknown field":                       {"acotr: a/b\n", "request.yaml:1: acotr: unknown field; did you mean actor?"},
		"an unknown field of the subject":        {"subject:\n  issuer: corp\n  sub: alice\n", "request.yaml:3: subject.sub: unknown field; there are authTime, claims,"},
		"an unknown field of the token":          {"token: {scope: a}\n", "request.yaml:1: token.scope: unknown field; did you mean scopes?"}, // THREATS 23
		"an actor without namespace":             {"actor: portal\n", `request.yaml:1: actor: "portal" is no actor; give namespace/serviceaccount`},
		"an actor that is empty":                 {"actor: ''\n", `request.yaml:1: actor: "" is no actor`},
		"a prior actor that is none":             {"via: [a/b, a/b/c]\n", `request.yaml:1: via[1]: "a/b/c" is no actor`},
		"scopes in one text":                     {"token: {scopes: a b}\n", "request.yaml:1: token.scopes: is text; give a list of texts"}, // THREATS 23
		"a time without a zone":                  {"token: {expiresAt: 2026-06-01T10:00:00}\n", "request.yaml:1: token.expiresAt: "},
		"a header in two cases":                  {"http: {headers: {X-A: [a], x-a: [b]}}\n", "request.yaml:1: http.headers.x-a: stands twice, in another case"}, // THREATS 27
		"a header that is a number":              {"http: {headers: {x-a: 1}}\n", "request.yaml:1: http.headers.x-a: is a number; give text"},
		"a key of the context that stands twice": {"context: {a: 1, a: 2}\n", "request.yaml:1: context.a: stands twice"}, // THREATS 22
		"two requests":                           {"{}\n---\n{}\n", "request.yaml: holds 2 documents; give one request"},
		"no request":                             {"", "request.yaml: holds 0 documents; give one request"},
		"a list":                                 {"[]\n", "request.yaml:1: is a list; give an object"},
		"what is no YAML":                        {"a: [", "request.yaml:1: cannot be read as YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := offline.ReadRequest("request.yaml", []byte(c.written))
			if request != nil || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, error = %v\nwant one that says %q", request, err, c.says)
			}
		})
	}
}
