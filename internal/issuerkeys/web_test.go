// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// issuer is a real web server that speaks as an OpenID provider.
type issuer struct {
	*httptest.Server
	discovery http.HandlerFunc
	keys      http.HandlerFunc
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	is := &issuer{keys: answer(publicSet(t))}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) { is.discovery(w, r) })
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) { is.keys(w, r) })
	mux.HandleFunc("/elsewhere", answer(`{"issuer":"https://never.example"}`))
	is.Server = httptest.NewUnstartedServer(mux)
	is.Config.ErrorLog = log.New(io.Discard, "", 0)
	is.StartTLS()
	t.Cleanup(is.Close)
	is.discovery = answer(fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, is.URL, is.URL+"/keys"))
	return is
}

func (is *issuer) source() Web {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: is.Certificate().Raw})
	return Web{Issuer: is.URL, CABundle: string(ca), Loopback: LoopbackAllowed}
}

func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

func publicSet(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return encodeSet(t, jose.JSONWebKey{Key: key.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"})
}

func encodeSet(t *testing.T, keys ...jose.JSONWebKey) string {
	t.Helper()
	out, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestWebFetchesByDiscovery(t *testing.T) {
	is := newIssuer(t)
	is.keys = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=120")
		_, _ = io.WriteString(w, publicSet(t))
	}
	keys, err := is.source().Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if keys.Issuer != is.URL || !strings.Contains(keys.JWKS, `"kid":"one"`) || keys.MaxAge != 2*time.Minute {
		t.Fatalf("got %+v", keys)
	}
}

func TestWebFetchesFromStatedURL(t *testing.T) {
	is := newIssuer(t)
	is.discovery = http.NotFound
	source := is.source()
	source.Issuer, source.KeysURL = "https://idp.example", is.URL+"/keys"
	keys, err := source.Fetch(t.Context())
	if err != nil || keys.Issuer != "https://idp.example" || keys.JWKS == "" {
		t.Fatalf("got %+v, %v", keys, err)
	}
}

// THREATS 14
func TestWebRefuses(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		prepare func(*issuer, *Web)
		want    string
	}{
		"a redirect of the discovery document": {
			prepare: func(is *issuer, _ *Web) {
				is.discovery = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }
			},
			want: "the server redirects",
		},
		"a redirect of the keys": {
			prepare: func(is *issuer, _ *Web) {
				is.keys = func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
				}
			},
			want: "the server redirects",
		},
		"a document over the cap": {
			prepare: func(is *issuer, _ *Web) { is.keys = answer(strings.Repeat(" ", MaxDocument+1)) },
			want:    "larger than 1048576 bytes",
		},
		"a document that speaks for another issuer": {
			prepare: func(is *issuer, _ *Web) {
				is.discovery = answer(`{"issuer":"https://other.example","jwks_uri":"` + is.URL + `/keys"}`)
			},
			want: `it speaks for issuer "https://other.example"`,
		},
		"an issuer that differs by a slash": {
			prepare: func(is *issuer, _ *Web) {
				is.discovery = answer(`{"issuer":"` + is.URL + `/","jwks_uri":"` + is.URL + `/keys"}`)
			},
			want: "it speaks for issuer",
		},
		"an issuer member in another case": {
			prepare: func(is *issuer, _ *Web) {
				is.discovery = answer(`{"Issuer":"` + is.URL + `","jwks_uri":"` + is.URL + `/keys"}`)
			},
			want: "its member issuer is missing or not a text",
		},
		"discovery that points at plain http elsewhere": {
			prepare: func(is *issuer, _ *Web) {
				is.discovery = answer(`{"issuer":"` + is.URL + `","jwks_uri":"http://keys.example/"}`)
			},
			want: "only https is allowed",
		},
		"discovery that points at a file": {
			prepare: func(is *issuer, _ *Web) {
				is.discovery = answer(`{"issuer":"` + is.URL + `","jwks_uri":"file:///etc/passwd"}`)
			},
			want: "want a host",
		},
		"discovery that points at the cloud's metadata service": {
			prepare: func(is *issuer, _ *Web) {
				is.discovery = answer(`{"issuer":"` + is.URL + `","jwks_uri":"https://169.254.169.254/keys"}`)
			},
			want: "169.254.169.254 is a link-local, multicast or unspecified address",
		},
		"loopback where it is not allowed": {
			prepare: func(_ *issuer, w *Web) { w.Loopback = LoopbackRefused },
			want:    "127.0.0.1 is a loopback address",
		},
		"a name that resolves to loopback": {
			prepare: func(is *issuer, w *Web) {
				w.Loopback, w.KeysURL = LoopbackRefused, strings.Replace(is.URL, "127.0.0.1", "localhost", 1)
			},
			want: "is a loopback address",
		},
		"loopback spelled as IPv6": {
			prepare: func(is *issuer, w *Web) {
				w.Loopback, w.KeysURL = LoopbackRefused, strings.Replace(is.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1)
			},
			want: "127.0.0.1 is a loopback address",
		},
		"a certificate of an unknown authority": {
			prepare: func(_ *issuer, w *Web) { w.CABundle = "" },
			want:    "certificate",
		},
		"a caBundle without a certificate": {
			prepare: func(_ *issuer, w *Web) { w.CABundle = "nothing" },
			want:    "caBundle holds no PEM certificate",
		},
		"an answer that is not 200": {
			prepare: func(is *issuer, _ *Web) { is.keys = http.NotFound },
			want:    "404 Not Found",
		},
		"private key material": {
			prepare: func(is *issuer, _ *Web) { is.keys = answer(encodeSet(t, jose.JSONWebKey{Key: private, KeyID: "p"})) },
			want:    "keys[0]: private or symmetric key material",
		},
		"a symmetric key": {
			prepare: func(is *issuer, _ *Web) { is.keys = answer(`{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`) },
			want:    "keys[0]: private or symmetric key material",
		},
		"a set without a key that is understood": {
			prepare: func(is *issuer, _ *Web) { is.keys = answer(`{"keys":[{"kty":"new"}]}`) },
			want:    "no public signature key",
		},
		"something that is no JSON": {
			prepare: func(is *issuer, _ *Web) { is.keys = answer("<html>") },
			want:    "reading the JWK set",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			is := newIssuer(t)
			source := is.source()
			c.prepare(is, &source)
			keys, err := source.Fetch(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %+v and error %v, want error with %q", keys, err, c.want)
			}
		})
	}
}

// A message that changes from one attempt to the next would be a status write at each of them (THREATS 44).
func TestWebErrorsAreTheSameAtEveryAttempt(t *testing.T) {
	is := newIssuer(t)
	is.keys = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	source := is.source()
	_, first := source.Fetch(t.Context())
	_, second := source.Fetch(t.Context())
	if first == nil || second == nil || first.Error() != second.Error() {
		t.Fatalf("got %q, then %q", first, second)
	}
}

func TestNormalizeIsStable(t *testing.T) {
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := jose.JSONWebKey{Key: ed, KeyID: "a"}
	b := jose.JSONWebKey{Key: ec.Public(), KeyID: "b", Use: "sig"}
	encryption := jose.JSONWebKey{Key: ec.Public(), KeyID: "c", Use: "enc"}
	one, err := normalize([]byte(encodeSet(t, a, b)))
	if err != nil {
		t.Fatal(err)
	}
	two, err := normalize([]byte(" " + encodeSet(t, encryption, b, a)))
	if err != nil || one != two {
		t.Fatalf("got %s, then %s, %v", one, two, err)
	}
}

type fakeAPI map[string]string

func (f fakeAPI) GetRaw(_ context.Context, path string) ([]byte, error) {
	if body, ok := f[path]; ok {
		return []byte(body), nil
	}
	return nil, fmt.Errorf("no %s", path)
}

func TestClusterKeysComeFromTheAPIServerItself(t *testing.T) {
	api := fakeAPI{
		"/.well-known/openid-configuration": `{"issuer":"https://cluster.local","jwks_uri":"https://never.asked.example/"}`,
		"/openid/v1/jwks":                   publicSet(t),
	}
	keys, err := Cluster{API: &api}.Fetch(t.Context())
	if err != nil || keys.Issuer != "https://cluster.local" || keys.JWKS == "" {
		t.Fatalf("got %+v, %v", keys, err)
	}
	delete(api, "/openid/v1/jwks")
	if _, err := (Cluster{API: &api}).Fetch(t.Context()); err == nil {
		t.Fatal("want an error without keys")
	}
}
