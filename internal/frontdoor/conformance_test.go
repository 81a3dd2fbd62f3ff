// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package frontdoor_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/frontdoor/authzen"
	"behalf.dev/behalf/internal/frontdoor/doortest"
	"behalf.dev/behalf/internal/frontdoor/extauthz"
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

func TestEveryFrontDoorGivesTheSameAnswer(t *testing.T) {
	w := doortest.New(t)
	doors := map[string]func(*testing.T, question) answer{
		extauthz.Door: func(t *testing.T, q question) answer { t.Helper(); return throughExtAuthz(t, w, q) },
		authzen.Door:  func(t *testing.T, q question) answer { t.Helper(); return throughAuthZEN(t, w, q) },
	}
	for name, test := range conformance {
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
		q.scopes = []string{"tickets:read", "tickets:comment", "tickets:me"}
	}
	return q
}

func throughExtAuthz(t *testing.T, w *doortest.World, q question) answer {
	t.Helper()
	headers := map[string]string{}
	if q.subject != "" {
		headers["authorization"] = "Bearer " + w.Subject(t, q.subject, q.groups, q.scopes)
	}
	if q.actor.Present() {
		headers["behalf-actor-token"] = w.Actor(t, q.actor, doortest.Tickets)
	}
	extensions := map[string]string{}
	for name, value := range q.context {
		extensions["context."+name] = value
	}
	response, err := extauthz.NewServer(w.Judge(t)).Check(t.Context(), &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Method: q.method, Host: q.host, Path: q.path, Headers: headers,
		}},
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
	context := map[string]any{
		"http":  map[string]any{"method": q.method, "host": q.host, "path": q.path},
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
