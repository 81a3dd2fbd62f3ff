// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"reflect"
	"strings"
	"testing"
)

const tickets = "https://tickets.example"

func TestParseScopes(t *testing.T) {
	tests := map[string]struct {
		value string
		want  []Scope
	}{
		"the example of the design": {
			tickets + "#tickets:read tickets:comment",
			[]Scope{{tickets, "tickets:read"}, {"", "tickets:comment"}},
		},
		"one scope alone":                          {"read", []Scope{{"", "read"}}},
		"a block of lines, as YAML has it":         {"a#read\n\tb#write \r\n", []Scope{{"a", "read"}, {"b", "write"}}},
		"the same scope twice":                     {"read read", []Scope{{"", "read"}, {"", "read"}}},
		"every character at the edges of RFC 6749": {"!$[]~", []Scope{{"", "!$[]~"}}},
		"a star within a segment is a character":   {"read*", []Scope{{"", "read*"}}},
		"the longest scope":                        {strings.Repeat("s", 128), []Scope{{"", strings.Repeat("s", 128)}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseScopes(tt.value)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("ParseScopes(%q) = %v, %v, want %v", tt.value, got, err, tt.want)
			}
		})
	}
}

// THREATS 23: refuse, never repair.
func TestParseScopesRefuses(t *testing.T) {
	tests := map[string]struct{ value, want string }{
		"nothing":                      {"", "names no scope"},
		"white space alone":            {" \t\n ", "names no scope"},
		"no scope behind the audience": {"a#", "element 1, \"a#\", has no scope after '#'"},
		"no audience before the scope": {"read #write", "element 2, \"#write\", has no audience before '#'"},
		"a lone number sign":           {"#", "has no audience"},
		"two number signs":             {"a#b#c", "more than one '#'"},
		"a pattern":                    {"tickets:*", "is a pattern"},
		"a pattern for all":            {"a#*", "is a pattern"},
		"a pattern in the middle":      {"a:*:b", "is a pattern"},
		"a quotation mark":             {`"read"`, "has a character that no scope has"},
		"a backslash":                  {`read\n`, "has a character that no scope has"},
		"a comma does not separate, but is a character": {"read,é", "has a character that no scope has"},
		"a space that only Unicode has":                 {"read\u00a0write", `"read\u00a0write"`},
		"an ideographic space":                          {"read\u3000write", "has a character"},
		"a letter that looks like another":              {"r\u0435ad", `"r\u0435ad"`},
		"a zero width space":                            {"read\u200b", "has a character"},
		"a vertical tab":                                {"read\vwrite", "has a character"},
		"a form feed":                                   {"read\fwrite", "has a character"},
		"a NUL":                                         {"read\x00", "has a character"},
		"a DEL":                                         {"read\x7f", "has a character"},
		"invalid UTF-8":                                 {"read\xff", "has a character"},
		"a strange audience":                            {"https://é#read", "has an audience with a character"},
		"a scope that is too long":                      {strings.Repeat("s", 129), "more than 128 characters"},
		"an audience that is too long":                  {strings.Repeat("a", 513) + "#read", "more than 512 characters"},
		"an annotation that is too long":                {strings.Repeat("s ", 8193), "more than 16384 characters"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseScopes(tt.value)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseScopes(%q) = %v, %v, want an error with %q", tt.value, got, err, tt.want)
			}
		})
	}
}

// What is parsed is what was written, and every part of it is one that a ServiceDelegation may declare.
func FuzzParseScopes(f *testing.F) {
	for _, seed := range []string{
		"", "a#b", tickets + "#tickets:read tickets:comment", "#", "a#b#c", "*", "a:*", "read\u00a0write", "read\xff", "a\tb\r\nc", `"`, `\`,
		strings.Repeat("s", 129), strings.Repeat("a ", 9000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		scopes, err := ParseScopes(value)
		if err != nil {
			if scopes != nil {
				t.Fatalf("%q: scopes beside an error: %v", value, scopes)
			}
			for i := range len(err.Error()) {
				if c := err.Error()[i]; c < ' ' || c > '~' {
					t.Fatalf("%q: the error has the byte %#x", value, c)
				}
			}
			return
		}
		if len(scopes) == 0 {
			t.Fatalf("%q: no scope and no error", value)
		}
		var texts []string
		for _, scope := range scopes {
			if scope.Name == "" || strings.ContainsAny(scope.Name+scope.Audience, " \t\r\n#\"\\") {
				t.Fatalf("%q: %#v", value, scope)
			}
			texts = append(texts, scope.String())
		}
		if rest := strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "").Replace(value); rest != strings.Join(texts, "") {
			t.Fatalf("%q was read as %q", value, texts)
		}
	})
}
