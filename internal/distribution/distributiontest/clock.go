// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distributiontest

import (
	"sync"
	"time"
)

// Clock is a distribution.Clock that moves when it is told to.
type Clock struct {
	mu      sync.Mutex
	now     time.Time
	waiting []alarm
}

type alarm struct {
	at time.Time
	c  chan time.Time
}

// NewClock makes a clock that stands at ten o'clock, UTC, of 1 June 2026.
func NewClock() *Clock { return ClockAt(time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)) }

// ClockAt makes a clock that stands at a time.
func ClockAt(now time.Time) *Clock { return &Clock{now: now} }

// Now is where it stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After sends when the clock is moved to that time or beyond it, and never before it is moved.
func (c *Clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	c.waiting = append(c.waiting, alarm{c.now.Add(d), ch})
	return ch
}

// Advance moves the clock and wakes whose time has come.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	var still []alarm
	for _, a := range c.waiting {
		if a.at.After(c.now) {
			still = append(still, a)
			continue
		}
		a.c <- c.now
	}
	c.waiting = still
}

// Waiting is how many wait to be woken.
func (c *Clock) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting)
}
