// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package document_test

import (
	"strings"
	"testing"

	"behalf.dev/behalf/internal/document"
)

func read(t *testing.T, text string) []document.Document {
	t.Helper()
	documents, err := document.Read("a.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		written string
		want    []string
	}{
		"YAML":                              {"a: 1\nb: [x, 2.5, true, null, ~]\n", []string{`{"a":1,"b":["x",2.5,true,null,null]}`}},
		"JSON":                              {`{"a": [1, "\/ü😀", false, null]}`, []string{`{"a":[1,"/ü😀",false,null]}`}},
		"documents between ---":             {"a: 1\n---\nb: 2\n--- # a remark\nc: 3\n", []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}},
		"JSON values in a row":              {"{\"a\":1}\n{\"b\":2}", []string{`{"a":1}`, `{"b":2}`}},
		"nothing":                           {"", nil},
		"remarks only":                      {"# nothing\n---\n# here\n", nil},
		"empty documents are left out":      {"---\n---\na: 1\n---\n", []string{`{"a":1}`}},
		"a flow mapping that is no JSON":    {"{a: 1, b: 'x'}", []string{`{"a":1,"b":"x"}`}},
		"what looks like a time is text":    {"a: 2026-06-01T10:00:00Z\nb: 2026-06-01\n", []string{`{"a":"2026-06-01T10:00:00Z","b":"2026-06-01"}`}},
		"a quoted boolean is text":          {"a: 'yes'\nb: \"no\"\n", []string{`{"a":"yes","b":"no"}`}},
		"a number that is quoted":           {"a: '1'\n", []string{`{"a":"1"}`}},
		"an alias":                          {"a: &x {b: 1}\nc: *x\n", []string{`{"a":{"b":1},"c":{"b":1}}`}},
		"what is taken in gives way":        {"a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n", []string{`{"a":{"b":1,"c":2},"d":{"b":1,"c":3}}`}},
		"the first that is taken in wins":   {"a: &x {c: 1}\nb: &y {c: 2}\nd: {<<: [*x, *y]}\n", []string{`{"a":{"c":1},"b":{"c":2},"d":{"c":1}}`}},
		"a text in several lines":           {"a: |\n  one\n  two\n", []string{`{"a":"one\ntwo\n"}`}},
		"keys that differ in case":          {"Team: a\nteam: b\n", []string{`{"Team":"a","team":"b"}`}},
		"numbers of JSON":                   {`{"a": [0.0, -0, 1e3, 123456789012345678901]}`, []string{`{"a":[0.0,-0,1e3,123456789012345678901]}`}},
		"numbers in other bases and forms":  {"[0x10, 0o17, 1_000, 1e3, -0]", []string{`[16,15,1000,1000,0]`}},
		"a number that no integer can hold": {"a: 18446744073709551616", []string{`{"a":18446744073709552000}`}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, d := range read(t, c.written) {
				raw, err := d.JSON()
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(raw))
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("read %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhatCanBeUnderstoodInTwoWaysIsRefused(t *testing.T) {
	laughs := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'h'; c++ {
		laughs += strings.ReplaceAll("C: &C [*P, *P, *P, *P, *P, *P, *P, *P, *P, *P]\n", "C", string(c))
		laughs = strings.ReplaceAll(laughs, "P", string(c-1))
	}
	merges := "a: &a {k: 1}\n"
	for c := 'b'; c <= 'w'; c++ {
		merges += strings.ReplaceAll("C: &C {<<: [*P, *P, *P, *P]}\n", "C", string(c))
		merges = strings.ReplaceAll(merges, "P", string(c-1))
	}
	for name, c := range map[string]struct{ written, says string }{
		"a key that stands twice":                     {"a: 1\nb: 2\na: 3\n", "a.yaml:3: a: stands twice"},                        // THREATS 22
		"a key that stands twice in JSON":             {"{\"a\": 1,\n\"a\": 2}", "a.yaml:2: a: stands twice"},                     // THREATS 22
		"a key that stands twice deeper":              {"a:\n- b: 1\n  b: 2\n", "a.yaml:3: a[0].b: stands twice"},                 // THREATS 22
		"a boolean to some":                           {"on: yes\n", "a.yaml:1: on: on without quotes is a boolean"},              // THREATS 23
		"a value that is a boolean to some":           {"groups: [n]\n", "a.yaml:1: groups[0]: n without quotes"},                 // THREATS 23
		"text that is no Unicode":                     {`{"a": "\ud800"}`, "a.yaml:1: a: has a character that is not"},            // THREATS 23
		"an alias that grows without bound":           {laughs, "the file stands for more than 100000 values beyond those in it"}, // THREATS 43
		"an alias that stands for what holds it":      {"a: &a [*a]\n", "is nested deeper than 64"},                               // THREATS 43
		"objects that take in each other":             {"a: &a {<<: *a}\n", "is nested deeper than 64"},                           // THREATS 43
		"taking in that grows without bound":          {merges, "the file stands for more than 100000 values beyond those in it"}, // THREATS 43
		"lists that are nested too deeply":            {strings.Repeat("[", 70) + strings.Repeat("]", 70), "is nested"},           // THREATS 43
		"<< after another key":                        {"x: &x {b: 1}\na: {b: 2, <<: *x}\n", "a.yaml:2: a: << does not"},          // readers differ
		"<< that takes in text":                       {"a: {<<: text}\n", "a.yaml:1: a: << takes in objects only"},
		"<< that takes in a list of text":             {"a: {<<: [text]}\n", "a.yaml:1: a: << takes in objects only"},
		"a key that is a number":                      {"a: {1: x}\n", "a.yaml:1: a: has a key that is not text; quote it"},
		"a key that is a list":                        {"a:\n  ? [x]\n  : y\n", "a.yaml:2: a: has a key that is not text"},
		"a tag of somebody's own":                     {"a: !secret x\n", "a.yaml:1: a: has the tag !secret, which has no meaning here"},
		"bytes":                                       {"a: !!binary aGk=\n", "a.yaml:1: a: has the tag !!binary"},
		"an explicit time":                            {"a: !!timestamp 2026-06-01\n", "a.yaml:1: a: has the tag !!timestamp"},
		"a number that is none":                       {"a: .nan\n", "a.yaml:1: a: .nan is not a number of JSON"},
		"a number that is said to be one and is text": {"a: !!int x\n", "a.yaml:1: a: \"x\" is not int"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, c.written)[0].JSON()
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestWhatCannotBeTakenApartIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ written, says string }{
		"not YAML":                     {"a: [\n", ": cannot be read as YAML: did not find expected node content"},
		"not YAML, further down":       {"a: 1\n---\nb: 2\n- c\n", "a.yaml:2: cannot be read as YAML: did not find expected key"},
		"JSON that breaks off":         {`{"a": 1`, "a.yaml:1: cannot be read as YAML"},
		"bytes that are no UTF-8":      {"a: \xff\n", "a.yaml: is not valid UTF-8"},                                            // THREATS 22
		"a zero byte":                  {"a: b\x00c\n", "a.yaml: cannot be read as YAML: control characters are not allowed"},  // THREATS 22
		"an unknown alias":             {"a: *nobody\n", "a.yaml: cannot be read as YAML: unknown anchor 'nobody' referenced"}, // THREATS 43
		"an alias of another document": {"a: &x 1\n---\nb: *x\n", "a.yaml:3: cannot be read as YAML: unknown anchor 'x' referenced"},
		"more than may be read":        {"a: " + strings.Repeat("x", document.MaxBytes), "a.yaml: is larger than 16777216"}, // THREATS 43
	} {
		t.Run(name, func(t *testing.T) {
			_, err := document.Read("a.yaml", []byte(c.written))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestTheKindIsFoundWithoutReadingTheRest(t *testing.T) {
	for name, c := range map[string]struct{ written, apiVersion, kind, says string }{
		"an object":                          {"apiVersion: v1\nkind: Namespace\non: yes\non: no\n", "v1", "Namespace", ""},
		"no object":                          {"replicas: 3\n", "", "", ""},
		"a list":                             {"[a, b]\n", "", "", ""},
		"a text":                             {"hello\n", "", "", ""},
		"a heading that is taken in":         {"<<: {apiVersion: v1, kind: Secret}\nmetadata: {}\n", "v1", "Secret", ""},
		"a kind that stands twice":           {"kind: A\napiVersion: v1\nkind: B\n", "v1", "", "a.yaml:3: kind: stands twice"},
		"a kind that is no text":             {"kind: 1\n", "", "", "a.yaml:1: kind: is not text"},
		"an apiVersion that is a list":       {"apiVersion: [v1]\n", "", "", "a.yaml:1: apiVersion: is not text"},
		"a kind that two readers see apart":  {"kind: A\n<<: {kind: B}\n", "", "", "<< does not stand first"},
		"what is taken in and stands for it": {"a: &a\n  <<: *a\n<<: {kind: B}\n", "", "", "<< does not stand first"},
	} {
		t.Run(name, func(t *testing.T) {
			apiVersion, kind, err := read(t, c.written)[0].Kind()
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("error = %v, want one that says %q", err, c.says)
				}
				return
			}
			if err != nil || apiVersion != c.apiVersion || kind != c.kind {
				t.Errorf("%q, %q, %v; want %q, %q", apiVersion, kind, err, c.apiVersion, c.kind)
			}
		})
	}
}

func TestTheItemsOfAListAreDocuments(t *testing.T) {
	list := read(t, "kind: List\nitems:\n- {kind: A}\n-\n  kind: B\n")[0]
	items, err := list.Items()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, item := range items {
		_, kind, err := item.Kind()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, kind)
	}
	if strings.Join(got, " ") != "A B" || items[1].Line() != 5 || items[1].File() != "a.yaml" {
		t.Errorf("items %v, the second in line %d of %s", got, items[1].Line(), items[1].File())
	}
	if _, err := read(t, "items: {}\n")[0].Items(); err == nil || !strings.Contains(err.Error(), "a.yaml:1: items: is not a list") {
		t.Errorf("error = %v", err)
	}
}

// What is beyond the bound is an error for every document that comes after, and never an empty one.
func TestTheBoundIsOfTheFile(t *testing.T) { // THREATS 43
	wide := "a: &a [" + strings.Repeat("x,", 40_000) + "]\n"
	items, err := read(t, wide+"items: ["+strings.Repeat("*a,", 10)+"]\n")[0].Items()
	if err != nil {
		t.Fatal(err)
	}
	for i, item := range items {
		raw, err := item.JSON()
		if i < 6 && (err != nil || len(raw) != 160_001) {
			t.Errorf("item %d: %d bytes, %v", i, len(raw), err)
		}
		if i >= 6 && err == nil {
			t.Errorf("item %d was read beyond the bound: %d bytes", i, len(raw))
		}
	}
}

func TestLookingForALineIsBoundedToo(t *testing.T) { // THREATS 43
	merges := "a: &a {k: 1}\n"
	for c := 'b'; c <= 'w'; c++ {
		merges += strings.ReplaceAll(strings.ReplaceAll("C: &C {<<: [*P, *P, *P, *P]}\n", "C", string(c)), "P", string(c-1))
	}
	if line := read(t, merges)[0].LineOf("w.nothing"); line != 23 {
		t.Errorf("line %d, want that of what would hold it, 23", line)
	}
}

// What is written out is no growth, however much it is.
func TestALargeFileIsRead(t *testing.T) {
	if _, err := read(t, "["+strings.Repeat("x,", 110_000)+"]")[0].JSON(); err != nil {
		t.Error(err)
	}
}

func TestAFieldIsFoundByItsPath(t *testing.T) {
	d := read(t, `# a remark
metadata:
  labels:
    a.b/c: x
    a: y
spec:
  scopes:
  - name: read
    entitlements: &mine
    - subjects: {}
      conditions:
      - expression: "true"
  - name: write
    entitlements: *mine
`)[0]
	for path, want := range map[string]int{
		"":                        2,
		"metadata":                2,
		"metadata.labels[a.b/c]":  4,
		"metadata.labels.a.b/c":   4,
		"metadata.labels.a":       5,
		"spec.scopes":             7,
		"spec.scopes[0]":          8,
		"spec.scopes[1].name":     13,
		"spec.scopes[0].nothing":  8,
		"spec.scopes[7].name":     7,
		"spec.scopes[x].name":     7,
		"spec.nothing.whatsoever": 6,
		"spec.scopes[1].entitlements[0].conditions[0].expression": 12,
	} {
		if got := d.LineOf(path); got != want {
			t.Errorf("%q is in line %d, want %d", path, got, want)
		}
	}
}
