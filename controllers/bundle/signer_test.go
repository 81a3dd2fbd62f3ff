// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
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

func some(key distribution.Key, raw string, revision int64) content {
	digest := bundle.Digest([]byte(raw))
	return content{key: key, raw: []byte(raw), digest: digest, assigned: v1alpha1.BundleStatus{Revision: revision, Digest: digest}}
}

func TestSigning(t *testing.T) {
	s := newSigner(time.Hour)
	start := sign(t, s, now, keyOne, some(first, "a", 1), some(second, "t", 2))
	if got := start[first]; got.Revision != 1 || got.IssuedAt != now.Unix() || got.LeaseUntil != now.Add(time.Hour).Unix() {
		t.Fatalf("signed %+v", got)
	}

	young := sign(t, s, now.Add(19*time.Minute), keyOne, some(first, "a", 1), some(second, "t", 2))
	if young[first] != start[first] {
		t.Errorf("unchanged and young: %+v became %+v", start[first], young[first])
	}

	renewed := sign(t, s, now.Add(20*time.Minute), keyOne, some(first, "a", 1), some(second, "t", 2))[first]
	if renewed.Revision != 1 || renewed.Digest != start[first].Digest || renewed.LeaseUntil != now.Add(80*time.Minute).Unix() {
		t.Errorf("renewed at a third: %+v", renewed)
	}

	later := now.Add(21 * time.Minute)
	changed := sign(t, s, later, keyOne, some(first, "b", 3), some(second, "t", 2))
	if changed[first].Revision != 3 || changed[second].Revision != 2 || changed[second].IssuedAt != renewed.IssuedAt {
		t.Errorf("one changed: %+v", changed)
	}
	if at, ok := s.nextRenewal(); !ok || !at.Equal(now.Add(40*time.Minute)) {
		t.Errorf("next renewal %v", at)
	}

	gone := sign(t, s, later, keyOne)
	if _, held := s.nextRenewal(); len(gone) != 0 || held {
		t.Errorf("something is held of what is gone: %v", gone)
	}
}

// THREATS 39
func TestWhatHasNoRevisionYetIsNotServed(t *testing.T) {
	s := newSigner(time.Hour)
	unnumbered := func(raw string) content {
		c := some(first, raw, 1)
		c.assigned = v1alpha1.BundleStatus{Revision: 1, Digest: bundle.Digest([]byte("a"))}
		return c
	}
	resources, err := s.sign([]content{unnumbered("b")}, keyOne, now)
	if err != nil || len(resources) != 1 || !resources[0].Withheld || resources[0].Artifact.Content != nil {
		t.Fatalf("before anything was served: %+v, %v", resources, err)
	}
	served := sign(t, s, now, keyOne, some(first, "a", 1))[first]
	if got := sign(t, s, now.Add(30*time.Minute), keyOne, unnumbered("b"))[first]; got != served {
		t.Errorf("instead of the one before stands %+v, want %+v without a longer lease", got, served)
	}
	if at, ok := s.nextRenewal(); ok {
		t.Errorf("a lease is to be renewed at %s, of something that is no longer so", at)
	}
}

func TestAnotherKeySignsEverythingAgain(t *testing.T) {
	s := newSigner(time.Hour)
	start := sign(t, s, now, keyOne, some(first, "a", 1))[first]
	again := sign(t, s, now.Add(time.Second), keyTwo, some(first, "a", 1))[first]
	if again.Revision != start.Revision || again.IssuedAt == start.IssuedAt {
		t.Errorf("got %+v after %+v", again, start)
	}
}
