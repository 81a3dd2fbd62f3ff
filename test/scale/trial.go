// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"behalf.dev/behalf/test/worlds"
)

// trial is everything that is measured in one world.
type trial struct {
	plan
	delegations int

	// full is how many authorizers there are at last; fleet are they, as long as they run.
	full  int
	fleet *fleet
	// alone is what the manager takes before any authorizer has come.
	alone       memory
	rounds      []round
	revocations series
	reconnect   reconnect
	// idleWrites are those of a manager to whom nothing happens.
	idleWrites writes
	admissions admissions
}

// round is what was measured with one number of authorizers.
type round struct {
	streams int
	// joined is how many were new, and connect the time until they held everything; connectWrites is how much the manager
	// wrote to the API server for it.
	joined        int
	connect       time.Duration
	connectWrites int
	memory        memory
	changes       series
}

// actors is how many service accounts there are at most.
const actors = 1000

func (t *trial) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "behalf-scale-")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is in the folder for temporary files
	w := worlds.New(t.delegations, t.servers, min(actors, t.delegations), worlds.Options{
		Conditions: worlds.SomeConditions, Chain: 4, Forbids: true, Revocations: true,
	})
	progressf("a world of %d delegations", t.delegations)
	s, err := startStage(ctx, dir, w, t.manager)
	if err != nil {
		return err
	}
	defer s.stop()
	return t.measure(ctx, s)
}

func (t *trial) measure(ctx context.Context, s *stage) error {
	// Authorizers come at once, before the manager has told every object that there are none.
	var err error
	if t.alone, err = s.manager.collected(ctx); err != nil {
		return err
	}
	if t.fleet, err = newFleet(ctx, s, t.whole); err != nil {
		return err
	}
	defer func() {
		t.fleet.keep(0)
		t.fleet = nil // what it holds
	}()
	for _, part := range []struct {
		name string
		do   func(context.Context) error
	}{
		{partChanges, t.allRounds}, {partRevocations, t.revoke}, {partReconnect, t.again}, {partIdle, t.rest}, {partAdmission, t.admit},
	} {
		if !t.has(part.name) {
			continue
		}
		if err := part.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// allRounds measures changes with ever more authorizers.
func (t *trial) allRounds(ctx context.Context) error {
	for _, streams := range t.streams {
		found, err := t.assemble(ctx, streams)
		if err != nil {
			return err
		}
		if found.changes, err = t.fleet.measure(ctx, t.changes, t.fleet.change); err != nil {
			return err
		}
		progressf("%d changes to %d authorizers: everywhere after %s in the median, at last %s",
			t.changes, streams, percentile(found.changes.everywhere, 50), most(found.changes.everywhere))
		t.rounds = append(t.rounds, found)
	}
	return nil
}

// assemble has so many authorizers connect, and waits until the manager has come to rest.
func (t *trial) assemble(ctx context.Context, streams int) (round, error) {
	found := round{streams: streams, joined: streams - len(t.fleet.members)}
	before, err := t.fleet.stage.writes(ctx)
	if err != nil {
		return found, err
	}
	if found.connect, err = t.fleet.grow(ctx, streams); err != nil {
		return found, err
	}
	progressf("%d authorizers hold everything after %s", found.joined, found.connect.Round(time.Millisecond))
	if _, err := t.fleet.stage.settle(ctx, heldBack); err != nil {
		return found, err
	}
	after, err := t.fleet.stage.writes(ctx)
	if err != nil {
		return found, err
	}
	found.connectWrites = after.since(before).total()
	found.memory, err = t.fleet.stage.manager.collected(ctx)
	progressf("%d authorizers are at rest; %d writes%s", streams, found.connectWrites, after.since(before))
	return found, err
}

// everybody has the full number connected, whichever part comes first.
func (t *trial) everybody(ctx context.Context) error {
	if len(t.fleet.members) == t.full {
		return nil
	}
	_, err := t.assemble(ctx, t.full)
	return err
}

func (t *trial) revoke(ctx context.Context) error {
	if err := t.everybody(ctx); err != nil {
		return err
	}
	var err error
	t.revocations, err = t.fleet.measure(ctx, t.plan.revocations, t.fleet.revocation)
	if err == nil {
		progressf("%d revocations to %d authorizers: everywhere after %s in the median, at last %s", t.plan.revocations, len(t.fleet.members),
			percentile(t.revocations.everywhere, 50), most(t.revocations.everywhere))
	}
	return err
}

// rest watches an idle manager.
func (t *trial) rest(ctx context.Context) error {
	if err := t.everybody(ctx); err != nil {
		return err
	}
	if _, err := t.fleet.stage.settle(ctx); err != nil {
		return err
	}
	before, err := t.fleet.stage.writes(ctx)
	if err != nil {
		return err
	}
	if err := pause(ctx, t.idle); err != nil {
		return err
	}
	after, err := t.fleet.stage.writes(ctx)
	if err != nil {
		return err
	}
	t.idleWrites = after.since(before)
	progressf("%s of idleness: %d writes", t.idle.Round(time.Second), t.idleWrites.total())
	return nil
}
