// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// minRSABits is what RFC 7518 section 3.3 asks for.
const minRSABits = 2048

// key is one public key that may check signatures.
type key struct {
	id     string
	public any
	// algorithms that the key itself allows: by its type and, where the set says so, by its 'alg' alone.
	algorithms []string
}

// loadKeys reads a JWK set (RFC 7517) and keeps what is usable. A set without a usable key is no error: an issuer may have
// withdrawn them all, and then nothing of it verifies.
func loadKeys(jwks string) ([]key, error) {
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal([]byte(jwks), &set); err != nil {
		return nil, errors.New("its keys are not a JWK set (RFC 7517)")
	}
	if set.Keys == nil {
		return nil, errors.New("its keys are not a JWK set (RFC 7517): there is no member 'keys'")
	}
	var keys []key
	for _, raw := range *set.Keys {
		if k, ok := loadKey(raw); ok {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

func loadKey(raw json.RawMessage) (key, bool) {
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(raw); err != nil || !jwk.Valid() || !jwk.IsPublic() {
		return key{}, false
	}
	if jwk.Use != "" && jwk.Use != "sig" || !verifies(raw) {
		return key{}, false
	}
	algorithms := algorithmsOf(jwk.Key)
	if jwk.Algorithm != "" {
		algorithms = slices.DeleteFunc(algorithms, func(a string) bool { return a != jwk.Algorithm })
	}
	return key{id: jwk.KeyID, public: jwk.Key, algorithms: algorithms}, len(algorithms) > 0
}

// verifies looks at 'key_ops' (RFC 7517 section 4.3), which go-jose does not.
func verifies(raw json.RawMessage) bool {
	var jwk struct {
		KeyOps *[]string `json:"key_ops"`
	}
	if err := json.Unmarshal(raw, &jwk); err != nil {
		return false
	}
	return jwk.KeyOps == nil || slices.Contains(*jwk.KeyOps, "verify")
}

// algorithmsOf gives the algorithms that a key's type fits; none for a key that is too weak or not for signatures.
func algorithmsOf(public any) []string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSABits {
			return nil
		}
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case *ecdsa.PublicKey:
		return curveAlgorithm(k.Curve)
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	default:
		return nil
	}
}

// curveAlgorithm: RFC 7518 section 3.4 ties each algorithm to one curve.
func curveAlgorithm(curve elliptic.Curve) []string {
	switch curve {
	case elliptic.P256():
		return []string{"ES256"}
	case elliptic.P384():
		return []string{"ES384"}
	case elliptic.P521():
		return []string{"ES512"}
	default:
		return nil
	}
}

// asymmetric are the algorithms that may be configured. There is no symmetric one among them, and no 'none'.
var asymmetric = []string{
	"ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512",
}

func knownAlgorithms(algorithms []string) error {
	for _, a := range algorithms {
		if !slices.Contains(asymmetric, a) {
			return fmt.Errorf("algorithm %q is none of %v", a, asymmetric)
		}
	}
	return nil
}

// choose gives the one key of the issuer that must have signed: by kid, or the only one there is.
func (i *issuer) choose(kid *string, algorithm string) (key, *Invalid) {
	candidates := i.keys
	if kid != nil {
		candidates = slices.DeleteFunc(slices.Clone(i.keys), func(k key) bool { return k.id != *kid })
	}
	switch {
	case len(i.keys) == 0:
		return key{}, invalid("is from %s, which has no usable key", i.Name)
	case len(candidates) == 0:
		return key{}, invalid("is signed with a key that %s does not have", i.Name)
	case len(candidates) > 1:
		return key{}, invalid("does not say which of several keys of %s signed it", i.Name)
	case !slices.Contains(candidates[0].algorithms, algorithm):
		return key{}, invalid("is signed with an algorithm that is not the key's")
	default:
		return candidates[0], nil
	}
}
