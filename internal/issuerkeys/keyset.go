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

	"github.com/go-jose/go-jose/v4"
)

// normalize reads a JWK set and gives it back in a stable form, so that a server which orders or spells its answer anew
// every time causes no new bundle. Keys of other uses and types are passed over (RFC 7517 section 5); private or symmetric
// key material spoils the whole set, because then others can sign.
func normalize(raw []byte) (string, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return "", fmt.Errorf("reading the JWK set: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return "", fmt.Errorf("reading the JWK set: %d keys, more than %d", len(set.Keys), maxKeys)
	}
	var kept []jose.JSONWebKey
	for i, raw := range set.Keys {
		key, err := readKey(raw)
		if err != nil {
			return "", fmt.Errorf("reading the JWK set: keys[%d]: %w", i, err)
		}
		if key != nil {
			kept = append(kept, *key)
		}
	}
	if len(kept) == 0 {
		return "", errors.New("reading the JWK set: it holds no public signature key of a known type")
	}
	return marshal(kept)
}

// readKey gives nil for a key that is to be passed over.
func readKey(raw json.RawMessage) (*jose.JSONWebKey, error) {
	var members struct {
		D, K, Priv json.RawMessage
		Use        string
	}
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fmt.Errorf("not a JWK: %w", err)
	}
	if members.D != nil || members.K != nil || members.Priv != nil {
		return nil, errors.New("private or symmetric key material in a public set")
	}
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(raw); err != nil || !key.IsPublic() || !key.Valid() {
		return nil, nil //nolint:nilerr,nilnil // a type that this build does not know
	}
	if key.Use != "" && key.Use != "sig" {
		return nil, nil //nolint:nilnil // of another use
	}
	return &jose.JSONWebKey{Key: key.Key, KeyID: key.KeyID, Algorithm: key.Algorithm, Use: key.Use}, nil
}

func marshal(keys []jose.JSONWebKey) (string, error) {
	slices.SortFunc(keys, func(a, b jose.JSONWebKey) int {
		return cmp.Or(cmp.Compare(a.KeyID, b.KeyID), bytes.Compare(thumbprint(a), thumbprint(b)))
	})
	out, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		return "", fmt.Errorf("writing the JWK set: %w", err)
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
