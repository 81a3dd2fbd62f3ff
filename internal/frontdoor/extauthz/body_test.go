// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package extauthz_test

import (
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/frontdoor/doortest"
)

const listing = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`

// posting is a message to the MCP server, as Envoy sends it with the configuration of docs/asking.md.
func posting(tb testing.TB, w *doortest.World) *authv3.CheckRequest {
	tb.Helper()
	r := request(tb, w)
	http := r.GetAttributes().GetRequest().GetHttp()
	http.Method, http.Path, http.RawBody = "POST", "/mcp", []byte(listing)
	http.GetHeaders()["content-type"] = "application/json"
	http.GetHeaders()["x-envoy-auth-partial-body"] = "false"
	return r
}

// THREATS 29
func TestABodyCountsOnlyIfTheProxySaysThatItIsWhole(t *testing.T) {
	w := doortest.New(t)
	for name, test := range map[string]struct {
		edit    func(*authv3.AttributeContext_HttpRequest)
		allowed bool
	}{
		"the proxy says so":                          {func(*authv3.AttributeContext_HttpRequest) {}, true},
		"the proxy says so, and the length agrees":   {with("content-length", "46"), true},
		"the proxy says so, and the length does not": {with("content-length", "47"), false},
		"the proxy says nothing, and the length agrees": {func(h *authv3.AttributeContext_HttpRequest) {
			delete(h.GetHeaders(), "x-envoy-auth-partial-body")
			h.GetHeaders()["content-length"] = "46"
		}, true},
		"the proxy says nothing, and nobody states a length": {func(h *authv3.AttributeContext_HttpRequest) {
			delete(h.GetHeaders(), "x-envoy-auth-partial-body")
		}, false},
		"the proxy says nothing, and there are two lengths": {func(h *authv3.AttributeContext_HttpRequest) {
			delete(h.GetHeaders(), "x-envoy-auth-partial-body")
			h.GetHeaders()["content-length"] = "46,46"
		}, false},
		"it is a part":                               {with("x-envoy-auth-partial-body", "true"), false},
		"the proxy's word is none":                   {with("x-envoy-auth-partial-body", "FALSE"), false},
		"the client says it is whole, too":           {with("x-envoy-auth-partial-body", "true,false"), false},
		"the client says so in another spelling too": {with("x_envoy_auth_partial_body", "false"), false},
		"the client says so, and the proxy passes no body on": {func(h *authv3.AttributeContext_HttpRequest) {
			h.RawBody = nil
		}, false},
		"it was packed as text, in which bytes may have been replaced": {func(h *authv3.AttributeContext_HttpRequest) {
			h.Body, h.RawBody = listing, nil
		}, false},
		"it was packed in both ways": {func(h *authv3.AttributeContext_HttpRequest) { h.Body = listing }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := posting(t, w)
			test.edit(r.GetAttributes().GetRequest().GetHttp())
			response := check(t, w.Judge(t), r)
			if !test.allowed {
				wantDenied(t, response, 403, authz.LegResource, authz.ReasonInputMalformed)
				return
			}
			if response.GetOkResponse() == nil {
				t.Errorf("response = %v, want an allow", response)
			}
		})
	}
}

func with(name, value string) func(*authv3.AttributeContext_HttpRequest) {
	return func(h *authv3.AttributeContext_HttpRequest) { h.GetHeaders()[name] = value }
}

func TestOtherRoutesDoNotLookAtBodies(t *testing.T) {
	w := doortest.New(t)
	r := request(t, w)
	http := r.GetAttributes().GetRequest().GetHttp()
	http.Body, http.GetHeaders()["x-envoy-auth-partial-body"] = "half of someth", "true"
	if response := check(t, w.Judge(t), r); response.GetOkResponse() == nil {
		t.Errorf("response = %v, want an allow", response)
	}
}

func TestWhatIsJudgedAndRecordedHoldsNoCredentials(t *testing.T) { // THREATS 25
	w, recorder := doortest.New(t), &doortest.Recorder{}
	r := request(t, w)
	headers := r.GetAttributes().GetRequest().GetHttp().GetHeaders()
	for _, name := range []string{"cookie", "proxy-authorization", "dpop", "behalf_actor_token", "x-behalf-subject", "x_behalf_actor"} {
		headers[name] = "secret"
	}
	check(t, w.Judge(t, recorder), r)
	got := recorder.Events[0].Request.HTTP.Headers
	for _, name := range []string{"user-agent", "x-request-id", ":path"} {
		if len(got[name]) != 1 {
			t.Errorf("%s is not there", name)
		}
		delete(got, name)
	}
	for _, name := range []string{":method", ":authority", ":scheme"} {
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("the request holds %q too", got)
	}
}
