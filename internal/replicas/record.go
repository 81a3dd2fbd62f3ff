// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"behalf.dev/behalf/internal/distribution"
)

// tidyEvery is how often the record is looked at for replicas that serve no longer.
const tidyEvery = 15 * time.Second

// NeedLeaderElection is true: the others have nothing to record.
func (l *Leader) NeedLeaderElection() bool { return true }

// Start takes replicas out of the record that serve no longer, until the context ends: at first this one, which leads now.
func (l *Leader) Start(ctx context.Context) error {
	for wait := settle; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-l.options.Clock.After(wait):
		}
		if !l.options.Leads() {
			continue
		}
		wait = tidyEvery
		l.doubt()
		if err := l.record(ctx); err != nil {
			l.options.Log.Info("the record of replicas is not up to date; it is tried again", "why", err.Error())
		}
	}
}

// record writes down who may serve, where that is another than was written. What a replica tells is answered only after: it
// serves nobody before, so that whoever leads next knows of each that may (ADR 0022).
func (l *Leader) record(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	now := l.serving()
	if l.written != nil && slices.Equal(now, l.written) {
		return nil
	}
	if err := l.options.Record.Write(ctx, now); err != nil {
		return fmt.Errorf("writing down which replicas may serve authorizers: %w", err)
	}
	l.written = now
	return nil
}

// doubt has the record written anew where it is another than was written: somebody may have deleted the lease.
func (l *Leader) doubt() {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.written = nil
}

// serving are the replicas that may serve authorizers, sorted and never nil.
func (l *Leader) serving() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.lost, func(_ string, since time.Time) bool {
		return l.options.Clock.Now().Sub(since) >= distribution.Unheard
	})
	all := slices.Concat([]string{}, l.options.Gatherer.Awaited(), slices.Collect(maps.Keys(l.followers)), slices.Collect(maps.Keys(l.lost)))
	slices.Sort(all)
	return slices.Compact(all)
}

// ended takes a replica out of the record that said, as the last, that it serves nobody any more. Where that fails it is taken
// out later.
func (l *Leader) ended(ctx context.Context, replica string) {
	l.mu.Lock()
	delete(l.followers, replica)
	delete(l.lost, replica)
	l.mu.Unlock()
	if err := l.record(ctx); err != nil {
		l.options.Log.Info("a replica that ended still stands in the record", "replica", replica, "why", err.Error())
	}
}
