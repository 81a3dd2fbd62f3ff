// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/frontdoor/authzen"
	"behalf.dev/behalf/internal/frontdoor/doortest"
	"behalf.dev/behalf/internal/token/tokentest"
)

// good is a request to read alice's ticket through the portal, by its scope.
const good = `{
  "subject": {"type": "user", "id": "alice", "properties": {"issuer": "corp", "groups": ["customers"]}},
  "action": {"name": "tickets:read"},
  "resource": {"type": "ticket", "id": "42"},
  "context": {"audience": "https://tickets.example", "actor": "support/portal", "purpose": "support"}
}`

// overHTTP asks about a search for a ticket of a tenant, with more about the request.
func overHTTP(more string) string {
	return `{
  "subject": {"type": "user", "id": "alice", "properties": {"issuer": "corp", "groups": ["customers"]}},
  "action": {"name": "GET"},
  "resource": {"type": "route", "id": "/search?id=42"},
  "context": {"http": {"method": "GET", "host": "tickets.example", "path": "/search?id=42", ` + more + `}, "actor": "support/portal", "purpose": "support"}
}`
}

func handler(tb testing.TB, w *doortest.World) http.Handler {
	tb.Helper()
	return authzen.NewHandler(authzen.Options{Judge: w.Judge(tb), Peers: []authz.Actor{doortest.Gateway}})
}

func post(tb testing.TB, w *doortest.World, body string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/access/v1/evaluation", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.Actor(tb, doortest.Gateway, authzen.Audience))
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	recorded := httptest.NewRecorder()
	h.ServeHTTP(recorded, r)
	return recorded
}

// replaced is the good request with a part of it written otherwise.
func replaced(tb testing.TB, part, by string) string {
	tb.Helper()
	if !strings.Contains(good, part) {
		tb.Fatalf("the good request does not contain %s", part)
	}
	return strings.Replace(good, part, by, 1)
}

func TestAnAllowIsADecisionThatNamesWhatItRestsOn(t *testing.T) {
	w := doortest.New(t)
	got := serve(handler(t, w), post(t, w, good))
	if got.Code != http.StatusOK || got.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, type %s: %s", got.Code, got.Header().Get("Content-Type"), got.Body)
	}
	want := `{"decision":true,"context":{"revision":42,"policies":["DelegationPolicy support-portal"]}}` + "\n"
	if got.Body.String() != want {
		t.Errorf("body = %s, want %s", got.Body, want)
	}
}

func TestADenyIsADecisionWithReasonsForTheAdminAndForThePerson(t *testing.T) {
	w := doortest.New(t)
	got := serve(handler(t, w), post(t, w, replaced(t, "tickets:read", "tickets:comment")))
	if got.Code != http.StatusOK {
		t.Fatalf("status %d: %s", got.Code, got.Body)
	}
	var answer struct {
		Decision *bool
		Context  map[string]any
	}
	if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Decision == nil || *answer.Decision {
		t.Errorf("decision = %v, want false", answer.Decision)
	}
	admin, ok := answer.Context["reason_admin"].(map[string]any)
	if !ok || admin["en"] == "" {
		t.Errorf("reason_admin = %v, want a sentence by language", answer.Context["reason_admin"])
	}
	obstacles := []any{map[string]any{"leg": "subject", "reason": "not_entitled", "reason_admin": admin}}
	if diff := cmp.Diff(obstacles, answer.Context["obstacles"]); diff != "" {
		t.Error("obstacles (-want +got):\n" + diff)
	}
	delete(answer.Context, "reason_admin")
	delete(answer.Context, "obstacles")
	want := map[string]any{
		"leg": "subject", "reason": "not_entitled", "revision": 42.0,
		"reason_user": map[string]any{"en-403": "You or the service acting for you may not do this."},
	}
	if diff := cmp.Diff(want, answer.Context); diff != "" {
		t.Error("context (-want +got):\n" + diff)
	}
}

func TestAnAllowTellsWhatItObligesTo(t *testing.T) {
	for name, test := range map[string]struct {
		oblige func(*bundle.Rule)
		want   string
	}{
		"a lifetime and claims": {
			func(r *bundle.Rule) { r.Limits.MaxTokenLifetimeSeconds, r.Disclose = 300, []string{"department"} },
			`"obligations":{"maxTokenLifetimeSeconds":300,"disclose":["department"]}`,
		},
		"a lifetime": {
			func(r *bundle.Rule) { r.Limits.MaxTokenLifetimeSeconds = 60 },
			`"obligations":{"maxTokenLifetimeSeconds":60}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := doortest.New(t)
			for i := range w.Policy.Rules {
				test.oblige(&w.Policy.Rules[i])
			}
			got := serve(handler(t, w), post(t, w, good))
			if !strings.Contains(got.Body.String(), test.want) {
				t.Errorf("body = %s, want %s", got.Body, test.want)
			}
		})
	}
}

func TestADryRunIsToldInTheContext(t *testing.T) {
	w := doortest.New(t)
	w.Policy.DryRunUntil = doortest.Now.Add(time.Hour).Unix()
	got := serve(handler(t, w), post(t, w, replaced(t, "tickets:read", "tickets:comment")))
	if !strings.Contains(got.Body.String(), `"decision":true`) || !strings.Contains(got.Body.String(), `"dryRun":{"leg":"subject","reason":"not_entitled"`) {
		t.Errorf("body = %s, want an allow with what a dry run let pass", got.Body)
	}
}

func TestRequestsThatTheSpecificationCallsWrong(t *testing.T) {
	w := doortest.New(t)
	h := handler(t, w)
	for name, body := range map[string]string{
		"an empty body":               ``,
		"no JSON":                     `{"subject"`,
		"a list":                      `[]`,
		"null":                        `null`,
		"something behind the object": good + `{}`,
		"no subject":                  replaced(t, `"subject"`, `"subjekt"`),
		"no action":                   replaced(t, `"action"`, `"aktion"`),
		"no resource":                 replaced(t, `"resource"`, `"ressource"`),
		"a subject without a type":    replaced(t, `"type": "user", `, ``),
		"a subject without an id":     replaced(t, `"id": "alice", `, ``),
		"an action without a name":    replaced(t, `"name": "tickets:read"`, ``),
		"a resource without a type":   replaced(t, `"type": "ticket", `, ``),
		"a resource without an id":    replaced(t, `, "id": "42"`, ``),
		"a subject that is a string":  replaced(t, `{"type": "user", "id": "alice", "properties": {"issuer": "corp", "groups": ["customers"]}}`, `"alice"`),
		"an action name that is 123":  replaced(t, `"tickets:read"`, `123`),
		"properties that are a list":  replaced(t, `"id": "42"`, `"id": "42", "properties": []`),
		"a context that is null":      `{"subject":{"type":"user","id":"a"},"action":{"name":"r"},"resource":{"type":"t","id":"1"},"context":null}`,
		"a key twice":                 replaced(t, `"action"`, `"subject": {"type": "user", "id": "admin"}, "action"`), // THREATS 22
		"a key in two cases":          replaced(t, `"action"`, `"Subject": {"type": "user", "id": "admin"}, "action"`),
		"a context key twice":         replaced(t, `"purpose": "support"`, `"purpose": "support", "purpose": "other"`),
		"a number that is not exact":  replaced(t, `"purpose": "support"`, `"amount": 9007199254740993`),
		"nested thirty-three deep":    replaced(t, `"purpose": "support"`, `"deep": `+strings.Repeat(`[`, 40)+strings.Repeat(`]`, 40)),
	} {
		t.Run(name, func(t *testing.T) {
			got := serve(h, post(t, w, body))
			if got.Code != http.StatusBadRequest {
				t.Errorf("status %d (%s), want 400", got.Code, got.Body)
			}
			if strings.TrimSpace(got.Body.String()) == "" {
				t.Error("there is no message")
			}
		})
	}
	t.Run("a body of another type", func(t *testing.T) {
		r := post(t, w, good)
		r.Header.Set("Content-Type", "text/plain")
		if got := serve(h, r); got.Code != http.StatusBadRequest {
			t.Errorf("status %d, want 400", got.Code)
		}
	})
	t.Run("a body beyond 64 KiB", func(t *testing.T) { // THREATS 29, 32
		if got := serve(h, post(t, w, strings.Repeat(" ", 64<<10)+good)); got.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d, want 413", got.Code)
		}
	})
}

func TestRequestsThatAreRightAndDoNotSayWhatBehalfNeedsAreDenied(t *testing.T) {
	w := doortest.New(t)
	h := handler(t, w)
	for name, test := range map[string]struct {
		body   string
		reason string
	}{
		"only what the specification needs":   {`{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"record","id":"1"}}`, "request_malformed"},
		"no issuer":                           {replaced(t, `"issuer": "corp", `, ``), "request_malformed"},
		"groups that are a string":            {replaced(t, `["customers"]`, `"customers"`), "request_malformed"},
		"a group that is a number":            {replaced(t, `["customers"]`, `["customers", 7]`), "request_malformed"},
		"a sign-in time that is no time":      {replaced(t, `"issuer": "corp"`, `"issuer": "corp", "authTime": "today"`), "request_malformed"},
		"claims that are a list":              {replaced(t, `"issuer": "corp"`, `"issuer": "corp", "claims": []`), "request_malformed"},
		"no audience":                         {replaced(t, `"audience": "https://tickets.example", `, ``), "request_malformed"},
		"an actor that is no service account": {replaced(t, `support/portal`, `portal`), "request_malformed"},
		"an actor that is empty":              {replaced(t, `"support/portal"`, `""`), "request_malformed"},
		"an actor that is null":               {replaced(t, `"support/portal"`, `null`), "request_malformed"},
		"prior actors that are a string":      {replaced(t, `"purpose"`, `"via": "billing/x", "purpose"`), "request_malformed"},
		"a prior actor that is none":          {replaced(t, `"purpose"`, `"via": ["x"], "purpose"`), "request_malformed"},
		"a token that is a string":            {replaced(t, `"purpose"`, `"token": "eyJ", "purpose"`), "request_malformed"},
		"a token without bounds and with":     {replaced(t, `"purpose"`, `"token": {"unbounded": true, "scopes": ["a"]}, "purpose"`), "request_malformed"},
		"a token with a bad time":             {replaced(t, `"purpose"`, `"token": {"scopes": ["tickets:read"], "expiresAt": 7}, "purpose"`), "request_malformed"},
		"a token without scopes":              {replaced(t, `"purpose"`, `"token": {}, "purpose"`), "scope_not_in_token"},
		"a token that has expired":            {replaced(t, `"purpose"`, `"token": {"scopes": ["tickets:read"], "expiresAt": "2026-06-01T10:00:00Z"}, "purpose"`), "token_expired"},
		"a service as the subject":            {replaced(t, `"type": "user"`, `"type": "service_account"`), "subject_missing"},
		"no actor":                            {replaced(t, `"actor": "support/portal", `, ``), "actor_missing"},
		"HTTP beside another action":          {replaced(t, `"audience"`, `"http": {"method": "GET", "path": "/tickets/42", "host": "tickets.example"}, "audience"`), "request_malformed"},
		"HTTP without a method":               {replaced(t, `"audience"`, `"http": {"path": "/tickets/42"}, "audience"`), "request_malformed"},
		"HTTP that is a string":               {replaced(t, `"audience"`, `"http": "GET /tickets/42", "audience"`), "request_malformed"},
		"HTTP with headers that are a list":   {overHTTP(`"headers": ["x-tenant: acme"]`), "request_malformed"},
		"HTTP with a header that is a number": {overHTTP(`"headers": {"x-tenant": 1}`), "request_malformed"},
		"HTTP with a header of numbers":       {overHTTP(`"headers": {"x-tenant": ["acme", 1]}`), "request_malformed"},
		"HTTP with a body that is an object":  {overHTTP(`"body": {"jsonrpc": "2.0"}`), "request_malformed"},
		"HTTP with a header in two lines":     {overHTTP(`"headers": {"x-tenant": ["acme", "acme"]}`), "input_malformed"},
		"HTTP with a header that has no line": {overHTTP(`"headers": {"x-tenant": "acme", "x_tenant": []}, "body": ""`), "condition_error"},
		"two prior actors too many":           {replaced(t, `"purpose"`, `"via": ["support/a", "support/b"], "purpose"`), "not_declared"},
	} {
		t.Run(name, func(t *testing.T) {
			got := serve(h, post(t, w, test.body))
			if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `"decision":false`) ||
				!strings.Contains(got.Body.String(), `"reason":"`+test.reason+`"`) {
				t.Errorf("status %d, body %s, want a deny because of %s", got.Code, got.Body, test.reason)
			}
		})
	}
}

func TestWhatTheSpecificationLetsStandIsPassedOver(t *testing.T) {
	w := doortest.New(t)
	h := handler(t, w)
	for name, body := range map[string]string{
		"unknown keys":                     replaced(t, `"action"`, `"foo": "bar", "futureField": {"nested": true}, "action"`),
		"unknown keys of the subject":      replaced(t, `"type": "user"`, `"type": "user", "future": 1`),
		"further properties everywhere":    strings.Replace(replaced(t, `"issuer"`, `"ip_address": "172.217.22.14", "issuer"`), `"name": "tickets:read"`, `"name": "tickets:read", "properties": {"method": "GET"}`, 1),
		"a username, a session and a time": replaced(t, `"issuer"`, `"username": "alice@example.com", "session": "s-1", "authTime": "2026-06-01T09:30:00Z", "claims": {"department": "north"}, "issuer"`),
		"a token with what is needed":      replaced(t, `"purpose"`, `"token": {"scopes": ["tickets:read"], "issuedAt": "2026-06-01T09:59:00Z", "expiresAt": "2026-06-01T10:30:00Z", "id": "j", "transaction": "t"}, "purpose"`),
		"an unbounded token":               replaced(t, `"purpose"`, `"token": {"unbounded": true}, "purpose"`),
		"a type with its character set":    good,
	} {
		t.Run(name, func(t *testing.T) {
			r := post(t, w, body)
			r.Header.Set("Content-Type", "application/json; charset=utf-8")
			if got := serve(h, r); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `"decision":true`) {
				t.Errorf("status %d, body %s, want an allow", got.Code, got.Body)
			}
		})
	}
}

func TestWhoMayAsk(t *testing.T) {
	w := doortest.New(t)
	h := handler(t, w)
	for name, test := range map[string]struct {
		headers []string
		status  int
	}{
		"nobody in particular":              {nil, 401},
		"a peer, twice":                     {[]string{"Bearer x", "Bearer " + w.Actor(t, doortest.Gateway, authzen.Audience)}, 401},
		"a password":                        {[]string{"Basic YTpi"}, 401},
		"a peer's token for another server": {[]string{"Bearer " + w.Actor(t, doortest.Gateway, doortest.Tickets)}, 401},
		"a peer's token that has expired": {[]string{"Bearer " + w.Cluster.Sign(t, tokentest.With(
			w.Cluster.ServiceAccount(doortest.Now, doortest.Gateway, doortest.UID, authzen.Audience),
			map[string]any{"exp": doortest.Now.Unix()},
		))}, 401},
		"a person":               {[]string{"Bearer " + w.Alice(t)}, 401},
		"a service that may not": {[]string{"Bearer " + w.Actor(t, doortest.Portal, authzen.Audience)}, 403},
		"a peer":                 {[]string{"Bearer " + w.Actor(t, doortest.Gateway, authzen.Audience)}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			r := post(t, w, good)
			r.Header["Authorization"] = test.headers
			got := serve(h, r)
			if got.Code != test.status {
				t.Errorf("status %d (%s), want %d", got.Code, got.Body, test.status)
			}
			if challenge := got.Header().Get("WWW-Authenticate"); (challenge != "") != (test.status == 401) {
				t.Errorf("challenge = %q", challenge)
			}
			if strings.Contains(got.Body.String(), "eyJ") || strings.Contains(got.Body.String(), `"decision"`) && test.status != 200 {
				t.Errorf("body = %s", got.Body) // THREATS 25
			}
		})
	}
	t.Run("anybody, before a trust bundle has come", func(t *testing.T) {
		h := authzen.NewHandler(authzen.Options{Judge: doortest.JudgeOf(nil), Peers: []authz.Actor{doortest.Gateway}})
		if got := serve(h, post(t, w, good)); got.Code != http.StatusServiceUnavailable {
			t.Errorf("status %d, want 503", got.Code)
		}
	})
	t.Run("anybody, where no peers are named", func(t *testing.T) {
		h := authzen.NewHandler(authzen.Options{Judge: w.Judge(t)})
		if got := serve(h, post(t, w, good)); got.Code != http.StatusForbidden {
			t.Errorf("status %d, want 403", got.Code)
		}
	})
}

func TestTheRequestIdentifierComesBack(t *testing.T) {
	w := doortest.New(t)
	for name, body := range map[string]string{"with a decision": good, "with an error": ``} {
		t.Run(name, func(t *testing.T) {
			r := post(t, w, body)
			r.Header.Set("X-Request-ID", "bfe9eb29")
			if got := serve(handler(t, w), r).Header().Get("X-Request-ID"); got != "bfe9eb29" {
				t.Errorf("identifier = %q, want bfe9eb29", got)
			}
		})
	}
	t.Run("and the log has it, and who asked", func(t *testing.T) {
		recorder := &doortest.Recorder{}
		h := authzen.NewHandler(authzen.Options{Judge: w.Judge(t, recorder), Peers: []authz.Actor{doortest.Gateway}})
		r := post(t, w, good)
		r.Header.Set("X-Request-ID", strings.Repeat("x", 1000))
		serve(h, r)
		got := recorder.Events[0].Caller
		if got.Door != "authzen" || got.Peer != "edge/gateway" || got.RequestID != strings.Repeat("x", 128) {
			t.Errorf("caller = %+v", got)
		}
	})
}

func TestTheMetadataNameWhatIsOffered(t *testing.T) {
	w := doortest.New(t)
	ask := func(h http.Handler, secure bool) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/.well-known/authzen-configuration", http.NoBody)
		r.Host = "pdp.example"
		if secure {
			r.TLS = &tls.ConnectionState{}
		}
		return serve(h, r).Body.String()
	}
	for name, test := range map[string]struct{ got, want string }{
		"of the host that was asked": {
			ask(handler(t, w), true),
			`{"policy_decision_point":"https://pdp.example","access_evaluation_endpoint":"https://pdp.example/access/v1/evaluation"}`,
		},
		"without TLS": {
			ask(handler(t, w), false),
			`{"policy_decision_point":"http://pdp.example","access_evaluation_endpoint":"http://pdp.example/access/v1/evaluation"}`,
		},
		"of the URL that was configured": {
			ask(authzen.NewHandler(authzen.Options{Judge: w.Judge(t), URL: "https://behalf.example/"}), false),
			`{"policy_decision_point":"https://behalf.example","access_evaluation_endpoint":"https://behalf.example/access/v1/evaluation"}`,
		},
	} {
		if test.got != test.want+"\n" {
			t.Errorf("%s: %s, want %s", name, test.got, test.want)
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	w := doortest.New(t)
	for name, r := range map[string]*http.Request{
		"a GET of the evaluation":   httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/access/v1/evaluation", http.NoBody),
		"batches, which come later": httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/access/v1/evaluations", strings.NewReader(good)),
		"a path that is not clean":  httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/access//v1/evaluation", strings.NewReader(good)),
	} {
		t.Run(name, func(t *testing.T) {
			if got := serve(handler(t, w), r); got.Code < 300 || strings.Contains(got.Body.String(), "decision") {
				t.Errorf("status %d, body %s", got.Code, got.Body)
			}
		})
	}
}

// FuzzEvaluation: whatever comes from a peer, the answer is 200 with a decision, 400 or 413, and never an allow for somebody
// whom the request does not name as a user.
func FuzzEvaluation(f *testing.F) {
	w := doortest.New(f)
	h := handler(f, w)
	authorization := "Bearer " + w.Actor(f, doortest.Gateway, authzen.Audience)
	for _, seed := range []string{
		good, ``, `{}`, `[]`, `{"subject":{"type":"user","id":"a","ID":"b"}}`,
		`{"subject":{"type":"user","id":"alice","properties":{"issuer":"corp"}},"action":{"name":"GET"},"resource":{"type":"route","id":"/me"},"context":{"http":{"method":"GET","host":"tickets.example","path":"/me"}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/access/v1/evaluation", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", authorization)
		got := serve(h, r)
		switch got.Code {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			return
		case http.StatusOK:
		default:
			t.Fatalf("status %d: %s", got.Code, got.Body)
		}
		var answer struct{ Decision *bool }
		if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil || answer.Decision == nil {
			t.Fatalf("body %s: %v", got.Body, err)
		}
		if *answer.Decision && !strings.Contains(body, "user") && !strings.Contains(body, `\u`) {
			t.Errorf("an allow for %s", body)
		}
	})
}
