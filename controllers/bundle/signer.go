// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto/ed25519"
	"time"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
)

// signer gives contents their revision, lease and signature, and remembers them.
type signer struct {
	lease time.Duration
	// held is what was signed last, and by which key.
	held map[distribution.Key]distribution.Resource
	key  ed25519.PrivateKey
	// last outlives what it speaks of, so that a resource server made anew under an old name goes on counting.
	last map[distribution.Key]int64
}

func newSigner(lease time.Duration) *signer {
	return &signer{
		lease: lease,
		held:  map[distribution.Key]distribution.Resource{},
		last:  map[distribution.Key]int64{},
	}
}

// sign gives the whole set. What did not change keeps its revision, and its signature too as long as its lease is young;
// what is no longer there is forgotten.
func (s *signer) sign(contents []content, key ed25519.PrivateKey, now time.Time) ([]distribution.Resource, error) {
	held := make(map[distribution.Key]distribution.Resource, len(contents))
	resources := make([]distribution.Resource, 0, len(contents))
	for _, c := range contents {
		resource, err := s.signOne(c, key, now)
		if err != nil {
			return nil, err
		}
		resource.Authorizers = c.authorizers
		held[c.key] = resource
		resources = append(resources, resource)
	}
	s.held, s.key = held, key
	return resources, nil
}

func (s *signer) signOne(c content, key ed25519.PrivateKey, now time.Time) (distribution.Resource, error) {
	old, held := s.held[c.key]
	same := held && old.Statement.Digest == c.digest
	if same && bytes.Equal(s.key, key) && now.Before(s.renewal(old.Statement)) {
		return old, nil
	}
	statement := bundle.Statement{
		Kind: c.key.Kind, Name: c.key.Name, Digest: c.digest,
		Revision: old.Statement.Revision, IssuedAt: now.Unix(), LeaseUntil: now.Add(s.lease).Unix(),
	}
	if !same {
		statement.Revision = s.nextRevision(c, now)
	}
	envelope, err := bundle.Sign(statement, key)
	if err != nil {
		return distribution.Resource{}, err
	}
	s.last[c.key] = statement.Revision
	return distribution.Resource{Statement: statement, Artifact: bundle.Artifact{Envelope: envelope, Content: c.raw}}, nil
}

// nextRevision is beyond all that is remembered, and never below the time in milliseconds: that keeps it growing where
// nothing is remembered, after a restart, for an object made anew and on an API server restored from an old copy.
func (s *signer) nextRevision(c content, now time.Time) int64 {
	return max(s.last[c.key]+1, c.published+1, now.UnixMilli())
}

// renewal is when a lease is renewed: at a third, so that two attempts may fail.
func (s *signer) renewal(statement bundle.Statement) time.Time {
	return time.Unix(statement.IssuedAt, 0).Add(s.lease / 3)
}

// nextRenewal is the earliest of all; false where nothing is held.
func (s *signer) nextRenewal() (earliest time.Time, ok bool) {
	for _, r := range s.held {
		if at := s.renewal(r.Statement); !ok || at.Before(earliest) {
			earliest, ok = at, true
		}
	}
	return earliest, ok
}
