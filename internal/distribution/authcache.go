// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// rememberFor is the longest that a review is believed.
	rememberFor = time.Minute
	// expiryMargin ends the memory of a token before the token ends.
	expiryMargin = 10 * time.Second
	// maxRemembered bounds the memory.
	maxRemembered = 4096
)

// Remembering is an Authenticator that asks another one at most once a minute for the same token. Only tokens that were
// found good are remembered, by their hash.
type Remembering struct {
	ask   Authenticator
	clock Clock

	mu   sync.Mutex
	seen map[[sha256.Size]byte]reviewed
}

type reviewed struct {
	identity Identity
	until    time.Time
}

// Remember puts a memory before an Authenticator.
func Remember(ask Authenticator, clock Clock) *Remembering {
	return &Remembering{ask: ask, clock: clock, seen: map[[sha256.Size]byte]reviewed{}}
}

// Authenticate gives what the other Authenticator said, if that was not long ago, or asks it.
func (r *Remembering) Authenticate(ctx context.Context, token string) (Identity, error) {
	hash := sha256.Sum256([]byte(token))
	if identity, ok := r.recall(hash); ok {
		return identity, nil
	}
	identity, err := r.ask.Authenticate(ctx, token)
	if err != nil {
		return Identity{}, err
	}
	r.keep(hash, identity)
	return identity, nil
}

func (r *Remembering) recall(hash [sha256.Size]byte) (Identity, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.seen[hash]
	if !ok || !r.clock.Now().Before(found.until) {
		delete(r.seen, hash)
		return Identity{}, false
	}
	return found.identity, true
}

func (r *Remembering) keep(hash [sha256.Size]byte, identity Identity) {
	now := r.clock.Now()
	until := now.Add(rememberFor)
	if end := identity.Expires.Add(-expiryMargin); !identity.Expires.IsZero() && end.Before(until) {
		until = end
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seen) >= maxRemembered {
		r.forget(now)
	}
	r.seen[hash] = reviewed{identity: identity, until: until}
}

// forget drops what has lapsed, and everything where that frees nothing: it costs a review each, no more.
func (r *Remembering) forget(now time.Time) {
	for hash, found := range r.seen {
		if !now.Before(found.until) {
			delete(r.seen, hash)
		}
	}
	if len(r.seen) >= maxRemembered {
		clear(r.seen)
	}
}
