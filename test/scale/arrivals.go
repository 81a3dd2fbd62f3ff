// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"behalf.dev/behalf/internal/bundle"
)

// arrivals is what came to all authorizers.
type arrivals struct {
	mu sync.Mutex
	// contents that came, leases that came without, and the bytes of both.
	contents, leases int
	bytes            int64
	// refused is the first refusal: there must be none.
	refused  error
	awaiting *expectation
}

// expectation is something that is to come to each of some authorizers, a number of times.
type expectation struct {
	matches func(bundle.Change) bool
	missing map[int]int
	// at is when the last came.
	at   time.Time
	done chan struct{}
}

// expect begins to wait. There is one expectation at a time.
func (a *arrivals) expect(members []*authorizer, times int, matches func(bundle.Change) bool) *expectation {
	e := &expectation{matches: matches, missing: make(map[int]int, len(members)), done: make(chan struct{})}
	for _, m := range members {
		e.missing[m.sink.number] = times
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.awaiting = e
	return e
}

// note takes down what came to one authorizer.
func (a *arrivals) note(number int, changes []bundle.Change, errs []error) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, change := range changes {
		if errs[i] != nil && a.refused == nil {
			a.refused = fmt.Errorf("authorizer %d refused %s %s: %w", number, change.Kind, change.Name, errs[i])
		}
		a.count(change)
		if a.awaiting != nil && errs[i] == nil && a.awaiting.matches(change) {
			a.awaiting.came(number, now)
		}
	}
}

func (a *arrivals) count(change bundle.Change) {
	a.bytes += int64(len(change.Artifact.Envelope) + len(change.Artifact.Content))
	switch change.Operation {
	case bundle.Put:
		a.contents++
	case bundle.Renew:
		a.leases++
	case bundle.Remove:
	}
}

func (e *expectation) came(number int, now time.Time) {
	left, awaited := e.missing[number]
	if !awaited {
		return
	}
	if left > 1 {
		e.missing[number]--
		return
	}
	delete(e.missing, number)
	if len(e.missing) == 0 {
		e.at = now
		close(e.done)
	}
}

// wait gives when the last of what is expected came.
func (a *arrivals) wait(ctx context.Context, e *expectation) (time.Time, error) {
	select {
	case <-e.done:
		return e.at, a.failed()
	case <-ctx.Done():
	case <-time.After(patience):
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Time{}, fmt.Errorf("waiting for %d authorizers: %w", len(e.missing), context.DeadlineExceeded)
}

func (a *arrivals) failed() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused
}

// tally is how much came until now.
func (a *arrivals) tally() (contents, leases int, bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.contents, a.leases, a.bytes
}
