// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"strings"
	"testing"
)

func TestArtifactsTravelAsTheseBytes(t *testing.T) {
	t.Parallel()
	artifact := Artifact{Envelope: []byte("abc"), Content: []byte("defg")}
	raw, err := artifact.MarshalBinary()
	if err != nil || string(raw) != "\x00\x00\x00\x03abcdefg" {
		t.Fatalf("written as %q, %v", raw, err)
	}
	var read Artifact
	if err := read.UnmarshalBinary(raw); err != nil || string(read.Envelope) != "abc" || string(read.Content) != "defg" {
		t.Errorf("read as %q and %q, %v", read.Envelope, read.Content, err)
	}
	if _ = append(read.Envelope, 'X'); string(read.Content) != "defg" {
		t.Error("growing the envelope writes into the content")
	}
}

func TestUnmarshalBinaryRefuses(t *testing.T) { // THREATS 37
	t.Parallel()
	for sentence, tc := range map[string]struct{ raw, want string }{
		"nothing":                             {"", "shorter than its header"},
		"a part of the header":                {"\x00\x00\x00", "shorter than its header"},
		"an envelope that is cut":             {"\x00\x00\x00\x04abc", "envelope of 4 bytes in 3"},
		"a length that is negative in 32 bit": {"\xff\xff\xff\xffabc", "envelope of 4294967295 bytes in 3"},
		"a length above the limit":            {"\x00\x00\x40\x01" + strings.Repeat("x", MaxEnvelopeBytes+1), "envelope of 16385 bytes"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			var a Artifact
			if err := a.UnmarshalBinary([]byte(tc.raw)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one about %q", err, tc.want)
			}
		})
	}
}

func TestMarshalBinaryRefusesWhatNobodyReads(t *testing.T) {
	t.Parallel()
	if _, err := (Artifact{Envelope: make([]byte, MaxEnvelopeBytes+1)}).MarshalBinary(); err == nil {
		t.Error("an envelope above the limit was written")
	}
}

func FuzzUnmarshalBinary(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x03abcdefg"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte("\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var a Artifact
		if a.UnmarshalBinary(raw) != nil {
			return
		}
		again, err := a.MarshalBinary()
		if err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%q was read and becomes %q (%v)", raw, again, err)
		}
	})
}
