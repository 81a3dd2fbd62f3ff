// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package extauthz_test

import (
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/frontdoor"
	"behalf.dev/behalf/internal/frontdoor/doortest"
	"behalf.dev/behalf/internal/frontdoor/extauthz"
	"behalf.dev/behalf/internal/token/tokentest"
)

// request is what Envoy sends for alice, who reads a ticket through the portal (check_request_utils.cc: names in lower case,
// pseudo headers among them, the path with its query).
func request(tb testing.TB, w *doortest.World) *authv3.CheckRequest {
	tb.Helper()
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source:      &authv3.AttributeContext_Peer{Principal: "spiffe://cluster.local/ns/support/sa/portal"},
		Destination: &authv3.AttributeContext_Peer{},
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Id: "12345", Method: "GET", Path: "/tickets/42?page=1", Host: doortest.TicketsHost, Scheme: "https", Size: -1, Protocol: "HTTP/2",
			Headers: map[string]string{
				":method": "GET", ":path": "/tickets/42?page=1", ":authority": doortest.TicketsHost, ":scheme": "https",
				"authorization": "Bearer " + w.Alice(tb), "behalf-actor-token": w.Actor(tb, doortest.Portal, doortest.Tickets),
				"x-request-id": "r-1", "user-agent": "curl/8",
			},
		}},
		ContextExtensions: map[string]string{"context.purpose": "support"},
	}}
}

func check(tb testing.TB, judge *frontdoor.Judge, r *authv3.CheckRequest) *authv3.CheckResponse {
	tb.Helper()
	response, err := extauthz.NewServer(judge).Check(tb.Context(), r)
	if err != nil {
		tb.Fatalf("a gRPC error: %v", err) // THREATS 30
	}
	if err := response.ValidateAll(); err != nil {
		tb.Fatalf("not a response that Envoy takes: %v", err)
	}
	return response
}

func values(options []*corev3.HeaderValueOption) map[string]string {
	all := map[string]string{}
	for _, o := range options {
		all[o.GetHeader().GetKey()] = o.GetHeader().GetValue()
	}
	return all
}

func TestAnAllowTellsTheAPIWhoIsAsking(t *testing.T) {
	w := doortest.New(t)
	recorder := &doortest.Recorder{}
	response := check(t, w.Judge(t, recorder), request(t, w))

	ok := response.GetOkResponse()
	if response.GetStatus().GetCode() != 0 || ok == nil {
		t.Fatalf("response = %v, want an allow", response)
	}
	want := map[string]string{
		"x-behalf-subject": "alice", "x-behalf-issuer": "corp", "x-behalf-actor": "support/portal",
		"x-behalf-scope": "tickets:read", "x-behalf-revision": "42",
	}
	if diff := cmp.Diff(want, values(ok.GetHeaders())); diff != "" {
		t.Error("headers (-want +got):\n" + diff)
	}
	for _, o := range ok.GetHeaders() {
		if o.GetAppendAction() != corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD {
			t.Errorf("%s is %s, and not in place of what the client sent", o.GetHeader().GetKey(), o.GetAppendAction())
		}
	}
	if diff := cmp.Diff([]string{"behalf-actor-token", "x-behalf-dry-run"}, ok.GetHeadersToRemove()); diff != "" {
		t.Error("headers to remove (-want +got):\n" + diff)
	}
	if len(ok.GetResponseHeadersToAdd()) != 0 {
		t.Errorf("the client is told %v", ok.GetResponseHeadersToAdd())
	}
	event := recorder.Events[0]
	if event.Door != "extauthz" || event.RequestID != "r-1" || !event.Decision.Allowed() || event.Request.Subject.ID != "alice" {
		t.Errorf("observed %+v", event)
	}
}

func TestWhatAClientSendsInOurNameNeverReachesTheAPI(t *testing.T) {
	w := doortest.New(t)
	r := request(t, w)
	for _, name := range []string{ // THREATS 27, 29
		"x-behalf-subject", "x_behalf_subject", "x-behalf_actor", "x-behalf-groups", "x-behalf-", "X-Behalf-Scope",
		"x-http-method-override", "x-method-override", "x_http_method",
	} {
		r.GetAttributes().GetRequest().GetHttp().GetHeaders()[name] = "forged"
	}
	ok := check(t, w.Judge(t), r).GetOkResponse()
	if ok == nil {
		t.Fatal("denied")
	}
	want := []string{
		"behalf-actor-token", "x-behalf-", "x-behalf-dry-run", "x-behalf-groups", "x-behalf_actor", "x-http-method-override",
		"x-method-override", "x_behalf_subject", "x_http_method",
	}
	if diff := cmp.Diff(want, ok.GetHeadersToRemove()); diff != "" {
		t.Error("headers to remove (-want +got):\n" + diff)
	}
	for _, removed := range ok.GetHeadersToRemove() {
		if _, set := values(ok.GetHeaders())[removed]; set {
			t.Errorf("%s is set and then removed again", removed)
		}
	}
}

func TestAPersonAloneLeavesNoActorHeaderOfTheClientStanding(t *testing.T) {
	w := doortest.New(t)
	r := request(t, w)
	http := r.GetAttributes().GetRequest().GetHttp()
	http.Path = "/me"
	delete(http.GetHeaders(), "behalf-actor-token")
	http.GetHeaders()["x-behalf-actor"] = "support/portal"
	ok := check(t, w.Judge(t), r).GetOkResponse()
	if ok == nil {
		t.Fatal("denied")
	}
	if diff := cmp.Diff([]string{"behalf-actor-token", "x-behalf-actor", "x-behalf-dry-run"}, ok.GetHeadersToRemove()); diff != "" {
		t.Error("headers to remove (-want +got):\n" + diff)
	}
}

func TestHeadersThatCouldBeReadInTwoWaysDeny(t *testing.T) {
	w := doortest.New(t)
	for name, edit := range map[string]func(map[string]string){
		// THREATS 27
		"two subject tokens, joined by the proxy": func(h map[string]string) { h["authorization"] += ",Bearer x" },
		"two actor tokens, joined by the proxy":   func(h map[string]string) { h["behalf-actor-token"] += ", x" },
		"the authorization header in two cases":   func(h map[string]string) { h["Authorization"] = "Bearer x" },
		"the actor token in another spelling too": func(h map[string]string) { h["behalf_actor_token"] = "x" },
		"Connection names an identity header":     func(h map[string]string) { h["connection"] = "close, X-Behalf-Subject" },
		"Connection names one in another spelling": func(h map[string]string) {
			h["connection"] = "x_behalf_actor"
		},
		"Connection names a credential": func(h map[string]string) { h["connection"] = "authorization" },
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, w)
			edit(r.GetAttributes().GetRequest().GetHttp().GetHeaders())
			wantDenied(t, check(t, w.Judge(t), r), 403, authz.LegIdentity, authz.ReasonRequestMalformed)
		})
	}
}

func TestRawHeadersAreReadToo(t *testing.T) {
	w := doortest.New(t)
	raw := func(r *authv3.CheckRequest, extra ...*corev3.HeaderValue) *authv3.CheckRequest {
		http := r.GetAttributes().GetRequest().GetHttp()
		list := extra
		for name, value := range http.GetHeaders() {
			list = append(list, &corev3.HeaderValue{Key: name, RawValue: []byte(value)})
		}
		http.Headers, http.HeaderMap = nil, &corev3.HeaderMap{Headers: list}
		return r
	}
	t.Run("one value each is read", func(t *testing.T) {
		if check(t, w.Judge(t), raw(request(t, w))).GetOkResponse() == nil {
			t.Error("denied")
		}
	})
	t.Run("two lines deny", func(t *testing.T) { // THREATS 27
		response := check(t, w.Judge(t), raw(request(t, w), &corev3.HeaderValue{Key: "Authorization", RawValue: []byte("Bearer x")}))
		wantDenied(t, response, 403, authz.LegIdentity, authz.ReasonRequestMalformed)
	})
	t.Run("bytes that are no text deny", func(t *testing.T) { // THREATS 29
		r := raw(request(t, w))
		for _, header := range r.GetAttributes().GetRequest().GetHttp().GetHeaderMap().GetHeaders() {
			if header.GetKey() == "authorization" {
				header.RawValue = append(header.GetRawValue(), "\x00\r\n\xff"...)
			}
		}
		wantDenied(t, check(t, w.Judge(t), r), 401, authz.LegIdentity, authz.ReasonTokenInvalid)
	})
	t.Run("the same header in both places denies", func(t *testing.T) {
		r := request(t, w)
		r.GetAttributes().GetRequest().GetHttp().HeaderMap = &corev3.HeaderMap{Headers: []*corev3.HeaderValue{{Key: "authorization", RawValue: []byte("Bearer x")}}}
		wantDenied(t, check(t, w.Judge(t), r), 403, authz.LegIdentity, authz.ReasonRequestMalformed)
	})
}

func TestCredentialsThatAreNotGoodDeny(t *testing.T) {
	w := doortest.New(t)
	stranger := tokentest.NewIssuer(t, doortest.CorpURL, "ES256", "corp-1")
	for name, test := range map[string]struct {
		edit   func(map[string]string)
		status int32
		reason authz.Reason
	}{
		"no subject token":                {func(h map[string]string) { delete(h, "authorization") }, 401, authz.ReasonSubjectMissing},
		"a password":                      {func(h map[string]string) { h["authorization"] = "Basic YTpi" }, 401, authz.ReasonSubjectMissing},
		"an empty header":                 {func(h map[string]string) { h["authorization"] = "" }, 401, authz.ReasonSubjectMissing},
		"a scheme without a token":        {func(h map[string]string) { h["authorization"] = "Bearer " }, 401, authz.ReasonSubjectMissing},
		"a key-bound token, sent as DPoP": {func(h map[string]string) { h["authorization"] = "DPoP " + w.Alice(t) }, 401, authz.ReasonSubjectMissing},
		"two spaces before the token":     {func(h map[string]string) { h["authorization"] = "Bearer  " + w.Alice(t) }, 401, authz.ReasonTokenInvalid},
		"a token that a stranger signed": {func(h map[string]string) {
			h["authorization"] = "Bearer " + stranger.Sign(t, w.Corp.Person(doortest.Now, "alice", "behalf"))
		}, 401, authz.ReasonTokenInvalid},
		"a token of 1 MiB":                  {func(h map[string]string) { h["authorization"] = "Bearer " + strings.Repeat("a", 1<<20) }, 401, authz.ReasonTokenInvalid}, // THREATS 16, 22
		"an actor token of 1 MiB":           {func(h map[string]string) { h["behalf-actor-token"] = strings.Repeat("a", 1<<20) }, 401, authz.ReasonTokenInvalid},
		"an empty actor token":              {func(h map[string]string) { h["behalf-actor-token"] = "" }, 401, authz.ReasonTokenInvalid},
		"the subject token twice, as actor": {func(h map[string]string) { h["behalf-actor-token"] = w.Alice(t) }, 401, authz.ReasonTokenInvalid},
		"the actor token twice, as subject": {func(h map[string]string) { h["authorization"] = "Bearer " + h["behalf-actor-token"] }, 401, authz.ReasonTokenInvalid},
		"an actor token for another API": {func(h map[string]string) {
			h["behalf-actor-token"] = w.Actor(t, doortest.Portal, "https://ledger.example")
		}, 401, authz.ReasonTokenInvalid}, // THREATS 18
		"an actor token of a former account": {func(h map[string]string) {
			h["behalf-actor-token"] = w.Cluster.Sign(t, w.Cluster.ServiceAccount(doortest.Now, doortest.Portal, "former", doortest.Tickets))
		}, 403, authz.ReasonActorMismatch}, // THREATS 12
		"the scheme in lower case is as good": {func(h map[string]string) { h["authorization"] = "bearer " + w.Alice(t) }, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, w)
			test.edit(r.GetAttributes().GetRequest().GetHttp().GetHeaders())
			response := check(t, w.Judge(t), r)
			if test.status == 0 {
				if response.GetOkResponse() == nil {
					t.Errorf("response = %v, want an allow", response)
				}
				return
			}
			wantDenied(t, response, test.status, authz.LegIdentity, test.reason)
		})
	}
}

func TestRequestsThatAreNoQuestionDeny(t *testing.T) {
	w := doortest.New(t)
	for name, r := range map[string]*authv3.CheckRequest{
		"nothing":                     nil,
		"an empty request":            {},
		"a connection, not a request": {Attributes: &authv3.AttributeContext{Source: &authv3.AttributeContext_Peer{}}},
		"a request that is not HTTP":  {Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{}}},
	} {
		t.Run(name, func(t *testing.T) {
			wantDenied(t, check(t, w.Judge(t), r), 403, authz.LegIdentity, authz.ReasonRequestMalformed)
		})
	}
}

func TestContextComesFromTheProxyAlone(t *testing.T) {
	w := doortest.New(t)
	for name, test := range map[string]struct {
		extensions map[string]string
		reason     authz.Reason
		leg        authz.Leg
	}{
		"a context and an audience": {map[string]string{"context.purpose": "support", "audience": doortest.Tickets}, "", ""},
		"another audience":          {map[string]string{"context.purpose": "support", "audience": "https://ledger.example"}, authz.ReasonTokenInvalid, authz.LegIdentity},
		"no context":                {nil, authz.ReasonConditionError, authz.LegPolicy},
		"a misspelt key":            {map[string]string{"contxt.purpose": "support"}, authz.ReasonRequestMalformed, authz.LegIdentity},
		"a context without a name":  {map[string]string{"context.": "support"}, authz.ReasonRequestMalformed, authz.LegIdentity},
		"an empty audience":         {map[string]string{"context.purpose": "support", "audience": ""}, authz.ReasonRequestMalformed, authz.LegIdentity},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, w)
			r.GetAttributes().ContextExtensions = test.extensions
			response := check(t, w.Judge(t), r)
			if test.reason == "" {
				if response.GetOkResponse() == nil {
					t.Errorf("response = %v, want an allow", response)
				}
				return
			}
			wantReason(t, response, test.leg, test.reason)
		})
	}
}

func TestADenyTellsTheClientNoMoreThanItNeeds(t *testing.T) {
	w := doortest.New(t)
	r := request(t, w)
	r.GetAttributes().ContextExtensions = map[string]string{"context.purpose": "curiosity"}
	response := check(t, w.Judge(t), r)

	denied := response.GetDeniedResponse()
	want := map[string]string{
		"content-type": "application/json", "cache-control": "no-store",
		"x-behalf-decision": "Deny", "x-behalf-leg": "policy", "x-behalf-reason": "no_policy",
	}
	if diff := cmp.Diff(want, values(denied.GetHeaders())); diff != "" {
		t.Error("headers (-want +got):\n" + diff)
	}
	wantBody := `{"decision":"Deny","leg":"policy","reason":"no_policy","message":"You or the service acting for you may not do this."}`
	if denied.GetBody() != wantBody {
		t.Errorf("body = %s, want %s", denied.GetBody(), wantBody)
	}
	if got := response.GetStatus(); got.GetCode() != 7 || got.GetMessage() != "no_policy" {
		t.Errorf("status = %v, want PERMISSION_DENIED", got)
	}
	if strings.Contains(response.String(), "support-portal") || strings.Contains(response.String(), "eyJ") {
		t.Errorf("the response names a policy or quotes a token: %v", response)
	}
}

func TestEachDenyHasTheStatusThatClientsUnderstand(t *testing.T) {
	for reason, want := range map[authz.Reason]struct {
		status    int32
		code      int32
		challenge string
	}{
		authz.ReasonSubjectMissing:   {401, 16, `Bearer realm="behalf"`},
		authz.ReasonTokenInvalid:     {401, 16, `Bearer realm="behalf", error="invalid_token"`},
		authz.ReasonTokenExpired:     {401, 16, `Bearer realm="behalf", error="invalid_token"`},
		authz.ReasonTokenNotYetValid: {401, 16, `Bearer realm="behalf", error="invalid_token"`},
		authz.ReasonScopeNotInToken:  {403, 7, `Bearer realm="behalf", error="insufficient_scope"`},
		authz.ReasonStaleBundle:      {503, 7, ""},
		authz.ReasonInternalError:    {503, 7, ""},
		authz.ReasonActorMissing:     {403, 7, ""},
		authz.ReasonNotEntitled:      {403, 7, ""},
		authz.ReasonForbidden:        {403, 7, ""},
	} {
		t.Run(string(reason), func(t *testing.T) {
			// The judge of this test reads no request: it refuses it for the reason at hand.
			response := extauthz.Denied(authz.Decision{Denial: authz.Denial{Leg: authz.LegPolicy, Reason: reason}})
			denied := response.GetDeniedResponse()
			if got := int32(denied.GetStatus().GetCode()); got != want.status {
				t.Errorf("HTTP status = %d, want %d", got, want.status)
			}
			if got := response.GetStatus().GetCode(); got != want.code {
				t.Errorf("code = %d, want %d", got, want.code)
			}
			if got := values(denied.GetHeaders())["www-authenticate"]; got != want.challenge {
				t.Errorf("challenge = %q, want %q", got, want.challenge)
			}
		})
	}
}

func TestWithoutABundleEveryRequestIsDeniedAndNoneIsAnError(t *testing.T) {
	w := doortest.New(t)
	wantDenied(t, check(t, doortest.JudgeOf(nil), request(t, w)), 503, authz.LegFreshness, authz.ReasonStaleBundle)
}

func TestAPanicDenies(t *testing.T) {
	w := doortest.New(t)
	t.Run("while deciding", func(t *testing.T) { // THREATS 30
		judge := w.Judge(t)
		judge.Snapshots = panicking{}
		wantReason(t, check(t, judge, request(t, w)), authz.LegIdentity, authz.ReasonInternalError)
	})
	t.Run("while observing", func(t *testing.T) {
		wantReason(t, check(t, w.Judge(t, panickingObserver{}), request(t, w)), authz.LegIdentity, authz.ReasonInternalError)
	})
}

type panicking struct{}

func (panicking) Current() *engine.Snapshot { panic("no snapshot") }

type panickingObserver struct{}

func (panickingObserver) Observe(frontdoor.Event) { panic("full") }

func TestADryRunPassesAndIsToldToBothSides(t *testing.T) {
	w := doortest.New(t)
	w.Policy.DryRunUntil = doortest.Now.Add(time.Hour).Unix()
	r := request(t, w)
	r.GetAttributes().ContextExtensions = map[string]string{"context.purpose": "curiosity"}
	ok := check(t, w.Judge(t), r).GetOkResponse()
	if ok == nil {
		t.Fatal("denied")
	}
	if got := values(ok.GetHeaders())["x-behalf-dry-run"]; got != "policy/no_policy" {
		t.Errorf("the API is told %q, want policy/no_policy", got)
	}
	if got := values(ok.GetResponseHeadersToAdd())["x-behalf-dry-run"]; got != "policy/no_policy" {
		t.Errorf("the client is told %q, want policy/no_policy", got)
	}
}

func TestASubjectThatAHeaderCannotHoldIsEncoded(t *testing.T) {
	w := doortest.New(t)
	r := request(t, w)
	r.GetAttributes().GetRequest().GetHttp().GetHeaders()["authorization"] = "Bearer " + w.Subject(t, "ålice, 100% 7", []string{"customers"}, []string{"tickets:read"})
	ok := check(t, w.Judge(t), r).GetOkResponse()
	if ok == nil {
		t.Fatal("denied")
	}
	if got, want := values(ok.GetHeaders())["x-behalf-subject"], "%C3%A5lice%2C%20100%25%207"; got != want {
		t.Errorf("subject = %q, want %q", got, want)
	}
}

func wantDenied(tb testing.TB, response *authv3.CheckResponse, status int32, leg authz.Leg, reason authz.Reason) {
	tb.Helper()
	wantReason(tb, response, leg, reason)
	if got := int32(response.GetDeniedResponse().GetStatus().GetCode()); got != status {
		tb.Errorf("HTTP status = %d, want %d", got, status)
	}
}

func wantReason(tb testing.TB, response *authv3.CheckResponse, leg authz.Leg, reason authz.Reason) {
	tb.Helper()
	if response.GetStatus().GetCode() == 0 || response.GetDeniedResponse() == nil {
		tb.Fatalf("response = %v, want a deny", response)
	}
	got := values(response.GetDeniedResponse().GetHeaders())
	if got["x-behalf-leg"] != string(leg) || got["x-behalf-reason"] != string(reason) {
		tb.Errorf("denied by %s/%s, want %s/%s", got["x-behalf-leg"], got["x-behalf-reason"], leg, reason)
	}
}
