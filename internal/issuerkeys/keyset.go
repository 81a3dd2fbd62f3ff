// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"bytes"
	"cmp"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// normalize reads a JWK set and gives it back in a stable form, so that a server which orders or spells its answer anew
// every time causes no new bundle. Keys of other uses and types are passed over (RFC 7517 section 5); private or symmetric
// key material spoils the whole set, because then others can sign.
//
// An error that is errWithdrawn is the issuer's own word that none of its keys is to be believed; others say that its word
// is not known.
func normalize(raw []byte) (string, error) {
	set, err := readSet(raw)
	if err != nil {
		return "", fmt.Errorf("reading the JWK set: %w", err)
	}
	var kept []jose.JSONWebKey
	for i, raw := range set {
		key, err := readKey(raw)
		if err != nil {
			return "", fmt.Errorf("reading the JWK set: keys[%d]: %w", i, err)
		}
		if key != nil {
			kept = append(kept, *key)
		}
	}
	if len(kept) == 0 {
		return "", fmt.Errorf("reading the JWK set: %w", errNoKey)
	}
	return marshal(kept)
}

// withdrawn is why an issuer's keys are believed no longer, by its own word.
type withdrawn string

func (w withdrawn) Error() string { return string(w) }

const (
	errNoKey      withdrawn = "it holds no public signature key of a known type"
	errPrivateKey withdrawn = "private or symmetric key material in a public set, so that others can sign; that key has to be replaced"
)

// readSet looks at the member by its exact name, which decoding into a struct would not.
func readSet(raw []byte) ([]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	var keys *[]json.RawMessage
	if err := json.Unmarshal(members["keys"], &keys); err != nil || keys == nil {
		return nil, errors.New("its member keys is missing or not a list")
	}
	if len(*keys) > maxKeys {
		return nil, fmt.Errorf("%d keys, more than %d", len(*keys), maxKeys)
	}
	return *keys, nil
}

// secretMembers are the members of private and symmetric keys (RFC 7518 section 6, RFC 8037, and drafts after them).
var secretMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// readKey gives nil for a key that is to be passed over.
func readKey(raw json.RawMessage) (*jose.JSONWebKey, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fmt.Errorf("not a JWK: %w", err)
	}
	for name := range members {
		if slices.Contains(secretMembers, strings.ToLower(name)) {
			return nil, errPrivateKey
		}
	}
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(raw); err != nil || !key.IsPublic() || !key.Valid() {
		return nil, nil //nolint:nilerr,nilnil // a type that this build does not know
	}
	if key.Use != "" && key.Use != "sig" || !forVerifying(members["key_ops"]) {
		return nil, nil //nolint:nilnil // of another use
	}
	return &jose.JSONWebKey{Key: key.Key, KeyID: key.KeyID, Algorithm: key.Algorithm, Use: key.Use}, nil
}

// forVerifying looks at 'key_ops' (RFC 7517 section 4.3), which go-jose does not, and which the stable form leaves out.
func forVerifying(keyOps json.RawMessage) bool {
	if keyOps == nil {
		return true
	}
	var operations []string
	return json.Unmarshal(keyOps, &operations) == nil && slices.Contains(operations, "verify")
}

func marshal(keys []jose.JSONWebKey) (string, error) {
	slices.SortFunc(keys, func(a, b jose.JSONWebKey) int {
		return cmp.Or(cmp.Compare(a.KeyID, b.KeyID), bytes.Compare(thumbprint(a), thumbprint(b)))
	})
	out, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		return "", fmt.Errorf("writing the JWK set: %w", err)
	}
	if len(out) > maxSet {
		return "", fmt.Errorf("the JWK set is larger than %d bytes", maxSet)
	}
	return string(out), nil
}

// thumbprint (RFC 7638) tells keys under one id apart; empty for a key that has none.
func thumbprint(key jose.JSONWebKey) []byte {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil
	}
	return sum
}
