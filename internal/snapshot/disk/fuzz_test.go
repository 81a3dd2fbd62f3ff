// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"testing"

	"behalf.dev/behalf/internal/bundle"
)

func whole(tb testing.TB) []byte {
	tb.Helper()
	raw, err := Floor{
		Kind: bundle.KindPolicy, Name: "support/tickets", Revision: 5,
		Digest: "sha256:" + string(bytes.Repeat([]byte("a"), 64)), Held: "sha256:" + string(bytes.Repeat([]byte("b"), 64)),
	}.marshal()
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// THREATS 34: a floor is read as it was written, or not at all.
func FuzzFloor(f *testing.F) {
	raw := whole(f)
	f.Add(raw)
	f.Add(raw[:len(raw)-1])
	f.Add(append(bytes.Clone(raw), '\n'))
	f.Add([]byte{})
	f.Add([]byte("\n"))
	f.Add(append([]byte("{}\n"), sumOf([]byte("{}"))...))
	f.Add(append([]byte(`{"kind":"Policy","KIND":"Trust"}`+"\n"), sumOf([]byte(`{"kind":"Policy","KIND":"Trust"}`))...))
	f.Add(append([]byte("null\n"), sumOf([]byte("null"))...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		floor, err := readFloor(raw)
		if err != nil {
			return
		}
		again, err := floor.marshal()
		if err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%q is read as %+v, which is written as %q: %v", raw, floor, again, err)
		}
	})
}

// A sum that fits does not make a floor of what is no floor.
func TestAFloorWithAGoodSumIsStillReadStrictly(t *testing.T) {
	for sentence, line := range map[string]string{
		"a field twice":           `{"kind":"Policy","kind":"Policy","name":"a/b","revision":1,"digest":"d","held":""}`,
		"a field in another case": `{"Kind":"Policy","name":"a/b","revision":1,"digest":"d","held":""}`,
		"a field that is unknown": `{"kind":"Policy","name":"a/b","revision":1,"digest":"d","held":"","more":1}`,
		"a field that is missing": `{"kind":"Policy","name":"a/b","revision":1,"digest":"d"}`,
		"a revision that is none": `{"kind":"Policy","name":"a/b","revision":"1","digest":"d","held":""}`,
		"white space":             `{"kind": "Policy","name":"a/b","revision":1,"digest":"d","held":""}`,
		"nothing":                 ``,
	} {
		t.Run(sentence, func(t *testing.T) {
			if floor, err := readFloor(append([]byte(line+"\n"), sumOf([]byte(line))...)); err == nil {
				t.Errorf("it is read as %+v", floor)
			}
		})
	}
}

func TestOnlyDigestsNameContents(t *testing.T) {
	good := "sha256:" + string(bytes.Repeat([]byte("a"), 64))
	if got := contentFile("stem", good); got != "stem."+good[7:]+".content" {
		t.Errorf("a digest gives %q", got)
	}
	for _, digest := range []string{"", "sha256:", good[:70], good + "a", "sha512:" + good[7:], "sha256:" + string(bytes.Repeat([]byte("../"), 21)) + "a", "sha256:" + string(bytes.Repeat([]byte("A"), 64))} {
		if got := contentFile("stem", digest); got != "" {
			t.Errorf("%q gives %q", digest, got)
		}
	}
}
