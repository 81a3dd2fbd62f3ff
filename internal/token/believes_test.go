// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"testing"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/token"
	"behalf.dev/behalf/internal/token/tokentest"
)

func TestTrustBelievesTheIssuersThatItNames(t *testing.T) {
	corp := tokentest.NewIssuer(t, "https://idp.example", "ES256", "corp-1")
	trust, err := token.NewTrust(&bundle.Trust{Format: bundle.Format, Issuers: []bundle.Issuer{{
		Name: "corp", URL: "https://idp.example", Audiences: []string{"behalf"}, Algorithms: []string{"ES256"},
		JWKS: corp.JWKS(t), Unbounded: true,
	}}}, bundle.Statement{})
	if err != nil {
		t.Fatal(err)
	}
	for issuer, want := range map[string]bool{"corp": true, "Corp": false, "https://idp.example": false, "the cluster": false, "": false} {
		if got := trust.Believes(issuer); got != want {
			t.Errorf("Believes(%q) = %t, want %t", issuer, got, want)
		}
	}
	if (*token.Trust)(nil).Believes("corp") {
		t.Error("no trust believes somebody")
	}
}
