// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package document_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/document"
)

type person struct {
	Name   string              `json:"name"`
	Groups []string            `json:"groups"`
	Since  document.Time       `json:"since"`
	Boss   *person             `json:"boss"`
	Active bool                `json:"active"`
	Claims map[string]any      `json:"claims"`
	Lists  map[string][]string `json:"lists"`
	Either []document.Texts    `json:"either"`
}

func TestADocumentIsDecoded(t *testing.T) {
	var got person
	if err := read(t, `
name: Alice
groups: [customers, "yes"]
since: 2026-06-01T10:00:00+02:00
boss: {name: Bob, active: true}
claims: {clearance: 2, patients: [p-1], nothing: null}
lists: {X-Tenant: [north, south]}
either: [north, [south, west]]
`)[0].Decode(&got); err != nil {
		t.Fatal(err)
	}
	if !got.Since.Equal(time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("since %s", got.Since)
	}
	got.Since = document.Time{}
	want := person{
		Name: "Alice", Groups: []string{"customers", "yes"},
		Boss:   &person{Name: "Bob", Active: true},
		Claims: map[string]any{"clearance": 2.0, "patients": []any{"p-1"}, "nothing": nil},
		Lists:  map[string][]string{"X-Tenant": {"north", "south"}},
		Either: []document.Texts{{"north"}, {"south", "west"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded %+v, want %+v", got, want)
	}
}

func TestWhatDoesNotFitIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ written, says string }{
		"an unknown field, nearly a known one": {"name: x\ngruops: []\n", "a.yaml:2: gruops: unknown field; did you mean groups?"},
		"an unknown field in another case":     {"Name: x\n", "a.yaml:1: Name: unknown field; did you mean name?"}, // THREATS 22
		"an unknown field":                     {"whatever: x\n", "a.yaml:1: whatever: unknown field; there are active, boss, claims, either, groups, lists, name, since"},
		"an unknown field, deeper":             {"boss:\n  boss: {nme: x}\n", "a.yaml:2: boss.boss.nme: unknown field; did you mean name?"},
		"an object for text or a list of it":   {"either: [{}]\n", "a.yaml:1: either[0]: is an object; give text or a list of texts"},
		"a number for text or a list of it":    {"either: [1]\n", "a.yaml:1: either[0]: is a number; give text"},
		"a list for text":                      {"name: [x]\n", "a.yaml:1: name: is a list; give text"},
		"a number for text":                    {"name: 1\n", "a.yaml:1: name: is a number; give text"},
		"a boolean for text":                   {"name: true\n", "a.yaml:1: name: is a boolean; give text"},
		"text for a list":                      {"groups: customers\n", "a.yaml:1: groups: is text; give a list of texts"}, // THREATS 23
		"text for a boolean":                   {"active: 'true'\n", "a.yaml:1: active: is text; give true or false"},
		"text for an object":                   {"boss: Bob\n", "a.yaml:1: boss: is text; give an object"},
		"text for any object":                  {"claims: x\n", "a.yaml:1: claims: is text; give an object"},
		"text for a map":                       {"lists: x\n", "a.yaml:1: lists: is text; give an object"},
		"an object for a list in a map":        {"lists: {a: {}}\n", "a.yaml:1: lists.a: is an object; give a list of texts"},
		"an object for a time":                 {"since: {}\n", "a.yaml:1: since: is an object; give a time as in RFC 3339"},
		"nothing":                              {"groups:\n", "a.yaml:1: groups: is empty; leave it out, or give a list of texts"},
		"nothing for a time":                   {"since: ~\n", "a.yaml:1: since: is empty; leave it out, or give a time as in RFC 3339"},
		"a day for a time":                     {"since: 2026-06-01\n", `a.yaml:1: since: "2026-06-01" is not a time as in RFC 3339, such as`},
		"no time at all":                       {"since: 0001-01-01T00:00:00Z\n", "a.yaml:1: since: is the first instant of the year 1; leave it out"},
		"a list for the whole":                 {"[a]\n", "a.yaml:1: is a list; give an object"},
		"a key that stands twice":              {"claims: {a: 1, a: 2}\n", "a.yaml:1: claims.a: stands twice"},
		"a key that stands twice in two cases": {"claims: {a: 1, A: 2}\n", "claims: cannot be used: a key stands twice in one object, in the same or another case"}, // THREATS 22
		"a number that is not exact":           {"claims: {a: 9007199254740993}\n", "claims: cannot be used: a number in it is beyond what can be told apart exactly"},
		"claims that are nested too deeply":    {"claims: {a: " + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}\n", "claims: cannot be used: it is nested too deeply"}, // THREATS 43
	} {
		t.Run(name, func(t *testing.T) {
			var got person
			err := read(t, c.written)[0].Decode(&got)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestEverythingThatDoesNotFitIsToldAtOnce(t *testing.T) {
	var got person
	err := read(t, "name: 1\ngroups: x\nwhat: y\n")[0].Decode(&got)
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 3 {
		t.Errorf("%d lines, want 3: %v", len(lines), err)
	}
}

func TestWhereThereAreNoFields(t *testing.T) {
	if got := document.Unknown("x", map[string]int{}); got != "unknown field; there is none here" {
		t.Error(got)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"maxChainDepth", "maxSubjectAgeSeconds", "maxTokenLifetimeSeconds", "subject", "to"}
	for written, want := range map[string]string{
		"maxSubjectAge":          "maxSubjectAgeSeconds",
		"MaxChainDepth":          "maxChainDepth",
		"subjects":               "subject",
		"sbuject":                "subject",
		"ot":                     "to",
		"cot":                    "",
		"sub":                    "",
		"from":                   "",
		"t":                      "to",
		strings.Repeat("x", 100): "",
		"":                       "",
	} {
		if got := document.Nearest(written, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", written, got, want)
		}
	}
}
