// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"strings"
	"testing"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/token"
	"behalf.dev/behalf/internal/token/tokentest"
)

func TestATrustBundleThatContradictsItselfIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*bundle.Trust)
		want string
	}{
		"two issuers of one name":           {func(b *bundle.Trust) { b.Issuers[1].Name = "corp" }, "issuer corp: its name or its URL https://other.example stands twice"},
		"two issuers of one URL":            {func(b *bundle.Trust) { b.Issuers[1].URL = corpURL }, "stands twice"},
		"an issuer without audiences":       {func(b *bundle.Trust) { b.Issuers[0].Audiences = nil }, "issuer corp: name, url, audiences and algorithms must all be set"},
		"an issuer without algorithms":      {func(b *bundle.Trust) { b.Issuers[0].Algorithms = nil }, "issuer corp: name, url, audiences and algorithms must all be set"},
		"an issuer without a URL":           {func(b *bundle.Trust) { b.Issuers[0].URL = "" }, "must all be set"},
		"an algorithm with a shared secret": {func(b *bundle.Trust) { b.Issuers[0].Algorithms = []string{"HS256"} }, `algorithm "HS256" is none of`},
		"the algorithm none":                {func(b *bundle.Trust) { b.Issuers[0].Algorithms = []string{"none"} }, `algorithm "none" is none of`},
		"neither scopes nor unbounded":      {func(b *bundle.Trust) { b.Issuers[0].ScopesClaim = "" }, "either a claim carries the scopes or tokens are unbounded"},
		"both scopes and unbounded":         {func(b *bundle.Trust) { b.Issuers[0].Unbounded = true }, "either a claim carries the scopes or tokens are unbounded"},
		"keys that are no JSON":             {func(b *bundle.Trust) { b.Issuers[0].JWKS = "keys" }, "issuer corp: its keys are not a JWK set (RFC 7517)"},
		"keys that are no set":              {func(b *bundle.Trust) { b.Issuers[0].JWKS = "{}" }, "there is no member 'keys'"},
		"a cluster without an issuer":       {func(b *bundle.Trust) { b.Cluster.Issuer = "" }, "cluster: the issuer must be set"},
		"a cluster whose keys are no set":   {func(b *bundle.Trust) { b.Cluster.JWKS = "" }, "cluster: its keys are not a JWK set"},
		"a service account without a name":  {func(b *bundle.Trust) { b.ServiceAccounts[0].Name = "" }, "service account support/: namespace and name must be set"},
		"a service account twice": {func(b *bundle.Trust) {
			b.ServiceAccounts = append(b.ServiceAccounts, bundle.ServiceAccount{Namespace: "support", Name: "portal", UID: "x"})
		}, "service account support/portal stands twice"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWorld(t).bundle
			test.edit(b)
			_, err := token.NewTrust(b, bundle.Statement{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one that says %q", err, test.want)
			}
		})
	}
	if _, err := token.NewTrust(nil, bundle.Statement{}); err == nil {
		t.Error("no bundle at all was taken")
	}
}

func TestEveryFamilyOfKeysVerifies(t *testing.T) {
	for _, algorithm := range []string{"ES256", "RS256", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			w := newWorld(t)
			w.corp = tokentest.NewIssuer(t, corpURL, algorithm, "key-1")
			w.bundle.Issuers[0].JWKS = w.corp.JWKS(t)
			w.bundle.Issuers[0].Algorithms = []string{algorithm}
			if _, _, err := w.trust(t).Subject(w.corp.Sign(t, w.alice()), now); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestARenewedLeaseForgetsNothing(t *testing.T) {
	w := newWorld(t)
	trust := w.trust(t)
	renewed := trust.WithStatement(bundle.Statement{Kind: bundle.KindTrust, Name: bundle.TrustName, Revision: 8})
	if got := renewed.Statement().Revision; got != 8 {
		t.Errorf("revision = %d, want 8", got)
	}
	if got := trust.Statement().Revision; got != 7 {
		t.Errorf("revision of the old one = %d, want 7", got)
	}
	if _, _, err := renewed.Subject(w.corp.Sign(t, w.alice()), now); err != nil {
		t.Error(err)
	}
}
