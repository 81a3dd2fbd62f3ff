// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math"
	"testing"
)

// The vectors are those of RFC 8785: sections 3.2.2, 3.2.3 and appendix B.
func TestCanonicalFormOfArguments(t *testing.T) {
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"nothing", nil, "null"},
		{"literals", []any{true, false, nil}, "[true,false,null]"},
		{"texts", "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/", "\"\u20ac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\""},
		{"controls", "\b\t\n\f\r\x00\x1f\x7f", "\"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f\""},
		{"no escaping of HTML", "<a&b>\u2028", "\"<a&b>\u2028\""},
		{"numbers", []any{333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001}, "[333333333.3333333,1e+30,4.5,0.002,1e-27]"},
		{"zero", 0.0, "0"},
		{"minus zero", math.Copysign(0, -1), "0"},
		{"the smallest", 5e-324, "5e-324"},
		{"the largest", math.MaxFloat64, "1.7976931348623157e+308"},
		{"the largest integer in a row", 9007199254740992.0, "9007199254740992"},
		{"before the exponent", 999999999999999900000.0, "999999999999999900000"},
		{"with the exponent", 1e21, "1e+21"},
		{"before the small exponent", 0.000001, "0.000001"},
		{"with the small exponent", 0.0000001, "1e-7"},
		{"a negative one", -1e-7, "-1e-7"},
		{"two digits of exponent", 1e-10, "1e-10"},
		{"keys by their UTF-16 units", map[string]any{
			"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
			"\U0001f600": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis",
		}, "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"\u00f6\":\"Latin Small Letter O With Diaeresis\"," +
			"\"\u20ac\":\"Euro Sign\",\"\U0001f600\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}"},
		{"nested", map[string]any{"b": []any{map[string]any{}}, "a": []any{}}, "{\"a\":[],\"b\":[{}]}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := appendCanonical(nil, c.value, 0)
			if err != nil || string(got) != c.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestArgumentsWithoutACanonicalFormHaveNoDigest(t *testing.T) {
	deep := any("x")
	for range maxArguments + 1 {
		deep = []any{deep}
	}
	for name, value := range map[string]any{
		"not a number":         math.NaN(),
		"infinite":             []any{math.Inf(1)},
		"not UTF-8":            "\xff",
		"a key that is not":    map[string]any{"\xff": 1.0},
		"not of JSON":          map[string]any{"a": 1},
		"too deeply nested":    deep,
		"bytes":                []byte("x"),
		"a list of not JSON":   []any{struct{}{}},
		"a nested invalid key": []any{map[string]any{"a": map[string]any{"\xfe": nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			if digest, err := ArgumentsDigest(value); err == nil {
				t.Errorf("got %s", digest)
			}
			if digest := (&arguments{}).of(map[string]any{"arguments": value}); digest != "" {
				t.Errorf("got %s", digest)
			}
		})
	}
}

func TestDigestOfArguments(t *testing.T) {
	got, err := ArgumentsDigest(map[string]any{"b": "x", "a": 1.0})
	if want := "sha256:ecf9e98ec0641e23113ff3ce8bdc78d0ddd249886517fd4a7f68cc83d4e65667"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if missing := (&arguments{}).of(nil); missing != "" {
		t.Errorf("no arguments have the digest %s", missing)
	}
}
