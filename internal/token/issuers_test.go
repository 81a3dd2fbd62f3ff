// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"slices"
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
	if got := slices.Collect(trust.Issuers()); !slices.Equal(got, []string{"corp"}) {
		t.Errorf("it believes %q", got)
	}
	for issuer := range (*token.Trust)(nil).Issuers() {
		t.Errorf("no trust believes %q", issuer)
	}
}
