// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-logr/logr"
)

// announcer logs how the authorizer stands: once when it becomes ready, and once for each lack that lasts.
type announcer struct {
	health *health
	log    logr.Logger

	// now is what is missing, "" for nothing, and since when; told is what was logged last.
	now   string
	since time.Time
	told  *string
}

// follow looks again and again until ctx ends.
func (a *announcer) follow(ctx context.Context) {
	for {
		a.look()
		select {
		case <-ctx.Done():
			return
		case <-a.health.wake.After(lookEvery):
		}
	}
}

// look tells what has changed. What is missing is told when it has been so for a while: much is, just after the start.
func (a *announcer) look() {
	if a.health.closing.Load() {
		return
	}
	missing, at := strings.Join(a.health.report().missing, "; "), a.health.wake.Now()
	if missing != a.now || a.since.IsZero() {
		a.now, a.since = missing, at
	}
	if a.told != nil && *a.told == missing {
		return
	}
	if missing != "" && at.Sub(a.since) < firstPolicies {
		return
	}
	a.told = &missing
	if missing == "" {
		a.log.Info("ready", "bundles", len(a.health.store.Held()))
		return
	}
	a.log.Error(errors.New(missing), "not ready: every request is denied")
}
