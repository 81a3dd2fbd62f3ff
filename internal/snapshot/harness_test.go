// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot_test

import (
	"crypto/ed25519"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/snapshot"
)

var (
	ours   = ed25519.NewKeyFromSeed([]byte("our seed is of thirty-two bytes."))
	theirs = ed25519.NewKeyFromSeed([]byte("their seed: of thirty-two bytes."))
)

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

// begin is when tests begin; leases of what they sign end 15 minutes later.
var begin = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

const lease = 15 * time.Minute

type clock struct{ now atomic.Pointer[time.Time] }

func (c *clock) Now() time.Time { return *c.now.Load() }

func (c *clock) set(t time.Time) { c.now.Store(&t) }

func newStore() (*snapshot.Store, *clock) {
	c := &clock{}
	c.set(begin)
	return snapshot.New(bundle.NewVerifier(publicOf(ours)), c.Now), c
}

// policy is a bundle of the resource server support/NAME.
func policy(name, audience string, hosts ...string) *bundle.Policy {
	return &bundle.Policy{
		Format:         bundle.Format,
		ResourceServer: authz.ObjectRef{Kind: "ResourceServer", Namespace: "support", Name: name},
		Audience:       audience,
		Hosts:          hosts,
		Scopes:         []bundle.Scope{{Name: "tickets:read"}},
	}
}

func tickets(audience string) *bundle.Policy { return policy("tickets", audience, "tickets.example") }

func trust() *bundle.Trust { return &bundle.Trust{Format: bundle.Format} }

// trusting is a trust bundle of issuers without keys: their people can be vouched for.
func trusting(issuers ...string) *bundle.Trust {
	all := trust()
	for _, name := range issuers {
		all.Issuers = append(all.Issuers, bundle.Issuer{
			Name: name, URL: "https://" + name + ".example", Audiences: []string{"behalf"}, Algorithms: []string{"ES256"},
			JWKS: `{"keys":[]}`, Unbounded: true,
		})
	}
	return all
}

func revocations() *bundle.Revocations { return &bundle.Revocations{Format: bundle.Format} }

func encode[T bundle.Content](content *T) []byte {
	raw, err := bundle.Encode(content)
	if err != nil {
		panic(err)
	}
	return raw
}

func statementFor(kind bundle.Kind, name string, revision int64, content []byte) bundle.Statement {
	return bundle.Statement{
		Kind: kind, Name: name, Revision: revision, Digest: bundle.Digest(content),
		IssuedAt: begin.Unix(), LeaseUntil: begin.Add(lease).Unix(),
	}
}

func sign(s bundle.Statement, key ed25519.PrivateKey) []byte {
	envelope, err := bundle.Sign(s, key)
	if err != nil {
		panic(err)
	}
	return envelope
}

// artifact signs content under support/NAME with our key.
func artifact(name string, revision int64, p *bundle.Policy) bundle.Artifact {
	raw := encode(p)
	return bundle.Artifact{Envelope: sign(statementFor(bundle.KindPolicy, "support/"+name, revision, raw), ours), Content: raw}
}

func singleton(kind bundle.Kind, name string, revision int64, raw []byte) bundle.Artifact {
	return bundle.Artifact{Envelope: sign(statementFor(kind, name, revision, raw), ours), Content: raw}
}

func mustApply(tb testing.TB, s *snapshot.Store, a bundle.Artifact) {
	tb.Helper()
	if err := s.Apply(a); err != nil {
		tb.Fatal(err)
	}
}

func put(name string, a bundle.Artifact) bundle.Change {
	return bundle.Change{Operation: bundle.Put, Kind: bundle.KindPolicy, Name: "support/" + name, Artifact: a}
}

func reasonOf(tb testing.TB, err error) snapshot.Refusal {
	tb.Helper()
	var refused *snapshot.Refused
	if !errors.As(err, &refused) {
		tb.Fatalf("error %v is no refusal", err)
	}
	return refused.Reason
}

// audienceOf is what the store enforces for a host.
func audienceOf(s *snapshot.Store, host string) string {
	audience, _ := s.Current().Audience(host)
	return audience
}
