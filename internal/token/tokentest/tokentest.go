// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tokentest issues tokens for tests: good ones, and any that an attacker could write.
package tokentest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"behalf.dev/behalf/internal/authz"
)

// Issuer signs tokens with a key of its own.
type Issuer struct {
	URL       string
	Algorithm string
	KeyID     string
	Key       crypto.Signer
}

// NewIssuer makes an issuer with a fresh key for ES256, RS256 or EdDSA.
func NewIssuer(tb testing.TB, url, algorithm, keyID string) *Issuer {
	tb.Helper()
	return &Issuer{URL: url, Algorithm: algorithm, KeyID: keyID, Key: NewKey(tb, algorithm)}
}

// NewKey makes a key for ES256, RS256 or EdDSA.
func NewKey(tb testing.TB, algorithm string) crypto.Signer {
	tb.Helper()
	var key crypto.Signer
	var err error
	switch algorithm {
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "RS256":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		tb.Fatalf("no key for algorithm %q", algorithm)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// JWK is the issuer's public key.
func (i *Issuer) JWK() jose.JSONWebKey {
	return jose.JSONWebKey{Key: i.Key.Public(), KeyID: i.KeyID, Algorithm: i.Algorithm, Use: "sig"}
}

// JWKS is a set of the issuer's public key alone.
func (i *Issuer) JWKS(tb testing.TB) string {
	tb.Helper()
	return JWKS(tb, i.JWK())
}

// JWKS is a set of keys.
func JWKS(tb testing.TB, keys ...jose.JSONWebKey) string {
	tb.Helper()
	return string(marshal(tb, jose.JSONWebKeySet{Keys: append([]jose.JSONWebKey{}, keys...)}))
}

// Header is the header of the issuer's good tokens.
func (i *Issuer) Header() map[string]any {
	return map[string]any{"alg": i.Algorithm, "kid": i.KeyID, "typ": "JWT"}
}

// Sign gives a token with a good header.
func (i *Issuer) Sign(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	return i.SignRaw(tb, marshal(tb, i.Header()), marshal(tb, claims))
}

// SignRaw gives a token with any header and payload, signed by the issuer's key in the way of the issuer's algorithm.
func (i *Issuer) SignRaw(tb testing.TB, header, payload []byte) string {
	tb.Helper()
	signed := Encode(header) + "." + Encode(payload)
	return signed + "." + Encode(i.signature(tb, []byte(signed)))
}

// Encode is base64url without padding.
func Encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func (i *Issuer) signature(tb testing.TB, signed []byte) []byte {
	tb.Helper()
	digest := sha256.Sum256(signed)
	var raw []byte
	var err error
	switch key := i.Key.(type) {
	case *ecdsa.PrivateKey:
		r, s, failed := ecdsa.Sign(rand.Reader, key, digest[:])
		if failed != nil {
			tb.Fatal(failed)
		}
		raw = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case *rsa.PrivateKey:
		raw, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	case ed25519.PrivateKey:
		raw = ed25519.Sign(key, signed)
	default:
		tb.Fatalf("no signature with a %T", key)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// Person are the claims of a good subject token, issued a minute before now and good for an hour.
func (i *Issuer) Person(now time.Time, id, audience string) map[string]any {
	return map[string]any{
		"iss": i.URL, "sub": id, "aud": audience,
		"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

// ServiceAccount are the claims of a projected service account token as an API server of Kubernetes 1.36 writes them.
func (i *Issuer) ServiceAccount(now time.Time, actor authz.Actor, uid, audience string) map[string]any {
	return map[string]any{
		"iss": i.URL,
		"aud": []string{audience},
		"sub": "system:serviceaccount:" + actor.Namespace + ":" + actor.ServiceAccount,
		"iat": now.Add(-time.Minute).Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
		"jti": "0b3c7a6e-7b0e-4c53-9d4e-2a6a3f6d3f10",
		"kubernetes.io": map[string]any{
			"namespace":      actor.Namespace,
			"node":           map[string]any{"name": "node-1", "uid": "e2f0a3c8-0000-4000-8000-000000000001"},
			"pod":            map[string]any{"name": "pod-1", "uid": "e2f0a3c8-0000-4000-8000-000000000002"},
			"serviceaccount": map[string]any{"name": actor.ServiceAccount, "uid": uid},
		},
	}
}

// With gives the claims with some of them set otherwise; a nil value takes a claim away.
func With(claims map[string]any, changes map[string]any) map[string]any {
	changed := maps.Clone(claims)
	for name, value := range changes {
		if value == nil {
			delete(changed, name)
			continue
		}
		changed[name] = value
	}
	return changed
}
