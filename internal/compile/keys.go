// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// minRSABits is the smallest RSA key that RFC 7518 sections 3.3 and 3.5 let anybody use.
const minRSABits = 2048

// publicMembers are what a public key is made of (RFC 7517, RFC 7518, RFC 8037). Everything else, certificates and links
// to them above all, is left behind.
var publicMembers = []string{"alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"}

// secretMembers are those of private and symmetric keys.
var secretMembers = []string{"d", "dp", "dq", "k", "oth", "p", "priv", "q", "qi"}

// canonicalKeys reads a JWK set and gives those of its keys that can verify one of the algorithms (any, where there are
// none) in one form whatever the order and white space were. Keys of kinds that nobody here knows are passed over, as RFC
// 7517 section 5 asks; a set that holds a private or symmetric key is refused as a whole: it was never meant to be seen.
func canonicalKeys(set string, algorithms []string) (string, error) {
	var raw struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal([]byte(set), &raw); err != nil {
		return "", fmt.Errorf("it is not a JWK set in JSON: %w", err)
	}
	var keys []string
	for i, members := range raw.Keys {
		key, err := canonicalKey(members, algorithms)
		if err != nil {
			return "", fmt.Errorf("keys[%d]: %w", i, err)
		}
		if key != "" {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return "", fmt.Errorf("it has no key that can verify %s", algorithmNames(algorithms))
	}
	return `{"keys":[` + strings.Join(sortedNames(keys), ",") + `]}`, nil
}

func algorithmNames(algorithms []string) string {
	if len(algorithms) == 0 {
		return "signatures"
	}
	return strings.Join(sortedNames(algorithms), " or ")
}

// canonicalKey is empty for a key that is passed over.
func canonicalKey(members map[string]json.RawMessage, algorithms []string) (string, error) {
	for name := range members {
		if slices.Contains(secretMembers, strings.ToLower(name)) {
			return "", errors.New("it is a private or symmetric key, which others have seen now and which has to be replaced")
		}
	}
	if !forVerifying(members["key_ops"]) {
		return "", nil
	}
	key, err := publicKey(members)
	if errors.Is(err, jose.ErrUnsupportedKeyType) || errors.Is(err, jose.ErrUnsupportedEllipticCurve) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !verifies(key, algorithms) {
		return "", nil
	}
	out, err := key.MarshalJSON()
	if err != nil {
		return "", fmt.Errorf("writing the key again: %w", err)
	}
	return string(out), nil
}

func publicKey(members map[string]json.RawMessage) (*jose.JSONWebKey, error) {
	public := map[string]json.RawMessage{}
	for _, name := range publicMembers {
		if value, ok := members[name]; ok && !bytes.Equal(value, []byte("null")) {
			public[name] = value
		}
	}
	text, err := json.Marshal(public)
	if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	key := new(jose.JSONWebKey)
	if err := key.UnmarshalJSON(text); err != nil {
		return nil, fmt.Errorf("it is no key: %w", err)
	}
	if !key.Valid() || !key.IsPublic() {
		return nil, errors.New("it is no valid public key")
	}
	if k, ok := key.Key.(*rsa.PublicKey); ok && k.N.BitLen() < minRSABits {
		return nil, fmt.Errorf("its RSA modulus has %d bits; %d are the least", k.N.BitLen(), minRSABits)
	}
	return key, nil
}

// forVerifying looks at 'key_ops' (RFC 7517 section 4.3), which go-jose does not.
func forVerifying(keyOps json.RawMessage) bool {
	if keyOps == nil {
		return true
	}
	var operations []string
	return json.Unmarshal(keyOps, &operations) == nil && slices.Contains(operations, "verify")
}

// verifies says whether a key is for signatures and fits one of the algorithms.
func verifies(key *jose.JSONWebKey, algorithms []string) bool {
	if key.Use != "" && key.Use != "sig" {
		return false
	}
	fitting := algorithmsOf(key.Key)
	if key.Algorithm != "" {
		fitting = slices.DeleteFunc(fitting, func(a string) bool { return a != key.Algorithm })
	}
	if len(algorithms) == 0 {
		return len(fitting) > 0
	}
	return slices.ContainsFunc(fitting, func(a string) bool { return slices.Contains(algorithms, a) })
}

// algorithmsOf are the algorithms of RFC 7518 section 3.1 and RFC 8037 that a public key can verify.
func algorithmsOf(key any) []string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	case *ecdsa.PublicKey:
		return map[string][]string{"P-256": {"ES256"}, "P-384": {"ES384"}, "P-521": {"ES512"}}[k.Curve.Params().Name]
	default:
		return nil
	}
}
