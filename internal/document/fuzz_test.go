// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package document_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"testing"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"behalf.dev/behalf/internal/document"
)

// apart is where kubectl is known to read otherwise: it takes documents apart by another rule, and a ! that names no tag makes
// text of what follows. Both come to an error rather than to another meaning: text where none belongs, or a document too many.
var apart = regexp.MustCompile(`---|\.\.\.|!(\s|$|[,\]}])`)

// FuzzRead holds that whatever is read means to kubectl what it means here.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"apiVersion: v1\nkind: List\nitems:\n- {a: 1}\n",
		"a: 1\na: 2\n",                                  // THREATS 22: keys that stand twice
		`{"a":1,"A":2,"\u0061":3}`,                      // THREATS 22
		"groups: [y, yes, on, 'no', 0777, 1_0, 0x1]",    // THREATS 23: text that only looks like it
		"scope: \"tickets:read\\ttickets:delete\"\n",    // THREATS 23
		"a: &a [*a, *a]\nb: &b {<<: [*a, *b], c: d}",    // THREATS 43: growth
		"a: &x {b: 1}\nc: {<<: *x, b: 2, d: .5, e: +1}", // merging
		"a: \"\\0\\x41\\u263a\"\n? b\n: |2\n    c\n...\n",
		`{"a":"\ud83d\ude00\/\ud800"}`,
		"--- !!map\na: !!str 1\nb: !!float 2\nc: 2026-06-01 10:00:00\n",
		"a: 1.0\nb: 1e3\nc: -0\nd: 9223372036854775808\ne: .inf\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		documents, err := document.Read("fuzz", raw)
		if err != nil {
			return
		}
		for _, d := range documents {
			_, _, _ = d.Kind()
			_, _ = d.Items()
			var into person
			_ = d.Decode(&into)
		}
		if len(documents) != 1 || apart.Match(raw) {
			return
		}
		got, err := documents[0].JSON()
		if err != nil {
			return
		}
		want := raw
		if !json.Valid(raw) || !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
			if want, err = yaml.YAMLToJSON(raw); err != nil {
				return // what kubectl refuses cannot be meant otherwise
			}
		}
		if g, w := plain(t, got), plain(t, want); !reflect.DeepEqual(g, w) {
			t.Errorf("read %v, kubectl reads %v", g, w)
		}
	})
}

// plain is what the API server makes of JSON.
func plain(t *testing.T, raw []byte) any {
	t.Helper()
	var value any
	if err := utiljson.Unmarshal(raw, &value); err != nil {
		return err.Error()
	}
	return value
}
