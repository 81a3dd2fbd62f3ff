// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"slices"
	"testing"

	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/token"
)

const issuers = `
apiVersion: behalf.dev/v1alpha1
kind: TrustedIssuer
metadata: {name: fetched}
spec: {url: https://a.example, audiences: [behalf], algorithms: [ES256], keys: {type: Discovery}, scopes: {type: Unbounded}}
---
apiVersion: behalf.dev/v1alpha1
kind: TrustedIssuer
metadata: {name: inline}
spec: {url: https://b.example, audiences: [behalf], algorithms: [ES256], keys: {type: Inline, jwks: '{"keys":[]}'}, scopes: {type: Unbounded}}
`

func believes(trust *token.Trust, issuer string) bool {
	return slices.Contains(slices.Collect(trust.Issuers()), issuer)
}

func TestWithoutAClusterAnIssuerIsBelievedWithoutKeys(t *testing.T) {
	w := parseWorld(t, issuers)
	w.Keyless = true
	r := compile.Compile(w)
	trust := load(t, r).Trust()
	if !believes(trust, "fetched") {
		t.Error("the issuer whose keys nobody fetched is not believed")
	}
	if len(r.Trust.Issuers) != 1 || r.Trust.Issuers[0].JWKS != `{"keys":[]}` {
		t.Errorf("issuers %+v, want one without keys", r.Trust.Issuers)
	}
	if believes(trust, "inline") {
		t.Error("the issuer whose own keys are of no use is believed")
	}
	if len(r.Problems) != 1 || r.Problems[0].Object.Name != "inline" {
		t.Errorf("problems %v, want one of the inline keys", r.Problems)
	}
}

// What was fetched and is of no use is not the same as what nobody fetched.
func TestInAClusterAnIssuerWithoutKeysIsNotBelieved(t *testing.T) {
	w := parseWorld(t, issuers)
	for _, keys := range []string{"", `{"keys":[]}`} {
		w.IssuerKeys = map[string]string{"fetched": keys}
		if believes(load(t, compile.Compile(w)).Trust(), "fetched") {
			t.Errorf("an issuer with the keys %q is believed", keys)
		}
	}
}
