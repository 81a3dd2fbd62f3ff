// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"behalf.dev/behalf/internal/token/strictjson"
)

func TestObjectsThatAreRefused(t *testing.T) {
	// THREATS 22
	for name, raw := range map[string]string{
		"nothing":                            ``,
		"a list":                             `[]`,
		"a string":                           `"a"`,
		"null":                               `null`,
		"an object that does not end":        `{"a":1`,
		"an object with a comma too many":    `{"a":1,}`,
		"a list with a comma too many":       `{"a":[1,]}`,
		"a comment":                          `{/**/}`,
		"something behind it":                `{}{}`,
		"a key twice":                        `{"a":1,"a":1}`,
		"a key in two cases":                 `{"a":1,"A":1}`,
		"a key in two cases within":          `{"x":[{"a":1,"A":1}]}`,
		"a key with a long s":                `{"sub":1,"ſub":1}`,
		"a key with a Kelvin sign":           `{"kid":1,"Kid":1}`,
		"a key twice, once by an escape":     `{"a":1,"\u0061":1}`,
		"half a surrogate pair":              `{"a":"\ud800"}`,
		"half a surrogate pair in a key":     `{"\udc00":1}`,
		"the replacement character":          "{\"a\":\"\ufffd\"}",
		"a byte that is not UTF-8":           "{\"a\":\"\xff\"}",
		"one level too many":                 `{"a":{"b":{"c":{}}}}`,
		"one level too many in lists":        `{"a":[[[]]]}`,
		"a control character that is no esc": "{\"a\":\"\n\"}",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := strictjson.Object([]byte(raw), 3); err == nil {
				t.Errorf("it was read as %v", got)
			}
		})
	}
}

func TestPlainValuesAreAsEncodingJSONGivesThem(t *testing.T) {
	read, err := strictjson.Object([]byte(`{"a":[1,-2.5,true,null,"x"],"b":{"c":9007199254740991,"😀":"\ud83d\ude00"}}`), 3)
	if err != nil {
		t.Fatal(err)
	}
	got, err := strictjson.PlainObject(read)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"a": []any{1.0, -2.5, true, nil, "x"},
		"b": map[string]any{"c": 9007199254740991.0, "😀": "😀"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
}

func TestNumbersThatCannotBeToldApartAreNotPlain(t *testing.T) {
	for _, number := range []string{"9007199254740993", "-9007199254740993", "9007199254740992", "1e300", "1e999"} {
		t.Run(number, func(t *testing.T) {
			if got, err := strictjson.Plain([]any{map[string]any{"n": json.Number(number)}}); err == nil {
				t.Errorf("it became %v", got)
			}
		})
	}
}

// FuzzObject: what passes is an object that encoding/json reads in the same way, and no key of it folds to another.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"A":2}`, `{"a":"\ud800"}`, `[`, strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := strictjson.Object(raw, 8)
		if err != nil {
			return
		}
		plain, err := strictjson.PlainObject(got)
		if err != nil {
			return
		}
		var want map[string]any
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatalf("encoding/json refuses it: %v", err)
		}
		if diff := cmp.Diff(want, plain); diff != "" {
			t.Error("(-want +got):\n" + diff)
		}
	})
}
