// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"
	"testing"
	"unicode/utf8"

	"behalf.dev/behalf/internal/authz"
)

// THREATS 22
func TestMessagesStayShortWhateverAClientSends(t *testing.T) {
	for _, unit := range []string{"\x00", "a", "é", "€", "😀", "\xff", "\x80"} {
		huge := strings.Repeat(unit, (1<<20)/len(unit))
		for name, change := range map[string]func(*world){
			"host":                     func(w *world) { over("GET", "/me")(w); w.request.HTTP.Host = huge },
			"method":                   func(w *world) { over(huge, "/me")(w) },
			"path":                     func(w *world) { over("GET", "/"+huge)(w) },
			"audience":                 func(w *world) { w.request.Audience = huge },
			"scope":                    func(w *world) { w.request.Scope = huge },
			"subject":                  func(w *world) { w.request.Subject.ID = huge },
			"subject that comes alone": func(w *world) { w.request.Subject.ID, w.request.Actor = huge, authz.Actor{} },
			"issuer": func(w *world) {
				w.request.Subject.Issuer, w.request.Actor = huge, authz.Actor{}
			},
			"actor without a person":  func(w *world) { w.request.Subject, w.request.Actor.Namespace = authz.Subject{}, huge },
			"actor":                   func(w *world) { w.request.Actor.ServiceAccount = huge },
			"prior actor":             func(w *world) { w.request.Via = []authz.Actor{{Namespace: huge, ServiceAccount: huge}} },
			"what a front door tells": func(w *world) { w.request.Unauthenticated, w.request.Detail = authz.ReasonTokenInvalid, huge },
			"key of the context":      func(w *world) { w.request.Context[huge] = "x" },
			"resource":                func(w *world) { w.request.Resource.ID = huge },
		} {
			w := newWorld(t)
			change(w)
			d := w.decide(t)
			if d.Allowed() || len(d.Message) > 2048+len("…") {
				t.Errorf("%s of many %q: %s with a message of %d bytes", name, unit, d.Outcome, len(d.Message))
			}
		}
	}
}

func TestClippedTextEndsBetweenCharacters(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"short", "abc", "abc"},
		{"as long as may be", strings.Repeat("a", 128), strings.Repeat("a", 128)},
		{"one too long", strings.Repeat("a", 129), strings.Repeat("a", 128) + "…"},
		{"in two bytes", "a" + strings.Repeat("é", 64), "a" + strings.Repeat("é", 63) + "…"},
		{"in three bytes", strings.Repeat("€", 43), strings.Repeat("€", 42) + "…"},
		{"in four bytes", "abc" + strings.Repeat("😀", 32), "abc" + strings.Repeat("😀", 31) + "…"},
	} {
		if got := clip(c.text); got != c.want || !utf8.ValidString(got) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTextOfOurOwnIsWhole(t *testing.T) {
	w := newWorld(t)
	w.policy.Conditions[ownTicket].Message = "only " + strings.Repeat("x", 400) + " end"
	w.request.Resource.Properties["owner"] = "bob"
	if d := w.decide(t); !strings.HasSuffix(d.Message, "x end") {
		t.Errorf("the message is %q", d.Message)
	}
}
