// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"context"
	"errors"
	"fmt"
)

// Ready says what stands in the way of serving authorizers: where no leader hears of them for long, another replica should be
// connected to.
func (f *Follower) Ready() error {
	cut := f.options.Gatherer.Counted()
	if cut == nil {
		return nil
	}
	return fmt.Errorf("%s: %w: %w", f, cut, orStarting(f.now().err))
}

// String says in words to whom this replica reports.
func (f *Follower) String() string {
	switch s := f.now(); {
	case s.leader == Elected{}:
		return "no leader is known"
	case s.leader.Identity == f.options.Identity:
		return "others report to this replica"
	case s.leader.Address == "":
		return "leader " + s.leader.Identity + " does not say where it listens"
	case s.reports:
		return "reporting to " + s.leader.Identity
	default:
		return "not yet reporting to " + s.leader.Identity
	}
}

var errStarting = errors.New("the first attempt is not over")

func orStarting(err error) error {
	if err == nil {
		return errStarting
	}
	return err
}

func (f *Follower) now() state {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// knows notes who leads.
func (f *Follower) knows(leader Elected) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.leader != leader {
		f.state = state{leader: leader, since: f.options.Clock.Now()}
	}
}

func (f *Follower) reporting() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.reports, f.state.since, f.state.err = true, f.options.Clock.Now(), nil
	f.options.Log.Info("reporting to the leader", "leader", f.state.leader.Identity, "address", f.state.leader.Address)
}

// lost notes that a stream ended or did not come about. It is logged once for each cause.
func (f *Follower) lost(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(err, context.Canceled) {
		return
	}
	about := []any{"leader", f.state.leader.Identity, "address", f.state.leader.Address, "why", err.Error()}
	switch {
	case f.state.reports:
		f.options.Log.Info("reporting to the leader ended", about...)
		f.state.reports, f.state.since = false, f.options.Clock.Now()
	case f.state.err == nil || f.state.err.Error() != err.Error():
		f.options.Log.Info("not reporting to the leader; it is tried again", about...)
	}
	f.state.err = err
}
