// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"behalf.dev/behalf/internal/bundle"
)

// Freshness says whether content may still be served.
type Freshness string

// The states of freshness.
const (
	// Fresh: the lease runs.
	Fresh Freshness = "Fresh"
	// Degraded: the lease has ended and the resource server lets it be served for a while longer.
	Degraded Freshness = "Degraded"
	// Expired: every decision that needs it denies.
	Expired Freshness = "Expired"
	// Absent: it was never taken; only a refusal is known.
	Absent Freshness = "Absent"
)

// State is what is known of one content.
type State struct {
	Kind bundle.Kind
	Name string
	// Statement under which it is held; zero where Absent.
	Statement bundle.Statement
	Freshness Freshness
	// Refused is why the last change of it was refused; empty where it was taken. RefusedAt says when.
	Refused   string
	RefusedAt time.Time
}

// States gives the state of everything that is held or was refused, sorted by kind and name.
func (s *Store) States() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := map[key]State{}
	now := s.clock()
	for k, c := range s.held {
		known[k] = State{Kind: k.kind, Name: k.name, Statement: c.statement, Freshness: c.freshness(now)}
	}
	for k, r := range s.refused {
		state, ok := known[k]
		if !ok {
			state = State{Kind: k.kind, Name: k.name, Freshness: Absent}
		}
		state.Refused, state.RefusedAt = r.message, r.at
		known[k] = state
	}
	keys := slices.SortedFunc(maps.Keys(known), compareKeys)
	states := make([]State, len(keys))
	for i, k := range keys {
		states[i] = known[k]
	}
	return states
}

func (c *content) freshness(now time.Time) Freshness {
	end := c.statement.Lease()
	switch {
	case !now.After(end):
		return Fresh
	case !now.After(end.Add(time.Duration(c.maxStaleSeconds) * time.Second)):
		return Degraded
	default:
		return Expired
	}
}

// Held gives the statements of all that is enforced, sorted by kind and name.
func (s *Store) Held() []bundle.Statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	statements := make([]bundle.Statement, 0, len(s.held))
	for _, k := range slices.SortedFunc(maps.Keys(s.held), compareKeys) {
		statements = append(statements, s.held[k].statement)
	}
	return statements
}

// Refusals counts the changes that were refused, by reason.
func (s *Store) Refusals() map[Refusal]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.refusals)
}

// Ready is nil once trust and revocations are held and fresh. A resource server's bundle that has expired denies for that
// resource server alone, so it does not take the authorizer out of service: States tells.
func (s *Store) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(
		s.fresh(key{bundle.KindTrust, bundle.TrustName}),
		s.fresh(key{bundle.KindRevocations, bundle.RevocationsName}),
	)
}

func (s *Store) fresh(k key) error {
	c := s.held[k]
	if c == nil {
		return fmt.Errorf("no %s bundle has come yet: is the manager reachable, and may this authorizer see any resource server?", k.kind)
	}
	if c.freshness(s.clock()) == Expired {
		return fmt.Errorf("the lease of the %s bundle ended at %s: everything is denied until the manager renews it",
			k.kind, c.statement.Lease().UTC().Format(time.RFC3339))
	}
	return nil
}
