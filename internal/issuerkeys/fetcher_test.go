// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-logr/logr"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted answers as the test last said, and takes down when it was asked.
type scripted struct {
	keys Keys

	mu    sync.Mutex
	err   error
	times []time.Time
}

func (s *scripted) Fetch(context.Context) (Keys, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times = append(s.times, time.Now())
	return s.keys, s.err
}

func (s *scripted) fails(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *scripted) gives(keys Keys) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

func (s *scripted) asked() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.times)
}

// run starts a fetcher within a bubble of fake time and ends it with the test.
func run(t *testing.T, sources map[string]Source) (*Fetcher, *atomic.Int32) {
	t.Helper()
	changes := new(atomic.Int32)
	f := NewFetcher(Options{Log: logr.Discard(), OnChange: func() { changes.Add(1) }})
	begin(t, f, sources)
	return f, changes
}

// begin starts a fetcher that wants the sources.
func begin(t *testing.T, f *Fetcher, sources map[string]Source) {
	t.Helper()
	f.Want(sources)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- f.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
}

// pass lets fake time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestKeysAreFetchedAgainWithinBounds(t *testing.T) {
	cases := map[string]struct {
		maxAge time.Duration
		want   time.Duration
	}{
		"as the server says":                      {maxAge: 7 * time.Minute, want: 7 * time.Minute},
		"not more often than once a minute":       {maxAge: time.Second, want: time.Minute},
		"at least once an hour":                   {maxAge: 1000 * time.Hour, want: time.Hour},
		"every ten minutes where nothing is said": {maxAge: 0, want: 10 * time.Minute},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &scripted{keys: Keys{JWKS: "k", MaxAge: c.maxAge}}
				_, changes := run(t, map[string]Source{"corp": source})
				pass(c.want + time.Millisecond)
				asked := source.asked()
				if len(asked) != 2 || asked[1].Sub(asked[0]) != c.want {
					t.Fatalf("asked at %v, want twice, %v apart", asked, c.want)
				}
				if changes.Load() != 1 {
					t.Fatalf("told of %d changes, want one: the keys stayed the same", changes.Load())
				}
			})
		})
	}
}

func TestLastGoodKeysServeUntilTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &scripted{keys: Keys{JWKS: "good", MaxAge: time.Minute}}
		f, _ := run(t, map[string]Source{"corp": source})
		source.fails(errors.New("connection refused"))

		pass(23 * time.Hour)
		if s := f.States()["corp"]; !s.Known() || s.Err == nil {
			t.Fatalf("after 23 hours: %+v, want the last good keys and the error", s)
		}
		pass(time.Hour + time.Minute)
		if s := f.States()["corp"]; s.Known() {
			t.Fatalf("after 24 hours: %+v, want no keys", s)
		}
		source.fails(nil)
		pass(time.Minute)
		if s := f.States()["corp"]; !s.Known() || s.Err != nil {
			t.Fatalf("after the issuer is back: %+v", s)
		}
	})
}

// What the issuer itself takes back is not served on as its last good keys. THREATS 14
func TestKeysThatTheIssuerWithdrawsAreBelievedNoLonger(t *testing.T) {
	good := publicSet(t)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		answer string
		serves bool
	}{
		"a set without keys":                     {answer: `{"keys":[]}`},
		"a set of encryption keys":               {answer: strings.Replace(good, `"sig"`, `"enc"`, 1)},
		"a set with a private key":               {answer: encodeSet(t, jose.JSONWebKey{Key: private})},
		"no set: the server is out of its mind":  {answer: `{"error":"maintenance"}`, serves: true},
		"no JSON: something else answers for it": {answer: "<html>", serves: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			set, err := normalize([]byte(good))
			state := after(State{}, Keys{JWKS: set}, err, time.Unix(0, 0), time.Hour)
			_, err = normalize([]byte(c.answer))
			if state = after(state, Keys{}, err, time.Unix(60, 0), time.Hour); err == nil || state.Known() != c.serves || state.Err == nil {
				t.Errorf("after %v the keys serve: %v", err, state.Known())
			}
		})
	}
}

// A key that an issuer has rotated out is gone with the next fetch. THREATS 14
func TestAKeyThatIsRotatedOutIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &scripted{keys: Keys{JWKS: "old and new", MaxAge: time.Minute}}
		f, changes := run(t, map[string]Source{"corp": source})
		began := f.States()["corp"]
		pass(2 * time.Minute)
		if s := f.States()["corp"]; !s.Since.Equal(began.Since) || !s.FetchedAt.After(began.FetchedAt) {
			t.Errorf("the same keys: %+v after %+v", s, began)
		}
		source.gives(Keys{JWKS: "new", MaxAge: time.Minute})
		pass(time.Minute)
		if s := f.States()["corp"]; s.Keys.JWKS != "new" || !s.Since.Equal(s.FetchedAt) || changes.Load() != 2 {
			t.Errorf("got %+v after %d changes", s, changes.Load())
		}
	})
}

// Keys are asked for again before they are older than they may be.
func TestKeysAreNeverOlderThanTheStatedAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &scripted{keys: Keys{JWKS: "k", MaxAge: time.Hour}}
		f := NewFetcher(Options{MaxAge: 2 * time.Minute, Log: logr.Discard()})
		begin(t, f, map[string]Source{"corp": source})
		pass(2*time.Minute + time.Millisecond)
		if asked := source.asked(); len(asked) != 2 {
			t.Errorf("asked at %v", asked)
		}
		source.fails(errors.New("connection refused"))
		pass(2 * time.Minute)
		if s := f.States()["corp"]; s.Known() {
			t.Errorf("after %s: %+v", time.Since(s.FetchedAt), s)
		}
	})
}

// However often it is said what is wanted, nothing is fetched for it. THREATS 14
func TestWantingTheSameAgainFetchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &scripted{keys: Keys{JWKS: "k"}}
		f, _ := run(t, map[string]Source{"corp": source})
		for range 1000 {
			f.Want(map[string]Source{"corp": source})
		}
		synctest.Wait()
		if n := len(source.asked()); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestFailedFetchIsRetriedWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &scripted{err: errors.New("connection refused")}
		f, changes := run(t, map[string]Source{"corp": source})
		pass(10 * time.Minute)
		if n := len(source.asked()); n < 12 || n > 25 {
			t.Fatalf("asked %d times in ten minutes, want a retry every minute after a quick start", n)
		}
		if changes.Load() != 1 {
			t.Fatalf("told of %d changes, want one: the error stayed the same", changes.Load())
		}
		if s := f.States()["corp"]; !s.Attempted || s.Known() {
			t.Fatalf("got %+v", s)
		}
	})
}

func TestKeysOfAChangedOrUnwantedSourceAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := &scripted{keys: Keys{JWKS: "old"}}
		f, _ := run(t, map[string]Source{"corp": first, "gone": &scripted{keys: Keys{JWKS: "gone"}}})
		second := &scripted{err: errors.New("connection refused")}
		f.Want(map[string]Source{"corp": second})
		synctest.Wait()
		states := f.States()
		if len(states) != 1 || states["corp"].Known() {
			t.Fatalf("got %+v, want corp alone and without keys (THREATS 14)", states)
		}
	})
}

func TestMaxAge(t *testing.T) {
	cases := map[string]time.Duration{
		"":                             0,
		"max-age=60":                   time.Minute,
		`Public, Max-Age="60"`:         time.Minute,
		"max-age=0":                    time.Nanosecond,
		"max-age=3600, no-cache":       time.Nanosecond,
		"max-age=3600, max-age=60":     time.Minute,
		"no-cache":                     time.Nanosecond,
		"no-store, max-age=60":         time.Nanosecond,
		"max-age=-5":                   0,
		"max-age=99999999999999999999": 0,
		"max-age":                      0,
		"s-maxage=60":                  0,
	}
	for header, want := range cases {
		if got := maxAge(http.Header{"Cache-Control": {header}}); got != want {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
	for age, want := range map[string]time.Duration{"50": 10 * time.Second, "60": time.Nanosecond, "99999": time.Nanosecond, "old": time.Minute} {
		if got := maxAge(http.Header{"Cache-Control": {"max-age=60"}, "Age": {age}}); got != want {
			t.Errorf("of age %q: got %v, want %v", age, got, want)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{
		`{"keys":[]}`, `{"keys":[null]}`, `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"","y":""}]}`,
		`{"keys":[{"kty":"oct","k":""}]}`, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`, `[]`, `{"keys":{"a":1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, err := normalize(raw)
		if err != nil {
			return
		}
		again, err := normalize([]byte(out))
		if err != nil || again != out {
			t.Fatalf("%s became %s, %v", out, again, err)
		}
	})
}
