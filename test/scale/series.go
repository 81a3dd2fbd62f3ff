// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// series are the courses of many acts, each kind of time in rising order.
type series struct {
	everywhere, enforced []time.Duration
	// bytes is what one act had sent to one authorizer, and processor the time that the manager worked for it, on average.
	bytes     int64
	processor time.Duration
}

// measure performs acts one after the other.
func (f *fleet) measure(ctx context.Context, count int, of func(turn int) (act, error)) (series, error) {
	var found series
	worked, err := f.stage.manager.processor(ctx)
	if err != nil {
		return found, err
	}
	_, _, before := f.arrivals.tally()
	for turn := range count {
		a, err := of(turn)
		if err != nil {
			return found, err
		}
		c, err := f.perform(ctx, a)
		if err != nil {
			return found, fmt.Errorf("turn %d: %w", turn, err)
		}
		found.everywhere, found.enforced = append(found.everywhere, c.everywhere), append(found.enforced, c.enforced)
	}
	_, _, after := f.arrivals.tally()
	found.bytes = (after - before) / int64(count*len(f.members))
	until, err := f.stage.manager.processor(ctx)
	if err != nil {
		return found, err
	}
	found.processor = (until - worked) / time.Duration(count)
	slices.Sort(found.everywhere)
	slices.Sort(found.enforced)
	return found, nil
}

// percentile is the nearest rank of sorted times.
func percentile(sorted []time.Duration, percent int) time.Duration {
	rank := (len(sorted)*percent + 99) / 100
	return sorted[max(rank-1, 0)]
}

func most(sorted []time.Duration) time.Duration { return sorted[len(sorted)-1] }
