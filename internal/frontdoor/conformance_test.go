// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package frontdoor_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/frontdoor/authzen"
	"behalf.dev/behalf/internal/frontdoor/doortest"
	"behalf.dev/behalf/internal/frontdoor/extauthz"
	"behalf.dev/behalf/internal/offline"
)

// question is a request before any front door has put it into its own words.
type question struct {
	subject string   // the id of a person; empty for none
	groups  []string // nil for customers
	scopes  []string // of the person's token; nil for all of the ticket system
	actor   authz.Actor
	method  string
	host    string
	path    string
	headers map[string][]string
	body    string
	context map[string]string
}

// answer is what every door must give back.
type answer struct {
	decision authz.Outcome
	leg      authz.Leg
	reason   authz.Reason
}

var support = map[string]string{"purpose": "support"}

var conformance = map[string]struct {
	ask  question
	want answer
}{
	"the portal reads a customer's ticket": {
		question{subject: "alice", actor: doortest.Portal, method: "GET", path: "/tickets/42", context: support},
		answer{decision: authz.Allow},
	},
	"the portal comments for an agent": {
		question{subject: "ann", groups: []string{"agents"}, actor: doortest.Portal, method: "POST", path: "/tickets/42/comments", context: support},
		answer{decision: authz.Allow},
	},
	"the portal does not comment for a customer, who may not": {
		question{subject: "alice", actor: doortest.Portal, method: "POST", path: "/tickets/42/comments", context: support},
		answer{authz.Deny, authz.LegSubject, authz.ReasonNotEntitled},
	},
	"nobody stands behind the portal": {
		question{actor: doortest.Portal, method: "GET", path: "/tickets/42", context: support},
		answer{authz.Deny, authz.LegIdentity, authz.ReasonSubjectMissing},
	},
	"a customer comes alone where only services may": {
		question{subject: "alice", method: "GET", path: "/tickets/42", context: support},
		answer{authz.Deny, authz.LegResource, authz.ReasonCallerNotAllowed},
	},
	"a customer comes alone where people may": {
		question{subject: "alice", method: "GET", path: "/me"},
		answer{decision: authz.Allow},
	},
	"the portal comes where only people may": {
		question{subject: "alice", actor: doortest.Portal, method: "GET", path: "/me", context: support},
		answer{authz.Deny, authz.LegResource, authz.ReasonCallerNotAllowed},
	},
	"the host is nobody's": {
		question{subject: "alice", actor: doortest.Portal, method: "GET", host: "ledger.example", path: "/tickets/42", context: support},
		answer{authz.Deny, authz.LegResource, authz.ReasonAudienceUnknown},
	},
	"no route has this path": {
		question{subject: "alice", actor: doortest.Portal, method: "GET", path: "/admin", context: support},
		answer{authz.Deny, authz.LegResource, authz.ReasonRouteUnmatched},
	},
	"no route has this method": {
		question{subject: "alice", actor: doortest.Portal, method: "DELETE", path: "/tickets/42", context: support},
		answer{authz.Deny, authz.LegResource, authz.ReasonRouteUnmatched},
	},
	"the path could be read in two ways": { // THREATS 26
		question{subject: "alice", actor: doortest.Portal, method: "GET", path: "//tickets/42", context: support},
		answer{authz.Deny, authz.LegResource, authz.ReasonPathNotCanonical},
	},
	"the person was revoked": {
		question{subject: "mallory", actor: doortest.Portal, method: "GET", path: "/tickets/42", context: support},
		answer{authz.Deny, authz.LegRevocation, authz.ReasonRevoked},
	},
	"the token does not carry the scope": {
		question{subject: "alice", scopes: []string{"tickets:comment"}, actor: doortest.Portal, method: "GET", path: "/tickets/42", context: support},
		answer{authz.Deny, authz.LegToken, authz.ReasonScopeNotInToken},
	},
	"the token carries something that is no scope": { // THREATS 23
		question{subject: "alice", scopes: []string{"tickets:read", "a b"}, actor: doortest.Portal, method: "GET", path: "/tickets/42", context: support},
		answer{authz.Deny, authz.LegToken, authz.ReasonTokenScopeMalformed},
	},
	"the service has declared nothing": {
		question{subject: "alice", actor: doortest.Intern, method: "GET", path: "/tickets/42", context: support},
		answer{authz.Deny, authz.LegActor, authz.ReasonNotDeclared},
	},
	"the service's namespace may not come": {
		question{subject: "alice", actor: doortest.Stranger, method: "GET", path: "/tickets/42", context: support},
		answer{authz.Deny, authz.LegActor, authz.ReasonActorNotAllowed},
	},
	"the purpose is another": {
		question{subject: "alice", actor: doortest.Portal, method: "GET", path: "/tickets/42", context: map[string]string{"purpose": "curiosity"}},
		answer{authz.Deny, authz.LegPolicy, authz.ReasonNoPolicy},
	},
	"no purpose is given, and an error never helps": {
		question{subject: "alice", actor: doortest.Portal, method: "GET", path: "/tickets/42"},
		answer{authz.Deny, authz.LegPolicy, authz.ReasonConditionError},
	},
}

var (
	acme = map[string][]string{"x-tenant": {"acme"}}
	// posted are the headers of a message to the MCP server.
	posted = map[string][]string{"x-tenant": {"acme"}, "content-type": {"application/json"}}
)

const (
	closing = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"close_ticket","arguments":{"id":"42","reason":"solved"}}}`
	listing = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
)

// searching asks for a ticket of a tenant by query and header.
func searching(path string, headers map[string][]string) question {
	return question{subject: "alice", actor: doortest.Portal, method: "GET", path: path, headers: headers, context: support}
}

// posting sends a message to the MCP server.
func posting(body string, headers map[string][]string) question {
	return question{subject: "alice", actor: doortest.Portal, method: "POST", path: "/mcp", headers: headers, body: body, context: support}
}

// malformed denies what could be read in two ways.
var malformed = answer{authz.Deny, authz.LegResource, authz.ReasonInputMalformed}

// beyondThePath asks about query, headers and the calls of tools. THREATS 22, 26, 27, 29
var beyondThePath = map[string]struct {
	ask  question
	want answer
}{
	"query and header name the person's own ticket": {searching("/search?id=42&owner=alice", acme), answer{decision: authz.Allow}},
	"a header in capitals, with white space around its value": {
		searching("/search?id=42&owner=alice", map[string][]string{"X-Tenant": {" acme "}}), answer{decision: authz.Allow},
	},
	"an encoded query":             {searching("/search?x=a+b&id=%34%32&owner=alice", acme), answer{decision: authz.Allow}},
	"the query names another's":    {searching("/search?id=42&owner=bob", acme), answer{authz.Deny, authz.LegSubject, authz.ReasonNotEntitled}},
	"the header names another":     {searching("/search?id=42&owner=alice", map[string][]string{"x-tenant": {"evil"}}), answer{authz.Deny, authz.LegSubject, authz.ReasonNotEntitled}},
	"the query lacks the owner":    {searching("/search?id=42", acme), answer{authz.Deny, authz.LegSubject, authz.ReasonConditionError}},
	"the header is not sent":       {searching("/search?id=42&owner=alice", nil), answer{authz.Deny, authz.LegSubject, authz.ReasonConditionError}},
	"the owner stands twice":       {searching("/search?id=42&owner=alice&owner=bob", acme), malformed},
	"the owner in two cases":       {searching("/search?id=42&owner=alice&OWNER=bob", acme), malformed},
	"the owner after a semicolon":  {searching("/search?id=42;owner=bob&owner=alice", acme), malformed},
	"the owner has a plus":         {searching("/search?id=42&owner=a+b", acme), malformed},
	"the owner has a NUL":          {searching("/search?id=42&owner=alice%00", acme), malformed},
	"the header has two lines":     {searching("/search?id=42&owner=alice", map[string][]string{"x-tenant": {"acme", "evil"}}), malformed},
	"the header has two values":    {searching("/search?id=42&owner=alice", map[string][]string{"x-tenant": {"acme,evil"}}), malformed},
	"the header in two spellings":  {searching("/search?id=42&owner=alice", map[string][]string{"x-tenant": {"acme"}, "x_tenant": {"evil"}}), malformed},
	"the header in another alone":  {searching("/search?id=42&owner=alice", map[string][]string{"x_tenant": {"acme"}}), malformed},
	"the header is hop-by-hop":     {searching("/search?id=42&owner=alice", map[string][]string{"x-tenant": {"acme"}, "connection": {"x-tenant"}}), malformed},
	"the header beyond ASCII":      {searching("/search?id=42&owner=alice", map[string][]string{"x-tenant": {"åcme"}}), malformed},
	"a tool closes the ticket":     {posting(closing, posted), answer{decision: authz.Allow}},
	"the tools are listed":         {posting(listing, posted), answer{decision: authz.Allow}},
	"a tool is called for another": {posting(strings.Replace(closing, "solved", "bored", 1), posted), answer{authz.Deny, authz.LegSubject, authz.ReasonNotEntitled}},
	"a tool is called on another":  {posting(strings.Replace(closing, `"42"`, `"43"`, 1), posted), answer{authz.Deny, authz.LegSubject, authz.ReasonNotEntitled}},
	"a tool lacks an argument":     {posting(strings.Replace(closing, `,"reason":"solved"`, ``, 1), posted), answer{authz.Deny, authz.LegSubject, authz.ReasonConditionError}},
	"a tool that the person may not use": {
		posting(strings.Replace(closing, "close_ticket", "comment_ticket", 1), posted), answer{authz.Deny, authz.LegSubject, authz.ReasonNotEntitled},
	},
	"a tool that is not listed":      {posting(strings.Replace(closing, "close_ticket", "delete_ticket", 1), posted), answer{authz.Deny, authz.LegResource, authz.ReasonRouteUnmatched}},
	"a batch":                        {posting("["+listing+"]", posted), malformed},
	"a tool in two cases":            {posting(strings.Replace(listing, `"id":1`, `"id":1,"Method":"tools/call"`, 1), posted), malformed},
	"no body":                        {posting("", posted), malformed},
	"no JSON":                        {posting("tools/list", posted), malformed},
	"no content type":                {posting(listing, acme), malformed},
	"a form":                         {posting(listing, map[string][]string{"content-type": {"application/x-www-form-urlencoded"}}), malformed},
	"an encoding":                    {posting(listing, map[string][]string{"content-type": {"application/json"}, "content-encoding": {"gzip"}}), malformed},
	"a body shorter than its length": {posting(listing, map[string][]string{"content-type": {"application/json"}, "content-length": {"4000"}}), malformed},
	"a header that names another tool": {
		posting(closing, map[string][]string{"x-tenant": {"acme"}, "content-type": {"application/json"}, "mcp-name": {"read_ticket"}}), malformed,
	},
	"the context brings arguments": {
		question{
			subject: "alice", actor: doortest.Portal, method: "POST", path: "/mcp", headers: posted, body: closing,
			context: map[string]string{"purpose": "support", "arguments": "{}"},
		},
		malformed,
	},
}

func TestEveryFrontDoorGivesTheSameAnswer(t *testing.T) {
	w := doortest.New(t)
	doors := map[string]func(*testing.T, question) answer{
		extauthz.Door:              func(t *testing.T, q question) answer { t.Helper(); return throughExtAuthz(t, w, q, raw) },
		extauthz.Door + ", merged": func(t *testing.T, q question) answer { t.Helper(); return throughExtAuthz(t, w, q, merged) },
		authzen.Door:               func(t *testing.T, q question) answer { t.Helper(); return throughAuthZEN(t, w, q) },
		offline.Door:               func(t *testing.T, q question) answer { t.Helper(); return throughAFile(t, w, q) },
	}
	all := maps.Clone(conformance)
	maps.Copy(all, beyondThePath)
	for name, test := range all {
		for door, ask := range doors {
			t.Run(door+": "+name, func(t *testing.T) {
				if got := ask(t, test.ask.withDefaults()); got != test.want {
					t.Errorf("answer = %+v, want %+v", got, test.want)
				}
			})
		}
	}
}

func (q question) withDefaults() question {
	if q.host == "" {
		q.host = doortest.TicketsHost
	}
	if q.groups == nil {
		q.groups = []string{"customers"}
	}
	if q.scopes == nil {
		q.scopes = []string{"tickets:read", "tickets:comment", "tickets:me", "tickets:mine", "tickets:close"}
	}
	return q
}

// raw and merged are the two ways in which Envoy sends headers: with encode_raw_headers, and without.
func raw(http *authv3.AttributeContext_HttpRequest, headers map[string][]string) {
	http.HeaderMap = &corev3.HeaderMap{}
	for name, values := range headers {
		for _, value := range values {
			http.HeaderMap.Headers = append(http.HeaderMap.Headers, &corev3.HeaderValue{Key: name, RawValue: []byte(value)})
		}
	}
}

func merged(http *authv3.AttributeContext_HttpRequest, headers map[string][]string) {
	http.Headers = map[string]string{}
	for name, values := range headers {
		http.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
}

func throughExtAuthz(t *testing.T, w *doortest.World, q question, send func(*authv3.AttributeContext_HttpRequest, map[string][]string)) answer {
	t.Helper()
	headers := map[string][]string{}
	maps.Copy(headers, q.headers)
	if q.subject != "" {
		headers["authorization"] = []string{"Bearer " + w.Subject(t, q.subject, q.groups, q.scopes)}
	}
	if q.actor.Present() {
		headers["behalf-actor-token"] = []string{w.Actor(t, q.actor, doortest.Tickets)}
	}
	if q.body != "" {
		headers["x-envoy-auth-partial-body"] = []string{"false"}
	}
	http := &authv3.AttributeContext_HttpRequest{Method: q.method, Host: q.host, Path: q.path, RawBody: []byte(q.body)}
	send(http, headers)
	extensions := map[string]string{}
	for name, value := range q.context {
		extensions["context."+name] = value
	}
	response, err := extauthz.NewServer(w.Judge(t)).Check(t.Context(), &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Request:           &authv3.AttributeContext_Request{Http: http},
		ContextExtensions: extensions,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if response.GetStatus().GetCode() == 0 && response.GetOkResponse() != nil {
		return answer{decision: authz.Allow}
	}
	got := answer{}
	for _, option := range response.GetDeniedResponse().GetHeaders() {
		switch option.GetHeader().GetKey() {
		case "x-behalf-leg":
			got.leg = authz.Leg(option.GetHeader().GetValue())
		case "x-behalf-reason":
			got.reason = authz.Reason(option.GetHeader().GetValue())
		}
	}
	return got
}

func throughAuthZEN(t *testing.T, w *doortest.World, q question) answer {
	t.Helper()
	if q.subject == "" {
		// The specification wants a subject; one that is no person is what comes nearest to none.
		return authZENWithoutAPerson(t, w, q)
	}
	asked := map[string]any{"method": q.method, "host": q.host, "path": q.path}
	if q.headers != nil {
		asked["headers"] = q.headers
	}
	if q.body != "" {
		asked["body"] = q.body
	}
	context := map[string]any{
		"http":  asked,
		"token": map[string]any{"scopes": q.scopes, "issuedAt": "2026-06-01T09:59:00Z", "expiresAt": "2026-06-01T11:00:00Z"},
	}
	if q.actor.Present() {
		context["actor"] = q.actor.String()
	}
	for name, value := range q.context {
		context[name] = value
	}
	return askAuthZEN(t, w, map[string]any{
		"subject":  map[string]any{"type": "user", "id": q.subject, "properties": map[string]any{"issuer": "corp", "groups": q.groups}},
		"action":   map[string]any{"name": q.method},
		"resource": map[string]any{"type": "route", "id": q.path},
		"context":  context,
	})
}

func authZENWithoutAPerson(t *testing.T, w *doortest.World, q question) answer {
	t.Helper()
	got := askAuthZEN(t, w, map[string]any{
		"subject":  map[string]any{"type": "service_account", "id": q.actor.String()},
		"action":   map[string]any{"name": q.method},
		"resource": map[string]any{"type": "route", "id": q.path},
		"context":  map[string]any{"actor": q.actor.String(), "http": map[string]any{"method": q.method, "host": q.host, "path": q.path}},
	})
	return got
}

// throughAFile writes the question down, as for kubectl behalf check.
func throughAFile(t *testing.T, w *doortest.World, q question) answer {
	t.Helper()
	asked := map[string]any{"method": q.method, "host": q.host, "path": q.path}
	if q.headers != nil {
		asked["headers"] = q.headers
	}
	if q.body != "" {
		asked["body"] = q.body
	}
	written := map[string]any{
		"http":    asked,
		"token":   map[string]any{"scopes": q.scopes, "issuedAt": "2026-06-01T09:59:00Z", "expiresAt": "2026-06-01T11:00:00Z"},
		"context": map[string]any{},
	}
	for name, value := range q.context {
		written["context"].(map[string]any)[name] = value
	}
	if q.subject != "" {
		written["subject"] = map[string]any{"issuer": "corp", "id": q.subject, "groups": q.groups}
	}
	if q.actor.Present() {
		written["actor"] = q.actor.String()
	}
	raw, err := json.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}
	request, err := offline.ReadRequest("request.json", raw)
	if err != nil {
		t.Fatal(err)
	}
	d := offline.Ask(w.Judge(t).Snapshots, request, doortest.Now)
	return answer{decision: d.Outcome, leg: d.Leg, reason: d.Reason}
}

func askAuthZEN(t *testing.T, w *doortest.World, body map[string]any) answer {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/access/v1/evaluation", bytes.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.Actor(t, doortest.Gateway, authzen.Audience))
	recorded := httptest.NewRecorder()
	authzen.NewHandler(authzen.Options{Judge: w.Judge(t), Peers: []authz.Actor{doortest.Gateway}}).ServeHTTP(recorded, r)
	if recorded.Code != http.StatusOK {
		t.Fatalf("status %d: %s", recorded.Code, recorded.Body)
	}
	var got struct {
		Decision bool `json:"decision"`
		Context  struct {
			Leg    authz.Leg    `json:"leg"`
			Reason authz.Reason `json:"reason"`
		} `json:"context"`
	}
	if err := json.Unmarshal(recorded.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Decision {
		return answer{decision: authz.Allow, leg: got.Context.Leg, reason: got.Context.Reason}
	}
	return answer{leg: got.Context.Leg, reason: got.Context.Reason}
}
