// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import "time"

// Clock tells the time and wakes up later.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// SystemClock is the clock of the machine.
type SystemClock struct{}

// Now is the time of day.
func (SystemClock) Now() time.Time { return time.Now() }

// After sends once the duration has passed.
func (SystemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
