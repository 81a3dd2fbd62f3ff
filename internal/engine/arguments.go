// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// arguments holds the digest of context.arguments once it was asked for.
type arguments struct {
	known  bool
	digest string
}

// of gives the digest, sha256:HEX of the RFC 8785 form; empty where there are no arguments or they have no such form.
func (a *arguments) of(context map[string]any) string {
	if a.known {
		return a.digest
	}
	a.known = true
	if value, ok := context["arguments"]; ok {
		a.digest, _ = ArgumentsDigest(value) // without a digest nothing agrees
	}
	return a.digest
}

// ArgumentsDigest is what a DelegationGrant's argumentsDigest is compared with: sha256:HEX of the RFC 8785 form of a JSON
// value (nil, bool, float64, string, []any, map[string]any).
func ArgumentsDigest(value any) (string, error) {
	canonical, err := appendCanonical(nil, value, 0)
	if err != nil {
		return "", fmt.Errorf("digesting arguments: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// maxArguments is how deep arguments may be nested; requests are held to less.
const maxArguments = 64

var (
	errNotText   = errors.New("a text is not valid UTF-8")
	errNotNumber = errors.New("a number is not finite")
	errNotJSON   = errors.New("a value is not of JSON")
	errTooNested = errors.New("too deeply nested")
)

// appendCanonical writes the JSON Canonicalization Scheme of RFC 8785.
func appendCanonical(out []byte, value any, depth int) ([]byte, error) {
	if depth > maxArguments {
		return nil, errTooNested
	}
	switch v := value.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, v), nil
	case float64:
		return appendNumber(out, v)
	case string:
		return appendText(out, v)
	case []any:
		return appendList(out, v, depth)
	case map[string]any:
		return appendObject(out, v, depth)
	default:
		return nil, errNotJSON
	}
}

func appendList(out []byte, list []any, depth int) ([]byte, error) {
	out = append(out, '[')
	for i, entry := range list {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendCanonical(out, entry, depth+1); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

// appendObject sorts keys by their UTF-16 code units (RFC 8785 section 3.2.3).
func appendObject(out []byte, object map[string]any, depth int) ([]byte, error) {
	keys := slices.SortedFunc(maps.Keys(object), func(a, b string) int {
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	})
	out = append(out, '{')
	for i, key := range keys {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendText(out, key); err != nil {
			return nil, err
		}
		out = append(out, ':')
		if out, err = appendCanonical(out, object[key], depth+1); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// appendNumber writes as ECMAScript does (RFC 8785 section 3.2.2.3): the shortest digits that read back, with an exponent
// from 1e21 upwards and below 1e-6.
func appendNumber(out []byte, n float64) ([]byte, error) {
	size := math.Abs(n)
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0):
		return nil, errNotNumber
	case n == 0:
		return append(out, '0'), nil // and so is -0
	case size >= 1e-6 && size < 1e21:
		return strconv.AppendFloat(out, n, 'f', -1, 64), nil
	}
	start := len(out)
	out = strconv.AppendFloat(out, n, 'e', -1, 64)
	// Go writes two digits of exponent at least, ECMAScript one.
	if e := len(out) - 2; out[e] == '0' && (out[e-1] == '-' || out[e-1] == '+') && e > start {
		out = append(out[:e], out[e+1])
	}
	return out, nil
}

// appendText escapes what must be, and nothing else (RFC 8785 section 3.2.2.2).
func appendText(out []byte, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, errNotText
	}
	out = append(out, '"')
	for i := range len(text) {
		out = appendByte(out, text[i])
	}
	return append(out, '"'), nil
}

func appendByte(out []byte, c byte) []byte {
	const short = "\b\t\n\f\r"
	const names = "btnfr"
	switch {
	case c == '"' || c == '\\':
		return append(out, '\\', c)
	case c >= ' ':
		return append(out, c)
	}
	for i := range len(short) {
		if short[i] == c {
			return append(out, '\\', names[i])
		}
	}
	return fmt.Appendf(out, "\\u%04x", c)
}
