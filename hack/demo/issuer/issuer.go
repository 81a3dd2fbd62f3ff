// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// tokenLifetime is that of every token.
const tokenLifetime = 10 * time.Minute

type issuer struct {
	url    string
	now    func() time.Time
	public jose.JSONWebKey
	signer jose.Signer
}

func newIssuer(url string, now func() time.Time) (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating the signing key: %w", err)
	}
	private := jose.JSONWebKey{Key: key, KeyID: "demo-1", Algorithm: string(jose.ES256), Use: "sig"}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("making the signer: %w", err)
	}
	return &issuer{url: url, now: now, public: private.Public(), signer: signer}, nil
}

func (i *issuer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("POST /token", i.token)
	return mux
}

// discovery answers as OpenID Connect Discovery 1.0 section 4.2 has it.
func (i *issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer":                                i.url,
		"jwks_uri":                              i.url + "/keys",
		"token_endpoint":                        i.url + "/token",
		"response_types_supported":              []string{"token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(jose.ES256)},
	})
}

func (i *issuer) keys(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "max-age=300")
	answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.public}})
}

// token signs in the person named by the form value username. Further form values: audience (default behalf), session,
// auth_age (seconds since the person signed in, default 60) and lifetime (seconds; negative for an expired token).
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	username := r.FormValue("username")
	person, known := people[username]
	if !known {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "nobody is called " + strconv.Quote(username)})
		return
	}
	token, err := i.sign(username, person, r.FormValue)
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_request", "error_description": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer"})
}

func (i *issuer) sign(username string, person claims, form func(string) string) (string, error) {
	authAge, err := seconds(form("auth_age"), time.Minute)
	if err != nil {
		return "", fmt.Errorf("auth_age: %w", err)
	}
	lifetime, err := seconds(form("lifetime"), tokenLifetime)
	if err != nil {
		return "", fmt.Errorf("lifetime: %w", err)
	}
	now := i.now()
	all := maps.Clone(person)
	all["iss"], all["sub"], all["aud"] = i.url, username, or(form("audience"), "behalf")
	all["iat"], all["exp"] = now.Unix(), now.Add(lifetime).Unix()
	all["auth_time"] = now.Add(-authAge).Unix()
	all["sid"] = or(form("session"), "session-of-"+username)
	all["jti"] = rand.Text()
	return jwt.Signed(i.signer).Claims(map[string]any(all)).Serialize()
}

func seconds(text string, fallback time.Duration) (time.Duration, error) {
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	return time.Duration(n) * time.Second, err
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // The client is gone if this fails.
}
