// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"strings"
	"testing"
)

func TestPublicKeysAreReadAsWritten(t *testing.T) {
	t.Parallel()
	text := MarshalPublicKeys(publicOf(ours), publicOf(theirs))
	keys, err := ParsePublicKeys([]byte("# since 2026-06\r\n\n  " + text + "\n# end"))
	if err != nil || len(keys) != 2 || !bytes.Equal(keys[0], publicOf(ours)) || !bytes.Equal(keys[1], publicOf(theirs)) {
		t.Errorf("read %d keys, %v", len(keys), err)
	}
}

func TestParsePublicKeysRefuses(t *testing.T) {
	t.Parallel()
	good := MarshalPublicKeys(publicOf(ours))
	for sentence, tc := range map[string]struct{ text, want string }{
		"nothing":                       {"", "no key found"},
		"comments alone":                {"# key\n\n", "no key found"},
		"what is no base64":             {good + "not base64!\n", "line 2"},
		"a key that is too short":       {"c2hvcnQ=\n", "line 1"},
		"a private key":                 {"\n" + strings.TrimSpace(good) + strings.TrimSpace(good), "line 2"},
		"base64 with stray bits":        {"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=", "line 1"},
		"base64 without its padding":    {strings.TrimRight(good, "=\n"), "line 1"},
		"a line longer than any key is": {strings.Repeat("A", 1<<17), "too long"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			keys, err := ParsePublicKeys([]byte(tc.text))
			if err == nil || keys != nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("read %d keys, error %v, want one about %q", len(keys), err, tc.want)
			}
		})
	}
}

func FuzzParsePublicKeys(f *testing.F) {
	f.Add([]byte(MarshalPublicKeys(publicOf(ours), publicOf(theirs))))
	f.Add([]byte("# comment\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := ParsePublicKeys(raw)
		if err != nil {
			return
		}
		again, err := ParsePublicKeys([]byte(MarshalPublicKeys(keys...)))
		if err != nil || len(again) != len(keys) || len(keys) == 0 {
			t.Errorf("%q gives %d keys and then %d (%v)", raw, len(keys), len(again), err)
		}
	})
}
