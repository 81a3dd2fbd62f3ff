// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
)

var (
	now    = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
	keyOne = ed25519.NewKeyFromSeed([]byte(strings.Repeat("1", ed25519.SeedSize)))
	keyTwo = ed25519.NewKeyFromSeed([]byte(strings.Repeat("2", ed25519.SeedSize)))
	first  = distribution.Key{Kind: bundle.KindPolicy, Name: "support/tickets"}
	second = distribution.Key{Kind: bundle.KindTrust, Name: bundle.TrustName}
)

func sign(t *testing.T, s *signer, at time.Time, key ed25519.PrivateKey, contents ...content) map[distribution.Key]bundle.Statement {
	t.Helper()
	resources, err := s.sign(contents, key, at)
	if err != nil {
		t.Fatal(err)
	}
	public, _ := key.Public().(ed25519.PublicKey)
	out := map[distribution.Key]bundle.Statement{}
	for _, r := range resources {
		opened, err := bundle.NewVerifier(public).Open(r.Artifact)
		if err != nil {
			t.Fatal(err)
		}
		if opened != r.Statement {
			t.Fatalf("signed %+v, said %+v", opened, r.Statement)
		}
		out[distribution.Key{Kind: r.Statement.Kind, Name: r.Statement.Name}] = r.Statement
	}
	return out
}

func some(key distribution.Key, raw string) content {
	return content{key: key, raw: []byte(raw), digest: bundle.Digest([]byte(raw))}
}

func TestRevisionsOnlyGrow(t *testing.T) { // THREATS 33, 39
	millis := now.UnixMilli()
	cases := map[string]struct {
		last, published int64
		want            int64
	}{
		"nothing is remembered: the time in milliseconds":              {want: millis},
		"the status remembers less than the time":                      {published: 7, want: millis},
		"the status remembers more: the clock was ahead, or is behind": {published: millis + 5000, want: millis + 5001},
		"this process remembers more":                                  {last: millis + 9000, published: millis + 5000, want: millis + 9001},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newSigner(time.Hour)
			if c.last > 0 {
				s.last[first] = c.last
			}
			a := some(first, "a")
			a.published = c.published
			got := sign(t, s, now, keyOne, a)[first]
			if got.Revision != c.want {
				t.Errorf("revision %d, want %d", got.Revision, c.want)
			}
		})
	}
}

func TestSigning(t *testing.T) {
	s := newSigner(time.Hour)
	start := sign(t, s, now, keyOne, some(first, "a"), some(second, "t"))
	if got := start[first]; got.IssuedAt != now.Unix() || got.LeaseUntil != now.Add(time.Hour).Unix() {
		t.Fatalf("lease %+v", got)
	}

	young := sign(t, s, now.Add(19*time.Minute), keyOne, some(first, "a"), some(second, "t"))
	if young[first] != start[first] {
		t.Errorf("unchanged and young: %+v became %+v", start[first], young[first])
	}

	renewed := sign(t, s, now.Add(20*time.Minute), keyOne, some(first, "a"), some(second, "t"))[first]
	if renewed.Revision != start[first].Revision || renewed.Digest != start[first].Digest || renewed.LeaseUntil != now.Add(80*time.Minute).Unix() {
		t.Errorf("renewed at a third: %+v", renewed)
	}

	later := now.Add(21 * time.Minute)
	changed := sign(t, s, later, keyOne, some(first, "b"), some(second, "t"))
	if changed[first].Revision != later.UnixMilli() || changed[second] != (bundle.Statement{
		Kind: bundle.KindTrust, Name: "trust", Revision: now.UnixMilli(), Digest: bundle.Digest([]byte("t")),
		IssuedAt: renewed.IssuedAt, LeaseUntil: renewed.LeaseUntil,
	}) {
		t.Errorf("one changed: %+v", changed)
	}

	back := sign(t, s, later, keyOne, some(first, "a"))
	if back[first].Revision != later.UnixMilli()+1 {
		t.Errorf("changed back within a millisecond: revision %d", back[first].Revision)
	}
	if at, ok := s.nextRenewal(); !ok || !at.Equal(later.Add(20*time.Minute)) {
		t.Errorf("next renewal %v", at)
	}

	gone := sign(t, s, later, keyOne)
	if _, held := s.nextRenewal(); len(gone) != 0 || held {
		t.Errorf("something is held of what is gone: %v", gone)
	}
	anew := sign(t, s, later.Add(-time.Hour), keyOne, some(first, "a"))
	if anew[first].Revision != later.UnixMilli()+2 {
		t.Errorf("made anew while the clock is behind: revision %d", anew[first].Revision)
	}
}

func TestAnotherKeySignsEverythingAgain(t *testing.T) {
	s := newSigner(time.Hour)
	start := sign(t, s, now, keyOne, some(first, "a"))[first]
	again := sign(t, s, now.Add(time.Second), keyTwo, some(first, "a"))[first]
	if again.Revision != start.Revision || again.IssuedAt == start.IssuedAt {
		t.Errorf("got %+v after %+v", again, start)
	}
}
