// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrNotCanonical says that bytes decode but are not the bytes that encoding again would give: a key stands twice or in
// another case, a field is out of order, white space was added.
var ErrNotCanonical = errors.New("bytes are not in canonical form")

// Content is one of the three things that travel.
type Content interface {
	Policy | Trust | Revocations
}

// Encode gives the canonical bytes of a bundle: JSON with fields in the order of their declaration, no white space, no
// HTML escaping. There are no maps in a bundle, so there is no other freedom.
func Encode[T Content](content *T) ([]byte, error) {
	return encode(content)
}

// Decode reads canonical bytes and refuses anything else: unknown fields, another format, trailing data, and bytes that
// are not exactly what Encode gives.
func Decode[T Content](raw []byte) (*T, error) {
	content := new(T)
	if err := decode(raw, content); err != nil {
		return nil, err
	}
	if got := format(content); got != Format {
		return nil, fmt.Errorf("decoding bundle: format %d is not %d, the one this build reads", got, Format)
	}
	return content, nil
}

// Digest of canonical bytes: sha256:HEX.
func Digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func format[T Content](content *T) int {
	switch c := any(content).(type) {
	case *Policy:
		return c.Format
	case *Trust:
		return c.Format
	case *Revocations:
		return c.Format
	default:
		return 0
	}
}

func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding bundle: %w", err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

func decode(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("decoding bundle: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("decoding bundle: data after the end")
	}
	again, err := encode(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(raw, again) {
		return fmt.Errorf("decoding bundle: %w", ErrNotCanonical)
	}
	return nil
}
