// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"strings"
	"testing"

	"behalf.dev/behalf/internal/authz"
)

func TestTheBoundsOfARequest(t *testing.T) {
	long := strings.Repeat("x", MaxName+1)
	nested := func(depth int) any {
		value := any("x")
		for range depth {
			value = []any{value}
		}
		return value
	}
	wide := map[string]any{}
	for i := range MaxEntries + 1 {
		wide[strings.Repeat("k", i+1)] = nil
	}
	large := map[string]any{}
	for i := range 9 {
		large[strings.Repeat("k", i+1)] = strings.Repeat("x", MaxText)
	}
	crowded := map[string]any{}
	for i := range 200 {
		crowded[strings.Repeat("k", i+1)] = make([]any, 200)
	}
	for _, c := range []struct {
		name    string
		change  func(*Input)
		message string // empty: within bounds
	}{
		{"an everyday request", func(*Input) {}, ""},
		{"the smallest request", func(in *Input) { *in = *bare() }, ""},
		{"names as long as they may be", func(in *Input) { in.Subject.ID = long[1:] }, ""},
		{"as many groups as there may be", func(in *Input) { in.Subject.Groups = make([]string, MaxEntries) }, ""},
		{"nested as deep as may be", func(in *Input) { in.Context = map[string]any{"a": nested(MaxNesting - 1)} }, ""},
		{"a text as long as may be", func(in *Input) { in.Context = map[string]any{"a": strings.Repeat("x", MaxText)} }, ""},
		{"a long subject id", func(in *Input) { in.Subject.ID = long }, "a name of the subject is longer"},
		{"a long issuer", func(in *Input) { in.Subject.Issuer = long }, "a name of the subject"},
		{"a long user name", func(in *Input) { in.Subject.Username = long }, "a name of the subject"},
		{"a long session", func(in *Input) { in.Subject.Session = long }, "a name of the subject"},
		{"a long audience", func(in *Input) { in.Audience = long }, "the audience, the scope"},
		{"a long scope", func(in *Input) { in.Scope = long }, "the audience, the scope"},
		{"a long type", func(in *Input) { in.Resource.Type = long }, "a name of the resource"},
		{"a long id", func(in *Input) { in.Resource.ID = long }, "a name of the resource"},
		{"a long group", func(in *Input) { in.Subject.Groups[1] = long }, "a group of the subject"},
		{"a long actor", func(in *Input) { in.Chain[1].Namespace = long }, "the name of an actor"},
		{"a long service account", func(in *Input) { in.Chain[0].ServiceAccount = long }, "the name of an actor"},
		{"a name that is not UTF-8", func(in *Input) { in.Subject.ID = "a\xff" }, "not UTF-8"}, // THREATS 29
		{"too many groups", func(in *Input) { in.Subject.Groups = make([]string, MaxEntries+1) }, "257 groups, more than 256"},
		{"too long a chain", func(in *Input) { in.Chain = make([]authz.Actor, MaxChain+1) }, "65 actors, more than 64"},
		{"a claim nested too deep", func(in *Input) { in.Subject.Claims["a"] = nested(MaxNesting) }, "subject.claims is nested deeper than 16"},
		{"a map nested too deep", func(in *Input) {
			in.Context["a"] = []any{nested(MaxNesting - 2), map[string]any{"b": nested(MaxNesting - 2)}}
		}, "nested deeper"},
		{"a property with too many entries", func(in *Input) { in.Resource.Properties["a"] = make([]any, MaxEntries+1) }, "resource.properties has a list or map with more than 256 entries"},
		{"a context with too many keys", func(in *Input) { in.Context = wide }, "context has a list or map with more than 256 entries"},
		{"a text that is too long", func(in *Input) { in.Context["a"] = strings.Repeat("x", MaxText+1) }, "context has a text longer than 32768 bytes"},
		{"a key that is too long", func(in *Input) { in.Context[strings.Repeat("x", MaxText+1)] = true }, "context has a text longer"},
		{"a text that is not UTF-8", func(in *Input) { in.Context["a"] = "\xc0\xaf" }, "context has a text that is not UTF-8"},
		{"too much text in all", func(in *Input) { in.Context = large }, "more than 262144 bytes"},
		{"too much text, by the very last of it", func(in *Input) {
			full := strings.Repeat("x", MaxText)
			in.Context = map[string]any{"a": []any{full, full, full, full, full, full, full, full}}
		}, "context has more than 262144 bytes"},
		{"much text in each part", func(in *Input) {
			full := strings.Repeat("x", MaxText)
			in.Subject.Claims = map[string]any{"a": []any{full, full, full, full}}
			in.Resource.Properties = map[string]any{"a": []any{full, full, full}}
			in.Context = map[string]any{"a": full}
		}, ""},
		{"maps nested too deep", func(in *Input) {
			for range MaxNesting {
				in.Context = map[string]any{"a": in.Context}
			}
		}, "context is nested deeper than 16"},
		{"too many values in all", func(in *Input) { in.Context = crowded }, "more than 262144 bytes"},
		{"a value that is not of JSON", func(in *Input) { in.Context["a"] = 1 }, "context has a value that is not of JSON"},
		{"a nested value that is not of JSON", func(in *Input) { in.Context["a"] = []any{struct{}{}} }, "not of JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := newInput()
			c.change(in)
			err := in.Check(Everything)
			switch {
			case c.message == "" && err != nil:
				t.Errorf("got %v", err)
			case c.message != "" && (!errors.Is(err, ErrOutOfBounds) || !strings.Contains(err.Error(), c.message)):
				t.Errorf("got %v, want %q", err, c.message)
			}
		})
	}
}

// THREATS 29
func TestATextIsUTF8WhereverTheForeignByteStands(t *testing.T) {
	for length := range 40 {
		for at := range length {
			text := []byte(strings.Repeat("a", length))
			if !valid(string(text)) {
				t.Errorf("%q is not valid", text)
			}
			text[at] = 0xff
			if valid(string(text)) {
				t.Errorf("%q is valid", text)
			}
			accented := string(text[:at]) + "é" + string(text[at+1:])
			if !valid(accented) || isPlain(accented) {
				t.Errorf("%q: valid %t, plain %t", accented, valid(accented), isPlain(accented))
			}
		}
	}
}

// BenchmarkCheck is what every decision pays, with and without conditions.
func BenchmarkCheck(b *testing.B) {
	small := newInput()
	small.Subject.Claims, small.Subject.Groups, small.Chain = nil, small.Subject.Groups[:1], small.Chain[:1]
	small.Resource.Properties, small.Context = nil, nil
	owned := *small
	owned.Resource = &authz.Resource{Type: "ticket", ID: "42", Properties: map[string]any{"owner": "alice"}}
	owned.Context = map[string]any{"purpose": "support"}
	for _, c := range []struct {
		name string
		in   *Input
	}{{"names only", small}, {"an owner and a purpose", &owned}, {"everything", newInput()}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.in.Check(Everything); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
