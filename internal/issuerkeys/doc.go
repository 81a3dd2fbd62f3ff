// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package issuerkeys fetches the public keys of token issuers and keeps them fresh: of OpenID Connect issuers over the
// web, and of the cluster's own service account issuer through the API server.
//
// What it fetches decides whose signatures are believed, from addresses that whoever may write a TrustedIssuer chooses.
// So it follows no redirects, takes https and the stated ports only, never dials link-local addresses, clouds' metadata
// services or (unless told to) loopback, whatever a name resolves to and however it is wrapped into IPv6, reads at most MaxDocument bytes within Timeout, and accepts a discovery document only from the issuer
// that it names. Keys are never looked up by what a token says (THREATS 14).
package issuerkeys

import "time"

// Bounds of one document.
const (
	// MaxDocument is the size of a discovery document or JWK set, in bytes.
	MaxDocument = 1 << 20
	// Timeout is how long fetching one document may take, from the name's resolution to the last byte.
	Timeout = 10 * time.Second
	// maxKeys is the number of keys in one set, and maxSet its size in the stable form: all issuers share one trust bundle.
	maxKeys = 256
	maxSet  = 128 << 10
)

// Keys are what was fetched.
type Keys struct {
	// Issuer is the exact 'iss' of the tokens that the keys verify.
	Issuer string
	// JWKS is a JWK set (RFC 7517) in a stable form: public signature keys only, sorted, without certificates.
	JWKS string
	// MaxAge is for how long the server said that it may be kept; 0 where it did not say.
	MaxAge time.Duration
}
