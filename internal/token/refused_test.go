// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/token/tokentest"
)

func mustJSON(tb testing.TB, v any) []byte {
	tb.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// header gives alice's token under a header that has been tampered with, signed by the issuer's own key: only the header
// itself can be why it is refused.
func (w *world) header(tb testing.TB, changes map[string]any) string {
	tb.Helper()
	return w.corp.SignRaw(tb, mustJSON(tb, tokentest.With(w.corp.Header(), changes)), mustJSON(tb, w.alice()))
}

func (w *world) claims(tb testing.TB, changes map[string]any) string {
	tb.Helper()
	return w.corp.Sign(tb, tokentest.With(w.alice(), changes))
}

func (w *world) hmac(tb testing.TB, secret []byte) string {
	tb.Helper()
	signed := tokentest.Encode([]byte(`{"alg":"HS256","kid":"key-1"}`)) + "." + tokentest.Encode(mustJSON(tb, w.alice()))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + tokentest.Encode(mac.Sum(nil))
}

func TestSubjectTokensThatAreRefused(t *testing.T) {
	w := newWorld(t)
	trust := w.trust(t)
	good := w.corp.Sign(t, w.alice())
	parts := strings.Split(good, ".")
	payload := string(mustJSON(t, w.alice()))
	publicDER, err := x509.MarshalPKIXPublicKey(w.corp.Key.Public())
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})
	stranger := tokentest.NewIssuer(t, corpURL, "ES256", "key-1")

	for name, raw := range map[string]string{
		// THREATS 13
		"alg none without a signature":              tokentest.Encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"alg none with the signature of another":    w.header(t, map[string]any{"alg": "none"}),
		"alg in another case":                       w.header(t, map[string]any{"alg": "es256"}),
		"no alg":                                    w.header(t, map[string]any{"alg": nil}),
		"HMAC with the public key as the secret":    w.hmac(t, publicPEM),
		"HMAC with the JWK set as the secret":       w.hmac(t, []byte(w.corp.JWKS(t))),
		"an embedded jwk":                           stranger.SignRaw(t, mustJSON(t, tokentest.With(w.corp.Header(), map[string]any{"jwk": stranger.JWK()})), []byte(payload)),
		"an embedded jwk of the true key":           w.header(t, map[string]any{"jwk": w.corp.JWK()}),
		"a jku":                                     w.header(t, map[string]any{"jku": "https://evil.example/keys"}),
		"an x5u":                                    w.header(t, map[string]any{"x5u": "https://evil.example/cert"}),
		"an x5c":                                    w.header(t, map[string]any{"x5c": []string{"MIIB"}}),
		"an unknown critical extension":             w.header(t, map[string]any{"crit": []string{"exp2"}, "exp2": 1}),
		"an empty crit":                             w.header(t, map[string]any{"crit": []string{}}),
		"b64 false":                                 w.header(t, map[string]any{"crit": []string{"b64"}, "b64": false}),
		"b64 without crit":                          w.header(t, map[string]any{"b64": false}),
		"an algorithm that the issuer does not use": w.header(t, map[string]any{"alg": "RS256"}),
		"a nested token":                            w.header(t, map[string]any{"cty": "JWT"}),
		"a typ that is no access or identity token": w.header(t, map[string]any{"typ": "logout+jwt"}),
		"a typ that is not a string":                w.header(t, map[string]any{"typ": 1}),
		"a header that is a list":                   w.corp.SignRaw(t, []byte(`[]`), []byte(payload)),
		"a kid that the issuer does not have":       w.header(t, map[string]any{"kid": "key-2"}),
		"a kid that is not a string":                w.header(t, map[string]any{"kid": 1}),
		"a signature by a stranger's key":           stranger.Sign(t, w.alice()),
		"a payload that was changed after signing":  parts[0] + "." + tokentest.Encode([]byte(strings.Replace(payload, "alice", "admin", 1))) + "." + parts[2],
		"a DER signature in place of the raw one":   parts[0] + "." + parts[1] + "." + tokentest.Encode([]byte{0x30, 0x06, 2, 1, 1, 2, 1, 1}),
		"a signature of zeros":                      parts[0] + "." + parts[1] + "." + tokentest.Encode(make([]byte, 64)),
		"an empty signature":                        parts[0] + "." + parts[1] + ".",
		// THREATS 14: the kid is the same, the issuer is not.
		"another issuer's key under the same kid":   w.other.Sign(t, w.alice()),
		"another issuer's name over this one's key": w.claims(t, map[string]any{"iss": otherURL}),
		// THREATS 15
		"no audience":                          w.claims(t, map[string]any{"aud": nil}),
		"an empty list of audiences":           w.claims(t, map[string]any{"aud": []string{}}),
		"another audience":                     w.claims(t, map[string]any{"aud": "someone-else"}),
		"an audience with a slash too many":    w.claims(t, map[string]any{"aud": "behalf/"}),
		"an audience in another case":          w.claims(t, map[string]any{"aud": "Behalf"}),
		"an audience that only begins rightly": w.claims(t, map[string]any{"aud": "behalf-three"}),
		"an audience that is an object":        w.claims(t, map[string]any{"aud": map[string]any{"behalf": true}}),
		"no issuer":                            w.claims(t, map[string]any{"iss": nil}),
		"an issuer with a slash too many":      w.claims(t, map[string]any{"iss": corpURL + "/"}),
		"an issuer that only begins rightly":   w.claims(t, map[string]any{"iss": corpURL + ".evil.example"}),
		"an issuer in another case":            w.claims(t, map[string]any{"iss": "https://IDP.example"}),
		"an issuer that is a list":             w.claims(t, map[string]any{"iss": []string{corpURL}}),
		// THREATS 16
		"an empty token":            "",
		"a token larger than 8 KiB": w.claims(t, map[string]any{"padding": strings.Repeat("x", 8<<10)}),
		"a megabyte":                strings.Repeat("a", 1<<20),
		// THREATS 17, 20: a chain is never dropped, whatever it looks like.
		"an act claim":                        w.claims(t, map[string]any{"act": map[string]any{"sub": "system:serviceaccount:support:portal"}}),
		"an act claim that is no object":      w.claims(t, map[string]any{"act": "portal"}),
		"an act claim that is null":           w.corp.SignRaw(t, mustJSON(t, w.corp.Header()), []byte(strings.Replace(payload, "{", `{"act":null,`, 1))),
		"an act claim nested a thousand deep": w.corp.SignRaw(t, mustJSON(t, w.corp.Header()), []byte(strings.Replace(payload, "{", `{"act":`+strings.Repeat(`{"act":`, 1000)+`{}`+strings.Repeat(`}`, 1000)+`,`, 1))),
		// THREATS 18: limits on who may use it that cannot be checked here.
		"a may_act claim":                  w.claims(t, map[string]any{"may_act": map[string]any{"sub": "portal"}}),
		"a key that the token is bound to": w.claims(t, map[string]any{"cnf": map[string]any{"jkt": "x"}}),
		// THREATS 20
		"no sub":                                   w.claims(t, map[string]any{"sub": nil}),
		"an empty sub":                             w.claims(t, map[string]any{"sub": ""}),
		"a sub of 256 bytes":                       w.claims(t, map[string]any{"sub": strings.Repeat("x", 256)}),
		"a sub that is a number":                   w.claims(t, map[string]any{"sub": 7}),
		"a sub with a line break":                  w.claims(t, map[string]any{"sub": "alice\nadmin"}),
		"a sub with a NUL":                         w.claims(t, map[string]any{"sub": "alice\x00"}),
		"a username with a control character":      w.claims(t, map[string]any{"email": "alice@example.com\r"}),
		"a username that is a list":                w.claims(t, map[string]any{"email": []string{"alice@example.com"}}),
		"an e-mail address that is not verified":   w.claims(t, map[string]any{"email_verified": false}),
		"an e-mail address verified only in words": w.claims(t, map[string]any{"email_verified": "true"}),
		"a group that is a number":                 w.claims(t, map[string]any{"groups": []any{"customers", 7}}),
		"groups that are an object":                w.claims(t, map[string]any{"groups": map[string]any{"customers": true}}),
		"an empty group":                           w.claims(t, map[string]any{"groups": []string{""}}),
		"a session that is a number":               w.claims(t, map[string]any{"sid": 1}),
		"scopes that are a number":                 w.claims(t, map[string]any{"scope": 1}),
		"a scope in the list that is a number":     w.claims(t, map[string]any{"scope": []any{"a", 1}}),
		"a forwarded number that is not exact":     w.claims(t, map[string]any{"level": json.Number("9007199254740993")}),
		// THREATS 21
		"no exp":                        w.claims(t, map[string]any{"exp": nil}),
		"an exp that is a string":       w.claims(t, map[string]any{"exp": "1780311600"}),
		"an exp of zero":                w.claims(t, map[string]any{"exp": 0}),
		"an exp below zero":             w.claims(t, map[string]any{"exp": -1}),
		"an exp beyond all time":        w.claims(t, map[string]any{"exp": json.Number("1e400")}),
		"an exp after the year 9999":    w.claims(t, map[string]any{"exp": json.Number("253402300800")}),
		"an iat that is null":           w.corp.SignRaw(t, mustJSON(t, w.corp.Header()), mustJSON(t, map[string]any{"iss": corpURL, "sub": "alice", "aud": "behalf", "exp": now.Add(time.Hour).Unix(), "iat": nil})),
		"an auth_time that is a string": w.claims(t, map[string]any{"auth_time": "yesterday"}),
		// THREATS 22
		"a claim twice":                          w.corp.SignRaw(t, mustJSON(t, w.corp.Header()), []byte(strings.Replace(payload, "{", `{"sub":"admin",`, 1))),
		"a claim again in another case":          w.corp.SignRaw(t, mustJSON(t, w.corp.Header()), []byte(strings.Replace(payload, "{", `{"Sub":"admin",`, 1))),
		"a claim again in a Unicode fold":        w.corp.SignRaw(t, mustJSON(t, w.corp.Header()), []byte(strings.Replace(payload, "{", `{"ſub":"admin",`, 1))),
		"a claim again by an escape":             w.corp.SignRaw(t, mustJSON(t, w.corp.Header()), []byte(strings.Replace(payload, "{", `{"\u0073ub":"admin",`, 1))),
		"a header member twice":                  w.corp.SignRaw(t, []byte(`{"alg":"none","alg":"ES256","kid":"key-1"}`), []byte(payload)),
		"a header member again in another case":  w.corp.SignRaw(t, []byte(`{"alg":"ES256","Alg":"none","kid":"key-1"}`), []byte(payload)),
		"something behind the payload":           w.corp.SignRaw(t, mustJSON(t, w.corp.Header()), []byte(payload+"{}")),
		"half a surrogate pair":                  w.corp.SignRaw(t, mustJSON(t, w.corp.Header()), []byte(strings.Replace(payload, "alice", `alice\ud800`, 1))),
		"bytes that are not UTF-8":               w.corp.SignRaw(t, mustJSON(t, w.corp.Header()), []byte(strings.Replace(payload, "alice", "alice\xff", 1))),
		"padded base64":                          parts[0] + "." + parts[1] + "." + parts[2] + "==",
		"a space in front":                       " " + good,
		"a line break in the signature":          parts[0] + "." + parts[1] + "." + parts[2][:10] + "\n" + parts[2][10:],
		"a line break in the payload":            parts[0] + "." + parts[1][:10] + "\r\n" + parts[1][10:] + "." + parts[2],
		"a signature with stray bits at its end": parts[0] + "." + parts[1] + "." + strayBits(parts[2]),
		"a token that was cut off":               good[:len(good)-8],
		"two parts":                              parts[0] + "." + parts[1],
		"four parts":                             good + ".x",
		"five parts, an encrypted token":         good + ".x.y",
		"an encrypted token's header":            w.header(t, map[string]any{"enc": "A128GCM"}),
		"a compressed token":                     w.header(t, map[string]any{"zip": "DEF"}),
		"JSON serialisation":                     fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]),
		// A service is no person.
		"a service account's token":                  w.cluster.Sign(t, w.portal()),
		"a service account's token for the audience": w.cluster.Sign(t, w.cluster.ServiceAccount(now, portal, portalUID, "behalf")),
	} {
		t.Run(name, func(t *testing.T) {
			subject, bounds, err := trust.Subject(raw, now)
			wantInvalid(t, err, authz.ReasonTokenInvalid)
			if subject.Present() || bounds.Unbounded || bounds.Scopes != nil {
				t.Errorf("subject %v and token %+v came along", subject, bounds)
			}
		})
	}
}

// strayBits sets bits of the last character that base64 does not use: a lax decoder reads the same bytes.
func strayBits(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + string(alphabet[last|1])
}

func TestWhatIsUnusualAndStillGood(t *testing.T) {
	w := newWorld(t)
	trust := w.trust(t)
	for name, raw := range map[string]string{
		"no typ at all":                         w.header(t, map[string]any{"typ": nil}),
		"typ at+jwt (RFC 9068)":                 w.header(t, map[string]any{"typ": "at+jwt"}),
		"typ with its full media type":          w.header(t, map[string]any{"typ": "application/at+JWT"}),
		"no kid, as the issuer has one key":     w.header(t, map[string]any{"kid": nil}),
		"the thumbprint of a certificate":       w.header(t, map[string]any{"x5t": "abc"}),
		"one of several audiences":              w.claims(t, map[string]any{"aud": []string{"someone-else", "behalf-too"}}),
		"one group as a string":                 w.claims(t, map[string]any{"groups": "customers"}),
		"a sub of 255 bytes":                    w.claims(t, map[string]any{"sub": strings.Repeat("x", 255)}),
		"an exp with fractions":                 w.claims(t, map[string]any{"exp": json.Number("1780311600.5")}),
		"an e-mail address that is verified":    w.claims(t, map[string]any{"email_verified": true}),
		"a large number that is not forwarded":  w.claims(t, map[string]any{"employee": json.Number("9007199254740993")}),
		"no iat":                                w.claims(t, map[string]any{"iat": nil}),
		"a subject outside ASCII":               w.claims(t, map[string]any{"sub": "ålice"}),
		"an issuer clock that runs a bit ahead": w.claims(t, map[string]any{"iat": now.Add(60 * time.Second).Unix(), "nbf": now.Add(60 * time.Second).Unix()}),
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := trust.Subject(raw, now); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTimeIsJudgedAnewEachTimeATokenIsPresented(t *testing.T) {
	w := newWorld(t)
	trust := w.trust(t)
	subject := w.claims(t, map[string]any{"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()})
	later := w.claims(t, map[string]any{"nbf": now.Add(10 * time.Minute).Unix()})
	actor := w.cluster.Sign(t, w.portal())

	// THREATS 21, 24: remembered or not, exp is taken as it is, and iat and nbf with a minute of skew.
	for _, step := range []struct {
		name   string
		raw    string
		at     time.Time
		reason authz.Reason
	}{
		{"good while it lives", subject, now, ""},
		{"good in its last second", subject, now.Add(time.Hour - time.Second), ""},
		{"expired at its exp", subject, now.Add(time.Hour), authz.ReasonTokenExpired},
		{"issued within the skew", subject, now.Add(-time.Minute), ""},
		{"issued beyond the skew", subject, now.Add(-time.Minute - time.Second), authz.ReasonTokenNotYetValid},
		{"good again, as nothing was forgotten", subject, now, ""},
		{"not before its nbf", later, now, authz.ReasonTokenNotYetValid},
		{"not before its nbf within the skew", later, now.Add(9 * time.Minute), ""},
	} {
		t.Run(step.name, func(t *testing.T) {
			_, _, err := trust.Subject(step.raw, step.at)
			wantReason(t, err, step.reason)
		})
	}
	t.Run("an actor token expires too", func(t *testing.T) {
		_, _, err := trust.Actor(actor, tickets, now)
		wantReason(t, err, "")
		_, _, err = trust.Actor(actor, tickets, now.Add(time.Hour))
		wantReason(t, err, authz.ReasonTokenExpired)
	})
}

func wantReason(tb testing.TB, err error, reason authz.Reason) {
	tb.Helper()
	if reason == "" {
		if err != nil {
			tb.Errorf("error = %v, want none", err)
		}
		return
	}
	wantInvalid(tb, err, reason)
}

func TestActorTokensThatAreRefused(t *testing.T) {
	w := newWorld(t)
	trust := w.trust(t)
	sign := func(changes map[string]any) string { return w.cluster.Sign(t, tokentest.With(w.portal(), changes)) }
	bound := func(namespace, name, uid string) map[string]any {
		return map[string]any{"namespace": namespace, "serviceaccount": map[string]any{"name": name, "uid": uid}}
	}

	for name, test := range map[string]struct {
		raw    string
		reason authz.Reason
	}{
		// THREATS 15
		"for another audience":                     {sign(map[string]any{"aud": []string{"https://ledger.example"}}), authz.ReasonTokenInvalid},
		"for the API server":                       {sign(map[string]any{"aud": []string{clusterURL}}), authz.ReasonTokenInvalid},
		"for this audience and others":             {sign(map[string]any{"aud": []string{tickets, "https://ledger.example"}}), authz.ReasonTokenInvalid},
		"for no audience":                          {sign(map[string]any{"aud": nil}), authz.ReasonTokenInvalid},
		"from another issuer":                      {w.corp.Sign(t, tokentest.With(w.portal(), map[string]any{"iss": corpURL})), authz.ReasonTokenInvalid},
		"in the cluster's name with another's key": {w.corp.Sign(t, w.portal()), authz.ReasonTokenInvalid},
		"a person's token":                         {w.corp.Sign(t, w.alice()), authz.ReasonTokenInvalid},
		"with the type of an access token":         {w.cluster.SignRaw(t, mustJSON(t, tokentest.With(w.cluster.Header(), map[string]any{"typ": "at+jwt"})), mustJSON(t, w.portal())), authz.ReasonTokenInvalid},
		// THREATS 19
		"sub of another name":                  {sign(map[string]any{"sub": "system:serviceaccount:support:admin"}), authz.ReasonActorMismatch},
		"sub of another namespace":             {sign(map[string]any{"sub": "system:serviceaccount:kube-system:portal"}), authz.ReasonActorMismatch},
		"sub of a user":                        {sign(map[string]any{"sub": "alice"}), authz.ReasonActorMismatch},
		"kubernetes.io of another name":        {sign(map[string]any{"kubernetes.io": bound("support", "admin", portalUID)}), authz.ReasonActorMismatch},
		"kubernetes.io with an empty name":     {sign(map[string]any{"kubernetes.io": bound("support", "", portalUID), "sub": "system:serviceaccount:support:"}), authz.ReasonActorMismatch},
		"parts that only join to the same sub": {sign(map[string]any{"kubernetes.io": bound("support:portal", "x", portalUID), "sub": "system:serviceaccount:support:portal:x"}), authz.ReasonTokenInvalid},
		// THREATS 12
		"of a service account made anew": {sign(map[string]any{"kubernetes.io": bound("support", "portal", "9d5f0e0e-9999-4999-8999-999999999999")}), authz.ReasonActorMismatch},
		"without a uid":                  {sign(map[string]any{"kubernetes.io": map[string]any{"namespace": "support", "serviceaccount": map[string]any{"name": "portal"}}}), authz.ReasonActorMismatch},
		// Legacy tokens never expire and are bound to nothing.
		"a legacy token":                 {sign(map[string]any{"kubernetes.io": nil, "kubernetes.io/serviceaccount/namespace": "support", "kubernetes.io/serviceaccount/service-account.name": "portal"}), authz.ReasonTokenInvalid},
		"without iat":                    {sign(map[string]any{"iat": nil}), authz.ReasonTokenInvalid},
		"without exp":                    {sign(map[string]any{"exp": nil}), authz.ReasonTokenInvalid},
		"kubernetes.io that is a string": {sign(map[string]any{"kubernetes.io": "support/portal"}), authz.ReasonTokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			actor, _, err := trust.Actor(test.raw, tickets, now)
			wantInvalid(t, err, test.reason)
			if actor.Present() {
				t.Errorf("actor %v came along", actor)
			}
		})
	}

	t.Run("when nothing is asked for", func(t *testing.T) {
		_, _, err := trust.Actor(sign(map[string]any{"aud": []string{}}), "", now)
		wantInvalid(t, err, authz.ReasonTokenInvalid)
	})
	// THREATS 12
	t.Run("when the service account was deleted", func(t *testing.T) {
		w.bundle.ServiceAccounts = []bundle.ServiceAccount{{Namespace: "support", Name: "portal"}}
		_, _, err := w.trust(t).Actor(sign(nil), tickets, now)
		wantInvalid(t, err, authz.ReasonActorMismatch)
	})
	t.Run("when the cluster vouches for nobody", func(t *testing.T) {
		w.bundle.Cluster = nil
		_, _, err := w.trust(t).Actor(sign(nil), tickets, now)
		wantInvalid(t, err, authz.ReasonTokenInvalid)
	})
}

func TestAServiceAccountWithoutAPinIsTakenAsItIs(t *testing.T) {
	w := newWorld(t)
	w.bundle.ServiceAccounts = nil
	if _, _, err := w.trust(t).Actor(w.cluster.Sign(t, w.portal()), tickets, now); err != nil {
		t.Error(err)
	}
}

func TestATokenIsRememberedForWhatItWasVerifiedForOnly(t *testing.T) {
	w := newWorld(t)
	trust := w.trust(t)
	actor, subject := w.cluster.Sign(t, w.portal()), w.corp.Sign(t, w.alice())
	if _, _, err := trust.Actor(actor, tickets, now); err != nil {
		t.Fatal(err)
	}
	if _, _, err := trust.Subject(subject, now); err != nil {
		t.Fatal(err)
	}
	_, _, err := trust.Subject(actor, now)
	wantInvalid(t, err, authz.ReasonTokenInvalid)
	_, _, err = trust.Actor(subject, tickets, now)
	wantInvalid(t, err, authz.ReasonTokenInvalid)
	_, _, err = trust.Actor(actor, "https://ledger.example", now)
	wantInvalid(t, err, authz.ReasonTokenInvalid)
}

func TestAKeyThatANewBundleLacksIsForgottenWithItsTokens(t *testing.T) {
	w := newWorld(t)
	raw := w.corp.Sign(t, w.alice())
	if _, _, err := w.trust(t).Subject(raw, now); err != nil {
		t.Fatal(err)
	}
	w.bundle.Issuers[0].JWKS = tokentest.JWKS(t) // THREATS 14
	_, _, err := w.trust(t).Subject(raw, now)
	wantInvalid(t, err, authz.ReasonTokenInvalid)
	w.bundle.Issuers = w.bundle.Issuers[1:]
	_, _, err = w.trust(t).Subject(raw, now)
	wantInvalid(t, err, authz.ReasonTokenInvalid)
}

func TestWhichKeysMayVerify(t *testing.T) {
	w := newWorld(t)
	key := w.corp.JWK()
	change := func(edit func(*jose.JSONWebKey)) jose.JSONWebKey {
		k := key
		edit(&k)
		return k
	}
	private := jose.JSONWebKey{Key: w.corp.Key, KeyID: "key-1", Algorithm: "ES256", Use: "sig"}
	symmetric := jose.JSONWebKey{Key: []byte(strings.Repeat("k", 32)), KeyID: "key-1", Algorithm: "HS256"}
	second := tokentest.NewIssuer(t, corpURL, "ES256", "key-2").JWK()
	named, unnamed := w.corp.Sign(t, w.alice()), w.header(t, map[string]any{"kid": nil})

	for name, test := range map[string]struct {
		jwks string
		raw  string
		good bool
	}{
		"the key":                            {tokentest.JWKS(t, key), named, true},
		"the key without alg and use":        {tokentest.JWKS(t, change(func(k *jose.JSONWebKey) { k.Algorithm, k.Use = "", "" })), named, true},
		"the key among others":               {tokentest.JWKS(t, second, key, symmetric), named, true},
		"the key beside one of unknown type": {`{"keys":[{"kty":"AKP","kid":"pq"},` + string(mustJSON(t, key)) + `]}`, named, true},
		"the key for encryption":             {tokentest.JWKS(t, change(func(k *jose.JSONWebKey) { k.Use = "enc" })), named, false},
		"the key for another algorithm":      {tokentest.JWKS(t, change(func(k *jose.JSONWebKey) { k.Algorithm = "ES384" })), named, false},
		"the key for encrypting by key_ops":  {strings.Replace(tokentest.JWKS(t, key), `"kty"`, `"key_ops":["encrypt"],"kty"`, 1), named, false},
		"the private key":                    {tokentest.JWKS(t, private), named, false},
		"a symmetric key under the same kid": {tokentest.JWKS(t, symmetric), named, false},
		"the same kid twice":                 {tokentest.JWKS(t, key, change(func(k *jose.JSONWebKey) { k.Key = second.Key })), named, false},
		"no kid and one key":                 {tokentest.JWKS(t, key), unnamed, true},
		"no kid and one that is usable":      {tokentest.JWKS(t, key, symmetric), unnamed, true},
		"no kid and two keys":                {tokentest.JWKS(t, key, second), unnamed, false},
		"no key":                             {`{"keys":[]}`, named, false},
	} {
		t.Run(name, func(t *testing.T) {
			w.bundle.Issuers[0].JWKS = test.jwks
			_, _, err := w.trust(t).Subject(test.raw, now)
			if test.good && err != nil {
				t.Error(err)
			}
			if !test.good {
				wantInvalid(t, err, authz.ReasonTokenInvalid)
			}
		})
	}
}
