// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"behalf.dev/behalf/internal/authz"
)

const policyBytes = `{"format":1,"resourceServer":{"kind":"ResourceServer","namespace":"support","name":"tickets","generation":3},` +
	`"audience":"https://tickets.example","hosts":["tickets.example"],"allNamespaces":true,` +
	`"conditions":[{"expression":"a < b && c > d","checked":"AQI="}],` +
	`"scopes":[{"name":"tickets:read","entitlements":[{"subjects":{"issuer":"corp","groups":["customers"]},"conditions":[0]}]}]}`

func newTestPolicy() *Policy {
	return &Policy{
		Format:         Format,
		ResourceServer: authz.ObjectRef{Kind: "ResourceServer", Namespace: "support", Name: "tickets", Generation: 3},
		Audience:       "https://tickets.example",
		Hosts:          []string{"tickets.example"},
		AllNamespaces:  true,
		Conditions:     []Condition{{Expression: "a < b && c > d", Checked: []byte{1, 2}}},
		Scopes: []Scope{{Name: "tickets:read", Entitlements: []Entitlement{{
			Subjects: SubjectSelector{Issuer: "corp", Groups: []string{"customers"}}, Conditions: []int{0},
		}}}},
	}
}

func TestEncodeGivesTheseBytes(t *testing.T) {
	t.Parallel()
	got, err := Encode(newTestPolicy())
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != policyBytes {
		t.Errorf("encoded as\n%s\nwant\n%s", got, policyBytes)
	}
}

func TestDigestIsSHA256InHex(t *testing.T) {
	t.Parallel()
	const want = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, B.1
	if got := Digest([]byte("abc")); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

// THREATS 22, 34, 37: what is not exactly what was encoded is refused, whatever it may mean.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	edit := func(old, replacement string) string {
		edited := strings.Replace(policyBytes, old, replacement, 1)
		if edited == policyBytes {
			t.Fatalf("%s is not in the bytes", old)
		}
		return edited
	}
	for sentence, tc := range map[string]struct{ raw, want string }{
		"nothing":                       {"", "EOF"},
		"null":                          {"null", "canonical"},
		"a list":                        {"[]", "cannot unmarshal"},
		"an unknown field":              {edit(`"audience"`, `"unknown":1,"audience"`), `unknown field "unknown"`},
		"an unknown field deep within":  {edit(`"issuer"`, `"realm":"x","issuer"`), `unknown field "realm"`},
		"another format":                {edit(`"format":1`, `"format":2`), "format 2 is not 1"},
		"no format":                     {edit(`"format":1,`, ``), "canonical"},
		"a key twice":                   {edit(`"format":1`, `"format":1,"format":1`), "canonical"},
		"a key in another case":         {edit(`"audience"`, `"Audience"`), "canonical"},
		"fields in another order":       {edit(`"format":1,"resourceServer"`, `"resourceServer"`)[:1] + `"audience":"x",` + policyBytes[1:], "canonical"},
		"white space":                   {edit(`"format":1`, `"format": 1`), "canonical"},
		"a line break at the end":       {policyBytes + "\n", "canonical"},
		"a second value":                {policyBytes + policyBytes, "data after the end"},
		"a cut end":                     {policyBytes[:len(policyBytes)-1], "unexpected EOF"},
		"an empty list instead of none": {edit(`"allNamespaces"`, `"routes":[],"allNamespaces"`), "canonical"},
		"an escaped character":          {edit(`a < b`, `a \u003c b`), "canonical"},
		"a number in another form":      {edit(`"format":1`, `"format":1e0`), "cannot unmarshal"},
		"a byte that is not UTF-8":      {edit(`customers`, "custom\xffers"), "canonical"},
		"base64 with stray bits":        {edit(`AQI=`, `AQJ=`), "canonical"},
		"base64 with a line break":      {edit(`AQI=`, `AQ\nI=`), "canonical"},
		"false said aloud":              {edit(`"allNamespaces":true`, `"allNamespaces":false`), "canonical"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			got, err := Decode[Policy]([]byte(tc.raw))
			if err == nil || got != nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("decoded to %v, error %v, want one about %q", got, err, tc.want)
			}
			if tc.want == "canonical" && !errors.Is(err, ErrNotCanonical) {
				t.Errorf("error %v is not ErrNotCanonical", err)
			}
		})
	}
}

func TestDecodeOfOneKindRefusesAnother(t *testing.T) {
	t.Parallel()
	if _, err := Decode[Trust]([]byte(policyBytes)); err == nil {
		t.Error("a policy passed for a trust bundle")
	}
	if _, err := Decode[Revocations]([]byte(`{"format":1,"issuers":[]}`)); err == nil {
		t.Error("a trust bundle passed for a revocation list")
	}
}

// FuzzDecode holds Decode to its word: what it takes, Encode gives back, to the byte.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(policyBytes))
	f.Add([]byte(`{"format":1}`))
	f.Add([]byte(`{"format":1,"issuers":[{"source":{"kind":"TrustedIssuer","name":"corp"},"name":"corp","url":"u","audiences":null,"algorithms":[],"jwks":""}]}`))
	f.Add([]byte(`{"format":1,"entries":[{"source":{"kind":"DelegationRevocation","name":"r"},"edge":{"to":{"namespace":"a","name":"b"}}}]}`))
	f.Add([]byte(`{"format":1,"format":1}`))              // THREATS 22: a key twice
	f.Add([]byte(`{"Format":1}`))                         // THREATS 22: another case
	f.Add([]byte(`{"format":1,"unknown":true}`))          // THREATS 37
	f.Add([]byte(`{"format":1}{"format":1}`))             // THREATS 37: more than one
	f.Add([]byte("{\"format\":1,\"audience\":\"\xff\"}")) // not UTF-8
	f.Add([]byte(strings.Repeat("[", 20000)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		roundTrip[Policy](t, raw)
		roundTrip[Trust](t, raw)
		roundTrip[Revocations](t, raw)
	})
}

func roundTrip[T Content](t *testing.T, raw []byte) {
	t.Helper()
	decoded, err := Decode[T](raw)
	if err != nil {
		return
	}
	again, err := Encode(decoded)
	if err != nil || !bytes.Equal(again, raw) {
		t.Errorf("%q was taken and becomes %q (%v)", raw, again, err)
	}
}
