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

// signer gives contents their lease and signature under the revision that they have, and remembers them.
type signer struct {
	lease time.Duration
	// held is what was signed last, and by which key.
	held map[distribution.Key]distribution.Resource
	key  ed25519.PrivateKey
	// current is what is held and still is what the register and the compiler say, so that its lease may be renewed.
	current map[distribution.Key]bool
}

func newSigner(lease time.Duration) *signer {
	return &signer{lease: lease, held: map[distribution.Key]distribution.Resource{}}
}

// sign gives the whole set. What did not change keeps its signature as long as its lease is young; what has no revision yet
// stays as it was, without a longer lease, or is withheld; what is no longer there is forgotten.
func (s *signer) sign(contents []content, key ed25519.PrivateKey, now time.Time) ([]distribution.Resource, error) {
	held := make(map[distribution.Key]distribution.Resource, len(contents))
	current := make(map[distribution.Key]bool, len(contents))
	resources := make([]distribution.Resource, 0, len(contents))
	for i := range contents {
		c := &contents[i]
		if c.gone {
			continue
		}
		resource, signed := s.held[c.key]
		switch {
		case c.agreed():
			var err error
			if resource, err = s.signOne(c, key, now); err != nil {
				return nil, err
			}
			signed, current[c.key] = true, true
		case !signed:
			resource = distribution.Resource{Statement: bundle.Statement{Kind: c.key.Kind, Name: c.key.Name}, Withheld: true}
		}
		resource.Authorizers = c.form.authorizers
		if signed {
			held[c.key] = resource
		}
		resources = append(resources, resource)
	}
	s.held, s.current, s.key = held, current, key
	return resources, nil
}

func (s *signer) signOne(c *content, key ed25519.PrivateKey, now time.Time) (distribution.Resource, error) {
	old, held := s.held[c.key]
	same := held && old.Statement.Digest == c.digest && old.Statement.Revision == c.assigned.Revision
	if same && bytes.Equal(s.key, key) && now.Before(s.renewal(old.Statement)) {
		return old, nil
	}
	statement := bundle.Statement{
		Kind: c.key.Kind, Name: c.key.Name, Digest: c.digest,
		Revision: c.assigned.Revision, IssuedAt: now.Unix(), LeaseUntil: now.Add(s.lease).Unix(),
	}
	envelope, err := bundle.Sign(statement, key)
	if err != nil {
		return distribution.Resource{}, err
	}
	return distribution.Resource{Statement: statement, Artifact: bundle.Artifact{Envelope: envelope, Content: c.raw}}, nil
}

// renewal is when a lease is renewed: at a third, so that two attempts may fail.
func (s *signer) renewal(statement bundle.Statement) time.Time {
	return time.Unix(statement.IssuedAt, 0).Add(s.lease / 3)
}

// nextRenewal is the earliest of all; false where nothing is to be renewed.
func (s *signer) nextRenewal() (earliest time.Time, ok bool) {
	for key := range s.current {
		if at := s.renewal(s.held[key].Statement); !ok || at.Before(earliest) {
			earliest, ok = at, true
		}
	}
	return earliest, ok
}
