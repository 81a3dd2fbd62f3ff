// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// graceful is how long a replica that no leader hears goes on serving those of whom one has heard. A leader is followed
	// within less.
	graceful = 30 * time.Second
	// Unheard is how long after a leader has heard a replica last, or began to lead without hearing it, that replica may serve
	// still (ADR 0022): 30 s until it notices that its stream is dead, 8 s until it has read who leads, graceful, and lookEvery.
	Unheard = 75 * time.Second
	// lookEvery is how often a stream is looked after.
	lookEvery = 5 * time.Second
)

// counting is what this replica knows of being counted: whether whoever says what is enforced has heard of those that it
// serves. An authorizer that it has not heard of gets nothing to decide by.
type counting struct {
	clock Clock

	mu sync.Mutex
	// upTo is the turn of the roll up to which some leader has heard of who came.
	upTo uint64
	// by is the stream over which the leader says so; nil while there is none, which is so since then.
	by    *Hearing
	since time.Time
	// number is that of the latest dispatch which asks to be answered, and told are those that were not.
	number uint64
	told   []mark
	// quit says that this replica is about to end.
	quit bool

	// led says that this replica leads, and expected are those that may serve under the leader before it and were not heard
	// since, each with when it serves no longer.
	led      bool
	expected map[string]time.Time
}

// mark is a dispatch, and the turn of the roll that it tells.
type mark struct{ number, turn uint64 }

// leads says whether it is this replica that counts.
func (s *Server) leads() bool { return s.options.Leads == nil || s.options.Leads() }

// counts says whether a session may be given what an authorizer decides by. This is the one place where that is judged.
func (s *Server) counts(session *session) bool {
	if s.leads() {
		return !s.counting.quits()
	}
	return s.counting.heardOf(session.turn, s.options.StandsIn != nil && s.options.StandsIn())
}

func (c *counting) quits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quit
}

func (c *counting) heardOf(turn uint64, regardless bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return (regardless || turn <= c.upTo) && !c.quit && !c.cut()
}

// cut says that no leader hears this replica for so long that it is to serve nobody. The lock is held.
func (c *counting) cut() bool { return c.by == nil && c.clock.Now().Sub(c.since) >= graceful }

// Counted says why authorizers are to be connected to another replica; nil where nothing speaks against this one.
func (s *Server) Counted() error {
	leads, c := s.leads(), &s.counting
	c.mu.Lock()
	defer c.mu.Unlock()
	if leads {
		c.since = c.clock.Now()
	}
	if !c.cut() {
		return nil
	}
	return status.Errorf(codes.Unavailable, "no leading replica has heard of this one's authorizers since %s, so they would be missing where it is said "+
		"what is enforced: connect to another replica, and see this one's /readyz", c.since.UTC().Format(time.RFC3339))
}

// Quit has nothing served any more: the process is about to end, and says so to the leader.
func (s *Server) Quit() {
	s.counting.mu.Lock()
	defer s.counting.mu.Unlock()
	s.counting.quit = true
}

// tell numbers a dispatch that tells the roll as of a turn.
func (c *counting) tell(turn uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number++
	c.told = append(c.told, mark{c.number, turn})
	return c.number
}

// answered takes that a leader has heard the dispatch of that number, and those before it.
func (c *counting) answered(by *Hearing, number uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if number > c.number {
		return fmt.Errorf("answer to dispatch %d of %d: %w", number, c.number, errUnbelievable)
	}
	c.by = by
	c.told = slices.DeleteFunc(c.told, func(m mark) bool {
		if m.number > number {
			return false
		}
		c.upTo = max(c.upTo, m.turn)
		return true
	})
	return nil
}

// silenced notes that a stream has ended. What was told over it and not answered may never have arrived.
func (c *counting) silenced(by *Hearing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == by {
		c.by, c.since = nil, c.clock.Now()
		c.told = nil
	}
}

// lead notes that this replica leads, and which others may serve.
func (c *counting) lead(expected []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.led = true
	for _, replica := range expected {
		c.expected[replica] = c.clock.Now().Add(Unheard)
	}
}

// heard notes that all was heard that a replica has to tell.
func (c *counting) heard(replica string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.expected, replica)
}

// Led says whether this replica knows which others there may be, as one that leads.
func (s *Server) Led() bool {
	s.counting.mu.Lock()
	defer s.counting.mu.Unlock()
	return s.counting.led
}

// Awaited are the replicas that may serve authorizers and were not heard since this one leads, sorted.
func (s *Server) Awaited() []string {
	c := &s.counting
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	for replica, until := range c.expected {
		if !now.Before(until) {
			delete(c.expected, replica)
		}
	}
	return sortedKeys(c.expected)
}

// Silent says that this replica is the one to say what is enforced, and cannot: some replica may serve authorizers that it has
// not heard of, or it may be the leader no longer. This is the one place where that is judged.
func (s *Server) Silent() bool {
	if s.options.Leads == nil {
		return false
	}
	if s.Led() {
		return !s.options.Leads() || len(s.Awaited()) > 0
	}
	return s.options.Leads()
}
