// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"behalf.dev/behalf/internal/bundle"
)

// reconnect is how all authorizers came back to unchanged bundles.
type reconnect struct {
	// herd is the time until all had a stream again that had lost theirs at once and came at once; herdResent is how many bundles they were sent.
	herd       time.Duration
	herdResent int
	// restart is the same from the moment at which the manager was killed, and ready when its successor was ready; renewed is when every
	// authorizer had the successor's leases of all that it holds.
	ready, restart, renewed time.Duration
	restartResent           int
}

func (t *trial) again(ctx context.Context) error {
	if err := t.everybody(ctx); err != nil {
		return err
	}
	if err := t.herd(ctx); err != nil {
		return err
	}
	if _, err := t.fleet.stage.settle(ctx, heldBack); err != nil {
		return err
	}
	if err := t.restart(ctx); err != nil {
		return err
	}
	progressf("reconnected: all at once in %s; after a restart in %s, with leases in %s", t.reconnect.herd, t.reconnect.restart, t.reconnect.renewed)
	return nil
}

// herd has all connect anew at the same time, without the jitter that a lost connection brings.
func (t *trial) herd(ctx context.Context) error {
	f := t.fleet
	before, _, _ := f.arrivals.tally()
	f.each(func(a *authorizer) { a.stop() })
	began := time.Now()
	f.each(func(a *authorizer) { a.start(ctx) })
	last, err := f.connectedSince(ctx, began)
	if err != nil {
		return err
	}
	t.reconnect.herd = last.Sub(began)
	t.reconnect.herdResent, err = t.resent(ctx, before)
	return err
}

// restart kills the manager and starts it again.
func (t *trial) restart(ctx context.Context) error {
	f := t.fleet
	before, _, _ := f.arrivals.tally()
	renewals := f.arrivals.expect(f.members, f.contents(), func(c bundle.Change) bool { return c.Operation == bundle.Renew })
	began := time.Now()
	f.stage.manager.process.Kill()
	if err := f.stage.runManager(ctx); err != nil {
		return err
	}
	t.reconnect.ready = time.Since(began)
	last, err := f.connectedSince(ctx, began)
	if err != nil {
		return err
	}
	renewed, err := f.arrivals.wait(ctx, renewals)
	if err != nil {
		return err
	}
	t.reconnect.restart, t.reconnect.renewed = last.Sub(began), renewed.Sub(began)
	t.reconnect.restartResent, err = t.resent(ctx, before)
	return err
}

// resent is how many bundles came since, but for those of one change that is made now. Whatever was owed before it has come
// before it.
func (t *trial) resent(ctx context.Context, before int) (int, error) {
	for turn := range 2 { // there and back
		a, err := t.fleet.change(turn)
		if err != nil {
			return 0, err
		}
		if _, err := t.fleet.perform(ctx, a); err != nil {
			return 0, err
		}
	}
	after, _, _ := t.fleet.arrivals.tally()
	return after - before - 2*len(t.fleet.members), nil
}
