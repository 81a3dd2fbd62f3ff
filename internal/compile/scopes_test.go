// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/internal/bundle"
)

// THREATS 23: a pattern covers whole segments.
func TestCovers(t *testing.T) {
	cases := map[string]struct {
		pattern, scope string
		want           bool
	}{
		"a name covers itself":                         {"crm:read", "crm:read", true},
		"a name covers nothing below it":               {"crm", "crm:read", false},
		"a name in other case is another":              {"crm:read", "crm:Read", false},
		"a star covers one more segment":               {"crm:*", "crm:read", true},
		"a star covers several more segments":          {"crm:*", "crm:contacts:read", true},
		"a star covers an empty segment":               {"crm:*", "crm:", true},
		"a star does not cover what stands before it":  {"crm:*", "crm", false},
		"a star does not cover a longer word":          {"crm:*", "crmx:read", false},
		"a star alone covers everything":               {"*", "crm:contacts:read", true},
		"a star within a word is a character":          {"crm*", "crmx", false},
		"a star within a word is that very character":  {"crm*", "crm*", true},
		"a deeper pattern covers less":                 {"crm:contacts:*", "crm:read", false},
		"a scheme is a segment like any other":         {"https:*", "https://crm.example/User.Read", true},
		"what looks like a regular expression is none": {"crm:.", "crm:x", false},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			if got := covers(c.pattern, c.scope); got != c.want {
				t.Errorf("%q covers %q: %v, want %v", c.pattern, c.scope, got, c.want)
			}
		})
	}
}

// FuzzCovers holds the matcher to the definition: segment by segment, with a star for one or more at the end.
func FuzzCovers(f *testing.F) {
	for _, seed := range [][2]string{
		{"crm:*", "crmx:read"},
		{"*", ""},
		{"crm:*", "crm"},
		{"crm:*:read", "crm:a:read"},
		{"", ""},
		{"::*", "::"},
		{"crm*", "crm*"},
		{"crm\t:*", "crm:read"},
		{"сrm:*", "crm:read"}, // the first letter is Cyrillic
		{"crm:*", "crm:\x00"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, scope string) {
		if patternFault(pattern) != "" || scopeFault(scope) != "" {
			return
		}
		if got, want := covers(pattern, scope), coversBySegments(pattern, scope); got != want {
			t.Errorf("%q covers %q: %v, want %v", pattern, scope, got, want)
		}
	})
}

func coversBySegments(pattern, scope string) bool {
	want, got := strings.Split(pattern, ":"), strings.Split(scope, ":")
	for i, segment := range want {
		last := i == len(want)-1
		switch {
		case last && segment == "*":
			return len(got) > i
		case i >= len(got) || got[i] != segment:
			return false
		}
	}
	return len(got) == len(want)
}

// A fraction of a second goes to the side that lets less happen.
func TestSeconds(t *testing.T) {
	whole := time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
	half := metav1.NewTime(whole.Add(500 * time.Millisecond))
	ancient := metav1.NewTime(time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC))
	cases := map[string]struct{ got, want int64 }{
		"an end comes sooner":                        {endSeconds(&half), whole.Unix()},
		"an end before 1970 is none":                 {endSeconds(&ancient), 0},
		"no end":                                     {endSeconds(nil), 0},
		"a start comes later":                        {startSeconds(&half), whole.Unix() + 1},
		"a start before 1970 is none":                {startSeconds(&ancient), 0},
		"no start":                                   {startSeconds(&metav1.Time{}), 0},
		"a revocation covers what was issued then":   {revokedSeconds(&half), whole.Unix() + 1},
		"a revocation before 1970 is not one of all": {revokedSeconds(&ancient), 1},
		"a revocation without a time is one of all":  {revokedSeconds(nil), 0},
	}
	for sentence, c := range cases {
		if c.got != c.want {
			t.Errorf("%s: got %d, want %d", sentence, c.got, c.want)
		}
	}
}

func TestFieldsAreInTheOrderOfTheirIndexes(t *testing.T) {
	for _, pair := range [][2]string{
		{"spec.scopes[2].name", "spec.scopes[10].name"},
		{"spec.scopes[2]", "spec.scopes[2].name"},
		{"spec.hosts[0]", "spec.scopes[0]"},
		{"spec.a[09]", "spec.a[010]"},
	} {
		if compareFields(pair[0], pair[1]) >= 0 || compareFields(pair[1], pair[0]) <= 0 {
			t.Errorf("%s does not stand before %s", pair[0], pair[1])
		}
	}
	if compareFields("spec.a[1]", "spec.a[1]") != 0 {
		t.Error("a field is not equal to itself")
	}
}

// Conservative: what only several selectors together forbid counts as open.
func TestWithin(t *testing.T) {
	customers := bundle.SubjectSelector{Issuer: "corp", Groups: []string{"customers"}}
	everybody := bundle.SubjectSelector{Issuer: "corp", All: true}
	cases := map[string]struct {
		inner, outer bundle.SubjectSelector
		want         bool
	}{
		"a group within all":                   {customers, everybody, true},
		"all within a group":                   {everybody, customers, false},
		"all within all":                       {everybody, everybody, true},
		"a group within itself":                {customers, customers, true},
		"a group within all of another issuer": {customers, bundle.SubjectSelector{Issuer: "partners", All: true}, false},
		"a group within another group":         {customers, bundle.SubjectSelector{Issuer: "corp", Groups: []string{"agents"}}, false},
		"a person within a group of unknown":   {bundle.SubjectSelector{Issuer: "corp", Users: []string{"alice"}}, customers, false},
		"a user name within a list of user names": {
			bundle.SubjectSelector{Issuer: "corp", Usernames: []string{"a"}},
			bundle.SubjectSelector{Issuer: "corp", Usernames: []string{"a", "b"}},
			true,
		},
	}
	for sentence, c := range cases {
		if got := within(c.inner, c.outer); got != c.want {
			t.Errorf("%s: got %v, want %v", sentence, got, c.want)
		}
	}
}

func TestClipKeepsToWhatAStatusTakes(t *testing.T) {
	if got := clip(strings.Repeat("ä", 2000)); len([]rune(got)) != 1024 || !strings.HasSuffix(got, "…") {
		t.Errorf("got %d runes", len([]rune(got)))
	}
	if got := clip("short"); got != "short" {
		t.Errorf("got %q", got)
	}
}
