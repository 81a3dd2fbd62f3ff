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
	// Degraded: the lease has ended, and the resource server lets it be served for a while longer; of trust and revocations,
	// some resource server does, and requests to others are denied.
	Degraded Freshness = "Degraded"
	// Expired: every decision that needs it denies.
	Expired Freshness = "Expired"
	// Absent: it was never taken; only a refusal is known.
	Absent Freshness = "Absent"
)

// Freshnesses lists every state of freshness.
func Freshnesses() []Freshness { return []Freshness{Fresh, Degraded, Expired, Absent} }

// State is what is known of one content.
type State struct {
	// Kind is empty and Name that of a file where nothing tells what the file belongs to.
	Kind bundle.Kind
	Name string
	// Statement under which it is held; zero where Absent.
	Statement bundle.Statement
	Freshness Freshness
	// Refused is why the last change of it was refused, and Reason the same in a word; empty where it was taken. RefusedAt
	// says when.
	Reason    Refusal
	Refused   string
	RefusedAt time.Time
	// Stored says that what was refused lay in the state folder, and nobody sent it.
	Stored bool
}

// States gives the state of everything that is held or was refused, sorted by kind and name.
func (s *Store) States() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := map[key]State{}
	now := s.clock()
	for k, c := range s.held {
		known[k] = State{Kind: k.kind, Name: k.name, Statement: c.statement, Freshness: s.freshness(c, now)}
	}
	for k, r := range s.refused {
		state, ok := known[k]
		if !ok {
			state = State{Kind: k.kind, Name: k.name, Freshness: Absent}
		}
		state.Reason, state.Refused, state.RefusedAt, state.Stored = r.reason, r.message, r.at, r.stored
		known[k] = state
	}
	keys := slices.SortedFunc(maps.Keys(known), compareKeys)
	states := make([]State, len(keys))
	for i, k := range keys {
		states[i] = known[k]
	}
	return states
}

// freshness is judged with s.mu held.
func (s *Store) freshness(c *content, now time.Time) Freshness {
	end := c.statement.Lease()
	switch {
	case !now.After(end):
		return Fresh
	case !now.After(end.Add(time.Duration(s.allowance(c)) * time.Second)):
		return Degraded
	default:
		return Expired
	}
}

// allowance is for how many seconds after its lease a content may be served. That of a resource server covers the trust and
// the revocations that its decisions rest on too.
func (s *Store) allowance(c *content) int32 {
	most := c.maxStaleSeconds
	if c.policy != nil {
		return most
	}
	for _, other := range s.held {
		most = max(most, other.maxStaleSeconds)
	}
	return most
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

// Found counts those of the Refusals that concerned what lay in the state folder.
func (s *Store) Found() map[Refusal]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.found)
}

// Ready is nil once trust and revocations are held and have not expired. A resource server's bundle that has expired denies
// for that resource server alone, so it does not take the authorizer out of service: States tells.
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
	if s.freshness(c, s.clock()) == Expired {
		return fmt.Errorf("the lease of the %s bundle ended at %s: everything is denied until the manager renews it",
			k.kind, c.statement.Lease().UTC().Format(time.RFC3339))
	}
	return nil
}
