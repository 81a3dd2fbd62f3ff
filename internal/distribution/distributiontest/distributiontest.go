// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package distributiontest is what stands around the servers and clients of tests: who vouches for them, what time it is, and
// how long is waited for what they do. It does not know package distribution, so that the tests inside of that can use it.
package distributiontest

import (
	"context"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must come. It is no bound that anything is held to.
const patience = 20 * time.Second

// Eventually fails the test when the condition does not come true. It says what did not.
func Eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	giveUp := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-giveUp:
			tb.Fatalf("this never came true: %s", what)
		}
	}
}

// Run runs things until they are stopped together, by the end of the test at the latest. Who stops them waits for their end, and
// the test fails if that is an error.
func Run(tb testing.TB, things ...func(context.Context) error) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, len(things))
	for _, thing := range things {
		go func() { done <- thing(ctx) }()
	}
	stop = sync.OnceFunc(func() {
		cancel()
		for range things {
			if err := <-done; err != nil {
				tb.Errorf("it ended with %v", err)
			}
		}
	})
	tb.Cleanup(stop)
	return stop
}
