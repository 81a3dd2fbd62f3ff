// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/frontdoor/authzen"
	"behalf.dev/behalf/internal/frontdoor/doortest"
)

// said is what an evaluation says.
type said struct {
	Decision bool `json:"decision"`
	Context  struct {
		Leg         authz.Leg         `json:"leg"`
		Reason      authz.Reason      `json:"reason"`
		ReasonAdmin map[string]string `json:"reason_admin"`
	} `json:"context"`
}

func evaluate(t *testing.T, w *doortest.World, body string) (got said) {
	t.Helper()
	recorded := serve(handler(t, w), post(t, w, body))
	if recorded.Code != http.StatusOK {
		t.Fatalf("status %d: %s", recorded.Code, recorded.Body)
	}
	if err := json.Unmarshal(recorded.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAPeerVouchesOnlyForPeopleOfIssuersThatAreTrusted(t *testing.T) { // THREATS 15
	for name, test := range map[string]struct {
		edit func(*doortest.World)
		body string
		want string
	}{
		"the TrustedIssuer was deleted": {
			func(w *doortest.World) { w.Trust.Issuers = nil }, good,
			`no TrustedIssuer named "corp" is believed here`,
		},
		"the issuer never was one": {
			func(*doortest.World) {}, replaced(t, `"issuer": "corp"`, `"issuer": "partner"`),
			`no TrustedIssuer named "partner" is believed here`,
		},
		"the issuer's URL in place of its name": {
			func(*doortest.World) {}, replaced(t, `"issuer": "corp"`, `"issuer": "https://idp.example"`),
			`no TrustedIssuer named "https://idp.example" is believed here`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := doortest.New(t)
			test.edit(w)
			got := evaluate(t, w, test.body)
			if got.Decision || got.Context.Leg != authz.LegIdentity || got.Context.Reason != authz.ReasonTokenInvalid || got.Context.ReasonAdmin["en"] != test.want {
				t.Errorf("said %+v, want a deny by identity/token_invalid: %s", got, test.want)
			}
		})
	}
}

func TestATimeThatStandsForNoneIsRefused(t *testing.T) { // THREATS 21
	w := doortest.New(t)
	for name, body := range map[string]string{
		"context.token.expiresAt":         replaced(t, `"purpose": "support"`, `"purpose": "support", "token": {"unbounded": true, "expiresAt": "0001-01-01T00:00:00Z"}`),
		"context.token.issuedAt":          replaced(t, `"purpose": "support"`, `"purpose": "support", "token": {"unbounded": true, "issuedAt": "0001-01-01T00:00:00Z"}`),
		"subject.properties.authTime":     replaced(t, `"issuer": "corp"`, `"issuer": "corp", "authTime": "0001-01-01T00:00:00Z"`),
		"context.token.expiresAt, abroad": replaced(t, `"purpose": "support"`, `"purpose": "support", "token": {"unbounded": true, "expiresAt": "0001-01-01T01:00:00+01:00"}`),
	} {
		t.Run(name, func(t *testing.T) {
			if got := evaluate(t, w, body); got.Decision || got.Context.Leg != authz.LegIdentity || got.Context.Reason != authz.ReasonRequestMalformed {
				t.Errorf("said %+v, want a deny by identity/request_malformed", got)
			}
		})
	}
}

func TestInADryRunWhatIsOutOfDateIsDenied(t *testing.T) { // THREATS 21
	w := doortest.New(t)
	w.Policy.DryRunUntil = doortest.Now.Add(time.Hour).Unix()
	for name, test := range map[string]struct {
		token  string
		reason authz.Reason
	}{
		"an expired token":      {`{"unbounded": true, "expiresAt": "2026-06-01T09:00:00Z"}`, authz.ReasonTokenExpired},
		"a token of the future": {`{"unbounded": true, "issuedAt": "2026-06-01T11:00:00Z"}`, authz.ReasonTokenNotYetValid},
	} {
		t.Run(name, func(t *testing.T) {
			got := evaluate(t, w, replaced(t, `"purpose": "support"`, `"purpose": "support", "token": `+test.token))
			if got.Decision || got.Context.Leg != authz.LegFreshness || got.Context.Reason != test.reason {
				t.Errorf("said %+v, want a deny by freshness/%s", got, test.reason)
			}
		})
	}
}

func TestWithoutATrustBundleTheDenyIsRecordedToo(t *testing.T) {
	w, recorder := doortest.New(t), &doortest.Recorder{}
	h := authzen.NewHandler(authzen.Options{Judge: doortest.JudgeOf(nil, recorder), Peers: []authz.Actor{doortest.Gateway}})
	if got := serve(h, post(t, w, good)); got.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d: %s", got.Code, got.Body)
	}
	if len(recorder.Events) != 1 {
		t.Fatalf("recorded %+v, want one deny", recorder.Events)
	}
	event := recorder.Events[0]
	if event.Decision.Outcome != authz.Deny || event.Decision.Leg != authz.LegFreshness || event.Decision.Reason != authz.ReasonStaleBundle || event.Door != "authzen" {
		t.Errorf("recorded %+v, want a deny by freshness/stale_bundle", event)
	}
}
