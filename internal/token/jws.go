// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"behalf.dev/behalf/internal/token/strictjson"
)

// MaxSize of a token in bytes. Larger ones are refused before anything is decoded.
const MaxSize = 8 << 10

// maxDepth of the JSON in a token.
const maxDepth = 16

// jws is a compact JWS (RFC 7515 section 3.1) that has been read and not yet verified.
type jws struct {
	raw       string
	algorithm string
	typ       string
	kid       *string
	claims    claims
}

// read takes a token apart without believing any of it.
func read(raw string) (*jws, *Invalid) {
	if raw == "" {
		return nil, invalid("is empty")
	}
	if len(raw) > MaxSize {
		return nil, invalid("is larger than %d bytes", MaxSize)
	}
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, invalid("is not a signed JWT: it has %d parts, not 3", len(parts))
	}
	decoded, bad := decodeParts(parts)
	if bad != nil {
		return nil, bad
	}
	return assemble(raw, decoded[0], decoded[1])
}

func decodeParts(parts []string) ([][]byte, *Invalid) {
	names := []string{"header", "payload", "signature"}
	decoded := make([][]byte, len(parts))
	for n, part := range parts {
		// Go's decoder skips CR and LF, which would let one token be written in many ways.
		if strings.ContainsAny(part, "\r\n") {
			return nil, invalid("has a line break in its %s", names[n])
		}
		raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || len(raw) == 0 {
			return nil, invalid("has a %s that is not base64url (RFC 7515 section 2)", names[n])
		}
		decoded[n] = raw
	}
	return decoded, nil
}

func assemble(raw string, header, payload []byte) (*jws, *Invalid) {
	head, err := strictjson.Object(header, maxDepth)
	if err != nil {
		return nil, invalid("has a header that cannot be read: %v", err)
	}
	j := &jws{raw: raw}
	if bad := j.readHeader(claims(head)); bad != nil {
		return nil, bad
	}
	body, err := strictjson.Object(payload, maxDepth)
	if err != nil {
		return nil, invalid("has a payload that cannot be read: %v", err)
	}
	j.claims = body
	return j, nil
}

// refusedHeaders bring keys along, ask for extensions, or turn the token into something else (RFC 8725 sections 3.1, 3.10;
// RFC 7797 for b64; RFC 7516 for enc and zip).
var refusedHeaders = []string{"jwk", "jku", "x5u", "x5c", "crit", "b64", "enc", "zip", "cty"}

func (j *jws) readHeader(head claims) *Invalid {
	for _, name := range refusedHeaders {
		if head.has(name) {
			return invalid("has the header %s, which is refused", name)
		}
	}
	var bad *Invalid
	if j.algorithm, bad = head.text("alg"); bad != nil {
		return bad
	}
	if j.typ, bad = head.text("typ"); bad != nil {
		return bad
	}
	if head.has("kid") {
		kid, bad := head.text("kid")
		j.kid = &kid
		return bad
	}
	return nil
}

// is says whether 'typ' is one of the media types, given without their "application/" (RFC 7515 section 4.1.9, RFC 8725
// section 3.11). A token without 'typ' is taken for a plain JWT, as OpenID Connect and Kubernetes issue them.
func (j *jws) is(types ...string) bool {
	typ := strings.TrimPrefix(strings.ToLower(j.typ), "application/")
	return typ == "" || slices.Contains(types, typ)
}

// verify checks the signature with the issuer's key and algorithms.
func (j *jws) verify(by *issuer) *Invalid {
	if !slices.Contains(by.Algorithms, j.algorithm) {
		return invalid("is signed with an algorithm that is not accepted from %s", by.Name)
	}
	k, bad := by.choose(j.kid, j.algorithm)
	if bad != nil {
		return bad
	}
	parsed, err := jose.ParseSignedCompact(j.raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(j.algorithm)})
	if err != nil {
		return invalid("is not a JWS")
	}
	if _, err := parsed.Verify(k.public); err != nil {
		return invalid("has a signature that does not verify")
	}
	return nil
}
