// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
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
	return Web{Issuer: is.URL, CABundle: string(ca), Reach: Reach{Loopback: LoopbackAllowed, Ports: DefaultPorts}}
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
			want: "169.254.169.254 is a link-local address",
		},
		"discovery that points at it through NAT64": {
			prepare: func(is *issuer, _ *Web) {
				is.discovery = answer(`{"issuer":"` + is.URL + `","jwks_uri":"https://[64:ff9b::a9fe:a9fe]/keys"}`)
			},
			want: "169.254.169.254 is a link-local address",
		},
		"discovery that points at another port": {
			prepare: func(is *issuer, _ *Web) {
				is.discovery = answer(`{"issuer":"` + is.URL + `","jwks_uri":"https://203.0.113.7:6443/keys"}`)
			},
			want: "port 6443 is not one that keys are fetched from; --issuer-ports names them: 443,8443",
		},
		"discovery that points at somebody's account": {
			prepare: func(is *issuer, _ *Web) {
				is.discovery = answer(`{"issuer":"` + is.URL + `","jwks_uri":"https://u:p@keys.example/"}`)
			},
			want: "want a host, and neither user nor fragment",
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
		"a key for another operation": {
			prepare: func(is *issuer, _ *Web) {
				is.keys = answer(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","key_ops":["encrypt"]}]}`)
			},
			want: "no public signature key",
		},
		"a set whose member is spelt in another case": {
			prepare: func(is *issuer, _ *Web) { is.keys = answer(strings.Replace(publicSet(t), "keys", "Keys", 1)) },
			want:    "its member keys is missing or not a list",
		},
		"keys that are no list": {
			prepare: func(is *issuer, _ *Web) { is.keys = answer(`{"keys":null}`) },
			want:    "its member keys is missing or not a list",
		},
		"a key with which every check takes long": {
			prepare: func(is *issuer, _ *Web) {
				is.keys = answer(encodeSet(t, jose.JSONWebKey{Key: &rsa.PublicKey{N: new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 16384), big.NewInt(1)), E: 65537}}))
			},
			want: "no public signature key",
		},
		"a set larger than all issuers can have a share of": {
			prepare: func(is *issuer, _ *Web) {
				is.keys = answer(encodeSet(t, jose.JSONWebKey{Key: private.Public(), KeyID: strings.Repeat("k", maxSet)}))
			},
			want: "the JWK set is larger than 131072 bytes",
		},
		"more keys than an issuer has": {
			prepare: func(is *issuer, _ *Web) {
				is.keys = answer(encodeSet(t, slices.Repeat([]jose.JSONWebKey{{Key: private.Public()}}, 257)...))
			},
			want: "257 keys, more than 256",
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
	attempt := 0
	cases := map[string]struct {
		prepare func(*issuer)
		want    string
	}{
		"a connection that breaks": {
			prepare: func(is *issuer) {
				is.keys = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
			},
			want: "EOF",
		},
		"an answer with words of the server's own": {
			prepare: func(is *issuer) {
				is.keys = func(w http.ResponseWriter, _ *http.Request) {
					attempt++
					conn, _, err := http.NewResponseController(w).Hijack()
					if err != nil {
						t.Error(err)
						return
					}
					fmt.Fprintf(conn, "HTTP/1.1 503 Attempt %d\r\nContent-Length: 0\r\n\r\n", attempt)
					conn.Close()
				}
			},
			want: "the server answered 503 Service Unavailable",
		},
		"a document for an issuer with a long name": {
			prepare: func(is *issuer) {
				is.discovery = func(w http.ResponseWriter, _ *http.Request) {
					attempt++
					fmt.Fprintf(w, `{"issuer":"https://%s/%d","jwks_uri":"https://x.example"}`, strings.Repeat("x", 1000), attempt)
				}
			},
			want: "it speaks for issuer",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			is := newIssuer(t)
			c.prepare(is)
			source := is.source()
			_, first := source.Fetch(t.Context())
			_, second := source.Fetch(t.Context())
			if first == nil || second == nil || first.Error() != second.Error() || !strings.Contains(first.Error(), c.want) || len(first.Error()) > 600 {
				t.Fatalf("got %q, then %q", first, second)
			}
		})
	}
}

func TestStableErrors(t *testing.T) {
	until := time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
	certificate := &x509.Certificate{NotBefore: until.Add(-time.Hour), NotAfter: until}
	cases := map[string]struct {
		err  error
		want string
	}{
		"a certificate that is over, whatever the time is": {
			x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired, Detail: "current time 2026-06-01T10:00:01Z is after 2026-06-01T10:00:00Z"},
			"the server's certificate is valid from 2026-06-01T09:00:00Z to 2026-06-01T10:00:00Z only",
		},
		"a name server that is silent, whatever our port is": {
			&net.DNSError{Name: "idp.example", Server: "10.0.0.2:53", Err: "read udp 10.0.0.9:34567->10.0.0.2:53: i/o timeout", IsTimeout: true},
			"lookup idp.example: the name server does not answer in time",
		},
		"a name server that is not there": {
			&net.DNSError{Name: "idp.example", Server: "10.0.0.2:53", Err: "read udp 10.0.0.9:34567->10.0.0.2:53: connection refused"},
			"lookup idp.example: the name server does not answer",
		},
		"a name that nobody has": {
			&net.DNSError{Name: "idp.example", Server: "10.0.0.2:53", Err: "no such host", IsNotFound: true}, "lookup idp.example: no such host",
		},
		"a connection, whatever our port is": {
			&net.OpError{
				Op: "read", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 34567}, Addr: &net.TCPAddr{IP: net.IPv4(203, 0, 113, 7), Port: 443},
				Err: syscall.ECONNRESET,
			},
			"read tcp 203.0.113.7:443: connection reset by peer",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := stable(&url.Error{Op: "Get", URL: "https://idp.example", Err: c.err}).Error(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// silent is a server that accepts and then says nothing, or what it says a byte a second.
type silent struct{ drips bool }

func (s silent) RoundTrip(req *http.Request) (*http.Response, error) {
	if s.drips {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(drip{req.Context()})}, nil
	}
	<-req.Context().Done()
	return nil, req.Context().Err()
}

type drip struct{ ctx context.Context }

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	}
}

// THREATS 32
func TestASlowServerHoldsAFetchUpForTenSeconds(t *testing.T) {
	for name, server := range map[string]silent{"silent": {}, "dripping": {drips: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, err := get(t.Context(), &http.Client{Transport: server}, "https://idp.example")
				if took := time.Since(began); took != 10*time.Second || err == nil || err.Error() != "fetching https://idp.example: no whole answer within 10s" {
					t.Errorf("took %s: %v", took, err)
				}
			})
		})
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
	if err != nil || keys.Issuer != "https://cluster.local" || keys.JWKS == "" || keys.MaxAge != time.Minute {
		t.Fatalf("got %+v, %v", keys, err)
	}
	delete(api, "/openid/v1/jwks")
	if _, err := (Cluster{API: &api}).Fetch(t.Context()); err == nil {
		t.Fatal("want an error without keys")
	}
}
