// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-logr/logr"
)

// When keys are fetched again.
const (
	minRefresh     = time.Minute
	maxRefresh     = time.Hour
	defaultRefresh = 10 * time.Minute
	firstRetry     = time.Second
	maxRetry       = time.Minute
)

// For how long keys serve that cannot be fetched again.
const (
	DefaultMaxAge = 24 * time.Hour
	MinMaxAge     = minRefresh
)

// State is what is known of one source.
type State struct {
	// Attempted says that fetching was tried at least once.
	Attempted bool
	// Keys that serve; without JWKS there are none.
	Keys Keys
	// Since is when the keys that serve were first fetched just as they are.
	Since time.Time
	// FetchedAt is when the keys that serve, or served last, were fetched.
	FetchedAt time.Time
	// ServeUntil is when they are dropped unless they can be fetched again.
	ServeUntil time.Time
	// Err is why the last attempt failed; nil where it did not.
	Err error
}

// Known says whether there are keys that serve.
func (s State) Known() bool { return s.Keys.JWKS != "" }

// Options of a Fetcher.
type Options struct {
	// MaxAge is for how long keys serve that cannot be fetched again; DefaultMaxAge where zero.
	MaxAge time.Duration
	// OnChange is called, from any goroutine, after a State changed in more than its times. It must not block.
	OnChange func()
	Log      logr.Logger
}

// Fetcher keeps the keys of the wanted sources fresh. Each source has a goroutine of its own, so that a slow one holds up
// nobody.
type Fetcher struct {
	options Options
	fetches fetches

	// wanted holds at most one notice that sources have come.
	wanted  chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	sources map[string]*entry
}

type entry struct {
	source Source
	state  State
	// cancel ends the fetching; nil before it has begun.
	cancel context.CancelFunc
}

// NewFetcher gives a Fetcher that wants nothing yet.
func NewFetcher(options Options) *Fetcher {
	if options.MaxAge == 0 {
		options.MaxAge = DefaultMaxAge
	}
	if options.OnChange == nil {
		options.OnChange = func() {}
	}
	return &Fetcher{options: options, fetches: newFetches(), wanted: make(chan struct{}, 1), sources: map[string]*entry{}}
}

// NeedLeaderElection is false: every replica compiles, and so needs keys.
func (f *Fetcher) NeedLeaderElection() bool { return false }

// Start fetches until the context ends.
func (f *Fetcher) Start(ctx context.Context) error {
	defer f.running.Wait()
	for {
		f.launch(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-f.wanted:
		}
	}
}

// Want says which sources are wanted from now on, by name. What is known of others is forgotten, and so is what is known
// of a name whose source changed: keys from where nobody looks any more are not trusted (THREATS 14).
func (f *Fetcher) Want(sources map[string]Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, e := range f.sources {
		if wanted, ok := sources[name]; !ok || wanted != e.source {
			if e.cancel != nil {
				e.cancel()
			}
			delete(f.sources, name)
		}
	}
	for name, source := range sources {
		if _, ok := f.sources[name]; ok {
			continue
		}
		f.sources[name] = &entry{source: source}
	}
	select {
	case f.wanted <- struct{}{}:
	default:
	}
}

// States gives what is known of every wanted source.
func (f *Fetcher) States() map[string]State {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make(map[string]State, len(f.sources))
	for name, e := range f.sources {
		out[name] = e.state
	}
	return out
}

// launch begins to fetch what is not fetched yet.
func (f *Fetcher) launch(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, e := range f.sources {
		if e.cancel != nil {
			continue
		}
		own, cancel := context.WithCancel(ctx)
		e.cancel = cancel
		f.running.Go(func() { f.keepFresh(own, name, e) })
	}
}

func (f *Fetcher) keepFresh(ctx context.Context, name string, e *entry) {
	retry := firstRetry
	for {
		keys, err := e.source.Fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := refreshAfter(keys.MaxAge)
		if err != nil {
			wait = jitter(retry)
			retry = min(2*retry, maxRetry)
		} else {
			retry = firstRetry
		}
		wait = f.record(name, e, keys, err, wait)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// record takes an attempt down and says when to try again: after wait, or earlier where the keys that serve end earlier.
func (f *Fetcher) record(name string, e *entry, keys Keys, err error, wait time.Duration) time.Duration {
	now := time.Now()
	f.fetches.tried.Inc()
	if err != nil {
		f.fetches.failed.Inc()
	}
	f.mu.Lock()
	before := e.state
	e.state = after(before, keys, err, now, f.options.MaxAge)
	state := e.state
	f.mu.Unlock()
	if changed(before, state) {
		f.tell(name, state, wait)
		f.options.OnChange()
	}
	if state.Known() {
		wait = min(wait, state.ServeUntil.Sub(now))
	}
	return wait
}

// after is the state that follows an attempt: on success the new keys, on failure the last good ones until their end, and
// none where the issuer itself has withdrawn them (THREATS 14).
func after(s State, keys Keys, err error, now time.Time, maxAge time.Duration) State {
	if err == nil {
		since := now
		if s.Keys.JWKS == keys.JWKS && s.Keys.Issuer == keys.Issuer {
			since = s.Since
		}
		return State{Attempted: true, Keys: keys, Since: since, FetchedAt: now, ServeUntil: now.Add(maxAge)}
	}
	s.Attempted, s.Err = true, err
	if _, gone := errors.AsType[withdrawn](err); gone || !now.Before(s.ServeUntil) {
		s.Keys = Keys{}
	}
	return s
}

func changed(a, b State) bool {
	return a.Attempted != b.Attempted || a.Keys.JWKS != b.Keys.JWKS || a.Keys.Issuer != b.Keys.Issuer || text(a.Err) != text(b.Err)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (f *Fetcher) tell(name string, state State, wait time.Duration) {
	log := f.options.Log.WithValues("issuer", name)
	switch {
	case state.Err == nil:
		log.Info("fetched issuer keys", "url", state.Keys.Issuer, "again", wait.String())
	case state.Known():
		log.Error(state.Err, "fetching issuer keys failed; the last good ones serve", "until", state.ServeUntil, "retry", wait.String())
	default:
		log.Error(state.Err, "fetching issuer keys failed; nobody of this issuer is believed", "retry", wait.String())
	}
}

// refreshAfter bounds what the server said.
func refreshAfter(maxAge time.Duration) time.Duration {
	if maxAge == 0 {
		return defaultRefresh
	}
	return min(max(maxAge, minRefresh), maxRefresh)
}

// jitter spreads d by a fifth, so that replicas do not come in step.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/5+1)) //nolint:gosec // no secret
}
