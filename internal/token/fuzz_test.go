// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"errors"
	"strings"
	"testing"

	"behalf.dev/behalf/internal/token"
)

// FuzzSubject: whatever comes, there is no panic, every error is an Invalid, and only what the issuer signed passes.
func FuzzSubject(f *testing.F) {
	w := newWorld(f)
	trust := w.trust(f)
	good := w.corp.Sign(f, w.alice())
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		good, "", ".", "..", "....", good + ".", parts[0] + "." + parts[1] + ".", w.header(f, map[string]any{"alg": "none"}),
		w.header(f, map[string]any{"crit": []string{"b64"}}), w.claims(f, map[string]any{"act": map[string]any{}}),
		w.corp.SignRaw(f, []byte(`{"alg":"ES256","alg":"ES256"}`), []byte(`{"sub":"a","SUB":"b"}`)),
		w.corp.SignRaw(f, []byte(`[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]`), []byte(`{}`)),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		_, _, err := trust.Subject(raw, now)
		var invalid *token.Invalid
		switch {
		case err == nil && raw != good:
			// ECDSA signatures are malleable; header and payload are not.
			if !strings.HasPrefix(raw, parts[0]+"."+parts[1]+".") {
				t.Errorf("a token that the issuer did not sign passes: %q", raw)
			}
		case err != nil && !errors.As(err, &invalid):
			t.Errorf("error = %v, want a *token.Invalid", err)
		}
		if _, _, err := trust.Actor(raw, tickets, now); err == nil {
			t.Errorf("a token that the cluster did not sign passes: %q", raw)
		}
	})
}
