// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package strictjson reads JSON objects in which nothing is ambiguous: valid UTF-8, no key twice or in another case, no
// unbounded nesting, nothing behind the end. What two readers could understand differently is refused (RFC 8725 section 2.4;
// RFC 7493).
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Object reads one JSON object with at most depth levels. Numbers are json.Number; see Plain.
func Object(raw []byte, depth int) (map[string]any, error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("it is not valid UTF-8")
	}
	if !json.Valid(raw) {
		return nil, errors.New("it is not valid JSON")
	}
	r := &reader{decoder: json.NewDecoder(bytes.NewReader(raw))}
	r.decoder.UseNumber()
	value, err := r.value(depth)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("it is not a JSON object")
	}
	return object, nil
}

type reader struct {
	decoder *json.Decoder
}

func (r *reader) value(depth int) (any, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return nil, errors.New("it is not valid JSON")
	}
	switch token := token.(type) {
	case json.Delim:
		if depth == 0 {
			return nil, errors.New("it is nested too deeply")
		}
		if token == '{' {
			return r.object(depth - 1)
		}
		return r.array(depth - 1)
	case string:
		return token, readable(token)
	default:
		return token, nil
	}
}

func (r *reader) object(depth int) (any, error) {
	object := map[string]any{}
	folded := map[string]bool{}
	for r.decoder.More() {
		key, err := r.key()
		if err != nil {
			return nil, err
		}
		if folded[fold(key)] {
			return nil, errors.New("a key stands twice in one object, in the same or another case")
		}
		folded[fold(key)] = true
		if object[key], err = r.value(depth); err != nil {
			return nil, err
		}
	}
	return object, r.close()
}

func (r *reader) key() (string, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return "", errors.New("it is not valid JSON")
	}
	key, ok := token.(string)
	if !ok {
		return "", errors.New("it is not valid JSON")
	}
	return key, readable(key)
}

func (r *reader) array(depth int) (any, error) {
	array := []any{}
	for r.decoder.More() {
		value, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	return array, r.close()
}

func (r *reader) close() error {
	if _, err := r.decoder.Token(); err != nil {
		return errors.New("it is not valid JSON")
	}
	return nil
}

// readable refuses the replacement character: half a surrogate pair decodes to it, so that different strings would become
// the same.
func readable(s string) error {
	if strings.ContainsRune(s, utf8.RuneError) {
		return errors.New("a string in it is not valid Unicode")
	}
	return nil
}

// fold maps strings that differ only in case to one.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		smallest := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			smallest = min(smallest, next)
		}
		return smallest
	}, s)
}

// maxExact is the largest integer below which every integer has a float64 of its own.
const maxExact = 1 << 53

// Plain turns what Object read into values as encoding/json gives them, with float64 for numbers. A number that a float64
// cannot tell from its neighbours is an error: 9007199254740993 must not pass for 9007199254740992.
func Plain(value any) (any, error) {
	switch value := value.(type) {
	case json.Number:
		return number(value)
	case []any:
		return plainArray(value)
	case map[string]any:
		return PlainObject(value)
	default:
		return value, nil
	}
}

// PlainObject is Plain for an object.
func PlainObject(object map[string]any) (map[string]any, error) {
	plain := make(map[string]any, len(object))
	for key, value := range object {
		converted, err := Plain(value)
		if err != nil {
			return nil, err
		}
		plain[key] = converted
	}
	return plain, nil
}

func plainArray(array []any) (any, error) {
	plain := make([]any, len(array))
	for n, value := range array {
		converted, err := Plain(value)
		if err != nil {
			return nil, err
		}
		plain[n] = converted
	}
	return plain, nil
}

func number(n json.Number) (any, error) {
	f, err := n.Float64()
	if err != nil || math.Abs(f) >= maxExact {
		return nil, fmt.Errorf("a number in it is beyond what can be told apart exactly (2^53)")
	}
	return f, nil
}
