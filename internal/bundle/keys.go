// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// MarshalPublicKeys writes keys as lines of base64, for a ConfigMap or a file.
func MarshalPublicKeys(keys ...ed25519.PublicKey) string {
	var out []byte
	for _, key := range keys {
		out = append(out, base64.StdEncoding.EncodeToString(key)...)
		out = append(out, '\n')
	}
	return string(out)
}

// ParsePublicKeys reads what MarshalPublicKeys wrote: a line of base64 a key; empty lines and lines that begin with '#'
// are passed over. No key at all is an error, because a verifier without keys can never be ready.
func ParsePublicKeys(raw []byte) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("reading bundle keys: line %d is not the base64 of an Ed25519 public key (%d bytes)", n, ed25519.PublicKeySize)
		}
		keys = append(keys, key)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading bundle keys: %w", err)
	}
	if len(keys) == 0 {
		return nil, errors.New("reading bundle keys: no key found")
	}
	return keys, nil
}
