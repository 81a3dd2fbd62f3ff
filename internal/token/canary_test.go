// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"

	"behalf.dev/behalf/internal/token"
	"behalf.dev/behalf/internal/token/tokentest"
)

const canary = "canary-6b1f"

// THREATS 25: whatever is wrong with a token, the error says so without a piece of it.
func TestErrorsNeverQuoteTheToken(t *testing.T) {
	w := newWorld(t)
	trust := w.trust(t)
	encoded := tokentest.Encode([]byte(canary))
	var tokens []string
	for _, changes := range []map[string]any{
		{"sub": nil, "email": canary},
		{"iss": canary},
		{"aud": canary},
		{"act": canary},
		{"exp": canary},
		{"scope": 1, "email": canary},
		{"email": canary + "\x00"},
		{"groups": []any{canary, 1}},
		{"department": json.Number("1e300"), "sid": canary},
	} {
		tokens = append(tokens, w.claims(t, changes))
	}
	for _, changes := range []map[string]any{{"kid": canary}, {"alg": canary}, {"typ": canary}, {"jku": canary}, {"crit": []string{canary}}} {
		tokens = append(tokens, w.header(t, changes))
	}
	tokens = append(tokens, canary, canary+"."+canary+"."+canary, encoded+"."+encoded+"."+encoded,
		w.corp.SignRaw(t, []byte(`{"alg":"ES256","`+canary+`":1,"`+canary+`":2}`), []byte(`{}`)))

	for _, raw := range tokens {
		_, _, err := trust.Subject(raw, now)
		quotesNothing(t, raw, fmt.Sprintf("%v %+v %#v", err, err, err))
		_, _, err = trust.Actor(raw, tickets, now)
		quotesNothing(t, raw, fmt.Sprintf("%v %+v %#v", err, err, err))
	}
}

func quotesNothing(tb testing.TB, raw, said string) {
	tb.Helper()
	if strings.Contains(said, canary) || strings.Contains(said, tokentest.Encode([]byte(canary))) {
		tb.Errorf("the canary sings: %s", said)
	}
	for part := range strings.SplitSeq(raw, ".") {
		if len(part) > 16 && strings.Contains(said, part[:16]) {
			tb.Errorf("a piece of the token is quoted: %s", said)
		}
	}
}

// THREATS 25
func TestARawTokenShowsNothingHoweverItIsPrinted(t *testing.T) {
	raw := token.Raw(canary)
	held := struct{ Token token.Raw }{raw}
	asJSON, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	var text, structured bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "token", raw, "held", held)
	funcr.New(func(_, args string) { structured.WriteString(args) }, funcr.Options{}).Info("m", "token", raw)

	for name, said := range map[string]string{
		"String": raw.String(), "%v": fmt.Sprintf("%v", raw), "%+v": fmt.Sprintf("%+v", held), "%#v": fmt.Sprintf("%#v", held),
		"%s": fmt.Sprintf("%s", raw), "%q": fmt.Sprintf("%q", raw), "%x": fmt.Sprintf("%x", raw), "%d": fmt.Sprintf("%d", raw),
		"JSON": string(asJSON), "slog": text.String(), "logr": structured.String(), "an error": fmt.Errorf("with %v", raw).Error(),
	} {
		if strings.Contains(said, canary) || strings.Contains(said, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s shows the token: %s", name, said)
		}
		if !strings.Contains(said, "[redacted]") {
			t.Errorf("%s does not say that there was one: %s", name, said)
		}
	}
	if string(raw) != canary {
		t.Error("the token itself cannot be had")
	}
}
