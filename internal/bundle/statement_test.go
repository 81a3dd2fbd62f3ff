// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	ours    = ed25519.NewKeyFromSeed([]byte("our seed is of thirty-two bytes."))
	theirs  = ed25519.NewKeyFromSeed([]byte("their seed: of thirty-two bytes."))
	content = []byte(policyBytes)
)

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

func newTestStatement() Statement {
	return Statement{Kind: KindPolicy, Name: "support/tickets", Revision: 7, Digest: Digest(content), IssuedAt: 1000, LeaseUntil: 1900}
}

func mustSign(tb testing.TB, s Statement, key ed25519.PrivateKey) []byte {
	tb.Helper()
	envelope, err := Sign(s, key)
	if err != nil {
		tb.Fatal(err)
	}
	return envelope
}

// The vector is that of github.com/secure-systems-lab/dsse, protocol.md: PAE("http://example.com/HelloWorld", "hello
// world") is "DSSEv1 29 http://example.com/HelloWorld 11 hello world"; ours differs in the payload type alone.
func TestPreAuthEncodingIsDSSEs(t *testing.T) {
	t.Parallel()
	const want = "DSSEv1 40 application/vnd.behalf.statement.v1+json 11 hello world"
	if got := string(preAuthEncoding(PayloadType, []byte("hello world"))); got != want {
		t.Errorf("PAE is %q, want %q", got, want)
	}
}

func TestSignedStatementsAreVerified(t *testing.T) {
	t.Parallel()
	want := newTestStatement()
	got, err := NewVerifier(publicOf(theirs), publicOf(ours)).Verify(mustSign(t, want, ours))
	if err != nil || got != want {
		t.Errorf("verified as %+v, %v", got, err)
	}
	if !got.Lease().Equal(time.Unix(1900, 0)) {
		t.Errorf("lease until %s", got.Lease())
	}
}

// envelopeOf writes an envelope as an attacker would: any payload, any signatures.
func envelopeOf(payloadType, payload string, signatures ...string) []byte {
	return fmt.Appendf(nil, `{"payloadType":%q,"payload":%q,"signatures":[%s]}`,
		payloadType, base64.StdEncoding.EncodeToString([]byte(payload)), strings.Join(signatures, ","))
}

func signatureOf(keyID string, key ed25519.PrivateKey, signed string) string {
	return fmt.Sprintf(`{"keyid":%q,"sig":%q}`, keyID, base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(signed))))
}

// THREATS 33, 34, 37
func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	good := mustSign(t, newTestStatement(), ours)
	payload, err := encode(newTestStatement())
	if err != nil {
		t.Fatal(err)
	}
	text, pae := string(payload), string(preAuthEncoding(PayloadType, payload))
	id := KeyID(publicOf(ours))
	odd := func(payload string) []byte {
		return envelopeOf(PayloadType, payload, signatureOf(id, ours, string(preAuthEncoding(PayloadType, []byte(payload)))))
	}
	valid := signatureOf(id, ours, pae)
	for sentence, tc := range map[string]struct {
		raw  []byte
		want string
	}{
		"a foreign key":                       {mustSign(t, newTestStatement(), theirs), ErrUntrusted.Error()},
		"a foreign key under our id":          {envelopeOf(PayloadType, text, signatureOf(id, theirs, pae)), ErrUntrusted.Error()},
		"our key under a foreign id":          {envelopeOf(PayloadType, text, signatureOf("0123456789abcdef", ours, pae)), ErrUntrusted.Error()},
		"no signature":                        {envelopeOf(PayloadType, text), ErrUntrusted.Error()},
		"a signature over the payload alone":  {envelopeOf(PayloadType, text, signatureOf(id, ours, text)), ErrUntrusted.Error()},
		"another payload type":                {envelopeOf("application/json", text, valid), `payload type "application/json"`},
		"more signatures than anybody makes":  {envelopeOf(PayloadType, text, valid, valid, valid, valid, valid), "5 signatures"},
		"an envelope that is too long":        {[]byte(strings.Repeat(" ", MaxEnvelopeBytes+1)), "16385 bytes"},
		"a cut envelope":                      {good[:len(good)-2], "EOF"},
		"an unknown field in the envelope":    {[]byte(strings.Replace(string(good), `{`, `{"x":1,`, 1)), `unknown field "x"`},
		"a line break after the envelope":     {append(slices.Clone(good), '\n'), ErrNotCanonical.Error()},
		"an unknown field in the statement":   {odd(strings.Replace(text, `{`, `{"x":1,`, 1)), `unknown field "x"`},
		"a statement that is not canonical":   {odd(text + " "), ErrNotCanonical.Error()},
		"a kind that does not exist":          {odd(strings.Replace(text, `"Policy"`, `"Poetry"`, 1)), `kind "Poetry"`},
		"a policy without namespace":          {odd(strings.Replace(text, `support/tickets`, `tickets`, 1)), `name "tickets"`},
		"a policy with a deeper name":         {odd(strings.Replace(text, `support/tickets`, `support/tickets/x`, 1)), `name "support/tickets/x"`},
		"a trust bundle under another name":   {odd(strings.Replace(text, `"Policy"`, `"Trust"`, 1)), `kind "Trust"`},
		"revision zero":                       {odd(strings.Replace(text, `"revision":7`, `"revision":0`, 1)), "revision 0"},
		"a negative revision":                 {odd(strings.Replace(text, `"revision":7`, `"revision":-7`, 1)), "revision -7"},
		"no digest":                           {odd(strings.Replace(text, Digest(content), "", 1)), "no digest"},
		"a lease that ends before it begins":  {odd(strings.Replace(text, `"leaseUntil":1900`, `"leaseUntil":900`, 1)), "the lease ends"},
		"a revision that no integer can hold": {odd(strings.Replace(text, `"revision":7`, `"revision":9223372036854775808`, 1)), "cannot unmarshal"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			got, err := NewVerifier(publicOf(ours)).Verify(tc.raw)
			if err == nil || got != (Statement{}) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("verified as %+v, error %v, want one about %q", got, err, tc.want)
			}
		})
	}
}

func TestEveryFlippedBitIsRefused(t *testing.T) { // THREATS 34
	t.Parallel()
	good, verifier := mustSign(t, newTestStatement(), ours), NewVerifier(publicOf(ours))
	for i := range len(good) * 8 {
		flipped := slices.Clone(good)
		flipped[i/8] ^= 1 << (i % 8)
		if got, err := verifier.Verify(flipped); err == nil {
			t.Fatalf("with bit %d flipped it is %+v", i, got)
		}
	}
}

func TestAVerifierWithoutKeysRefuses(t *testing.T) {
	t.Parallel()
	good := mustSign(t, newTestStatement(), ours)
	for _, verifier := range []*Verifier{NewVerifier(), {}} {
		if _, err := verifier.Verify(good); !errors.Is(err, ErrUntrusted) {
			t.Errorf("error %v", err)
		}
	}
}

func TestUnverifiedNamesWhatNobodyVouchesFor(t *testing.T) {
	t.Parallel()
	got, err := Unverified(mustSign(t, newTestStatement(), theirs))
	if err != nil || got != newTestStatement() {
		t.Errorf("read as %+v, %v", got, err)
	}
	if _, err := Unverified([]byte("{}")); err == nil {
		t.Error("an empty envelope was read")
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	nameless := newTestStatement()
	nameless.Name = ""
	for sentence, tc := range map[string]struct {
		statement Statement
		key       ed25519.PrivateKey
		want      string
	}{
		"no key":                             {newTestStatement(), nil, "not an Ed25519 private key"},
		"a short key":                        {newTestStatement(), ours[:31], "not an Ed25519 private key"},
		"what no verifier would take":        {nameless, ours, "no such content"},
		"a statement that was not filled in": {Statement{}, ours, "no such content"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			if _, err := Sign(tc.statement, tc.key); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one about %q", err, tc.want)
			}
		})
	}
}

func TestOpenHoldsContentToItsDigest(t *testing.T) {
	t.Parallel()
	verifier, envelope := NewVerifier(publicOf(ours)), mustSign(t, newTestStatement(), ours)
	if got, err := verifier.Open(Artifact{Envelope: envelope, Content: content}); err != nil || got != newTestStatement() {
		t.Errorf("opened as %+v, %v", got, err)
	}
	for sentence, altered := range map[string][]byte{
		"none": nil, "cut": content[:len(content)-1], "longer": append(slices.Clone(content), ' '), "another": []byte("{}"),
	} {
		if _, err := verifier.Open(Artifact{Envelope: envelope, Content: altered}); err == nil {
			t.Errorf("content that is %s was opened", sentence)
		}
	}
	if _, err := verifier.Open(Artifact{Envelope: mustSign(t, newTestStatement(), theirs), Content: content}); !errors.Is(err, ErrUntrusted) {
		t.Errorf("of a foreign key: %v", err)
	}
}

func TestKeyIDIsTheHeadOfTheHash(t *testing.T) {
	t.Parallel()
	// RFC 8032 section 7.1, test 1: the public key; sha256sum of it begins 21fe31dfa154a261.
	key, err := base64.StdEncoding.DecodeString("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	if err != nil {
		t.Fatal(err)
	}
	if got := KeyID(key); got != "21fe31dfa154a261" {
		t.Errorf("key id %s", got)
	}
}

func FuzzVerify(f *testing.F) {
	good, err := Sign(newTestStatement(), ours)
	if err != nil {
		f.Fatal(err)
	}
	foreign, err := Sign(newTestStatement(), theirs)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(foreign)
	f.Add(good[:len(good)/2])
	f.Add(envelopeOf(PayloadType, "{}"))
	f.Add([]byte(`{"payloadType":"","payload":null,"signatures":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := NewVerifier(publicOf(ours)).Verify(raw)
		if err == nil && got != newTestStatement() {
			t.Errorf("%q was verified as %+v, which was never signed", raw, got)
		}
		if unverified, err := Unverified(raw); err == nil && unverified.check() != nil {
			t.Errorf("%q was read as %+v", raw, unverified)
		}
	})
}
