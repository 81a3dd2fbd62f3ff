// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bundle turns what people wrote into what authorizers are sent: it watches every kind, compiles, signs and hands
// the result to the distribution server, and keeps a report of it from which the status of each object is derived.
//
// It runs on every replica. Status is another matter, and the leader's.
package bundle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/issuerkeys"
)

// Defaults.
const (
	// DefaultLease is for how long a bundle may be served without being renewed.
	DefaultLease = time.Hour
	// MinLease is the shortest that can be renewed in good time.
	MinLease = 3 * time.Second
	// interval is the shortest time from one compilation to the next; all that changes within is compiled together.
	interval = 50 * time.Millisecond
	// retryAfter is when a turn that failed is tried again.
	retryAfter = time.Second
	// patience is how long the first compilation waits for the keys of issuers, so that a restart of the manager does not
	// take them away for a moment.
	patience = issuerkeys.Timeout + 5*time.Second
)

// Distributor is what bundles are handed to. A distribution.Server is one.
type Distributor interface {
	// Set replaces all that is distributed.
	Set(resources []distribution.Resource) error
	// Progress says how far content has come.
	Progress(kind bundle.Kind, name, digest string) distribution.Progress
	// Subscribe tells of changes of progress.
	Subscribe() (changes <-chan struct{}, cancel func())
}

// Options of a Publisher.
type Options struct {
	// Cache is read from; it holds everything that is watched.
	Cache cache.Cache
	// Key signs. The Publisher must be told by Changed when it becomes another.
	Key *SigningKey
	// Issuers fetches keys. The Publisher must be told by Changed when they change.
	Issuers *issuerkeys.Fetcher
	// Loopback is for the sources of those keys.
	Loopback issuerkeys.Loopback
	// Cluster is where the keys of the cluster's own issuer come from.
	Cluster     issuerkeys.Source
	Distributor Distributor
	// Lease of bundles; DefaultLease where zero.
	Lease time.Duration
	Log   logr.Logger
}

// Publisher compiles and publishes at every change. It runs on every replica.
type Publisher struct {
	options Options
	reports *Reports
	dirty   chan struct{}

	// accepted and signer belong to the goroutine of Start.
	accepted accepted
	signer   *signer

	mu sync.Mutex
	// missing says in words what stands in the way of being ready; nil where nothing does.
	missing error
	last    time.Time
	bundles int
}

// NewPublisher gives a Publisher.
func NewPublisher(options Options) (*Publisher, error) {
	if options.Lease == 0 {
		options.Lease = DefaultLease
	}
	if options.Lease < MinLease {
		return nil, fmt.Errorf("a lease of %s is too short to be renewed in time; %s is the least", options.Lease, MinLease)
	}
	return &Publisher{
		options: options,
		reports: newReports(options.Distributor),
		dirty:   make(chan struct{}, 1),
		signer:  newSigner(options.Lease),
		missing: errors.New("starting"),
	}, nil
}

// Reports is what statuses are derived from.
func (p *Publisher) Reports() *Reports { return p.reports }

// Changed says that something that is compiled has changed. It never blocks, and no change is lost.
func (p *Publisher) Changed() {
	select {
	case p.dirty <- struct{}{}:
	default:
	}
}

// NeedLeaderElection is false: every replica compiles and serves.
func (p *Publisher) NeedLeaderElection() bool { return false }

// Start watches, compiles and publishes until the context ends.
func (p *Publisher) Start(ctx context.Context) error {
	if !p.retry(ctx, "watching", func() error { return watch(ctx, p.options.Cache, p.Changed) }) {
		return nil
	}
	if !p.retry(ctx, "fetching the keys of issuers", func() error { return p.firstKeys(ctx) }) {
		return nil
	}
	var following sync.WaitGroup
	following.Go(func() { p.reports.follow(ctx) })
	defer following.Wait()
	p.run(ctx)
	return nil
}

// retry does something until it succeeds, and says why it does not; false where the context ended first.
func (p *Publisher) retry(ctx context.Context, what string, do func() error) bool {
	for {
		err := do()
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			return true
		}
		p.note(fmt.Errorf("%s: %w", what, err))
		p.options.Log.Error(err, what+" failed; will try again", "after", retryAfter.String())
		if !wait(ctx, retryAfter) {
			return false
		}
	}
}

// firstKeys waits until every issuer was asked for its keys at least once, and there is a key to sign with.
func (p *Publisher) firstKeys(ctx context.Context) error {
	p.note(errors.New("waiting for the signing key and the keys of issuers"))
	seen, err := observe(ctx, p.options.Cache)
	if err != nil {
		return err
	}
	p.options.Issuers.Want(p.sources(seen))
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		_, signs := p.options.Key.Current()
		if signs && asked(p.options.Issuers.States()) || !wait(ctx, interval) {
			return nil
		}
	}
	return nil
}

func asked(states map[string]issuerkeys.State) bool {
	for _, s := range states {
		if !s.Attempted {
			return false
		}
	}
	return true
}

// run takes a turn at every change and whenever a lease is to be renewed, with at least interval from one to the next.
func (p *Publisher) run(ctx context.Context) {
	p.Changed()
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.dirty:
		case <-next.C:
		}
		next.Reset(p.turn(ctx))
		if !wait(ctx, interval) {
			return
		}
	}
}

// turn publishes, and says when the next turn is due if nothing changes.
func (p *Publisher) turn(ctx context.Context) time.Duration {
	now := time.Now()
	if err := p.publish(ctx, now); err != nil {
		if ctx.Err() == nil {
			p.note(err)
			p.options.Log.Error(err, "publishing failed; what was published before stays", "retry", retryAfter.String())
		}
		return retryAfter
	}
	if at, ok := p.signer.nextRenewal(); ok {
		return max(at.Sub(now), interval)
	}
	return retryAfter
}

func (p *Publisher) publish(ctx context.Context, now time.Time) error {
	key, ok := p.options.Key.Current()
	if !ok {
		return fmt.Errorf("there is no signing key yet: secret %s is neither there nor could it be created", SigningSecret)
	}
	seen, err := observe(ctx, p.options.Cache)
	if err != nil {
		return err
	}
	world, states := p.world(seen)
	result, err := compiled(world)
	if err != nil {
		return err
	}
	remembered, forms := p.accepted.after(world.ResourceServers, result)
	contents, err := contentsOf(result, forms)
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	resources, err := p.signer.sign(contents, key, now)
	if err != nil {
		return err
	}
	p.accepted = remembered
	if err := p.options.Distributor.Set(resources); err != nil {
		return fmt.Errorf("handing bundles to the distribution server: %w", err)
	}
	p.reports.update(newReport(seen, result, resources, states))
	p.published(now, len(result.Policies))
	return nil
}

// world completes what was observed with what is remembered and with the keys that are known.
func (p *Publisher) world(seen *observed) (compile.World, map[string]issuerkeys.State) {
	p.options.Issuers.Want(p.sources(seen))
	states := p.options.Issuers.States()
	world := seen.world()
	world.LastAccepted = p.accepted.of(world.ResourceServers)
	world.IssuerKeys = map[string]string{}
	for name, state := range states {
		if state.Known() {
			world.IssuerKeys[name] = state.Keys.JWKS
		}
	}
	delete(world.IssuerKeys, clusterSource)
	if cluster := states[clusterSource]; cluster.Known() {
		world.Cluster = &bundle.Cluster{Issuer: cluster.Keys.Issuer, JWKS: cluster.Keys.JWKS}
	}
	return world, states
}

// compiled keeps a fault of the compiler from taking the whole manager down: what was published before then stays.
func compiled(world compile.World) (result *compile.Result, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the compiler panicked: %v", fault)
		}
	}()
	return compile.Compile(world), nil
}

func (p *Publisher) note(missing error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.missing = missing
}

func (p *Publisher) published(now time.Time, bundles int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.missing, p.last, p.bundles = nil, now, bundles
}

// Ready is nil once everything was compiled and published and nothing has failed since.
func (p *Publisher) Ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.missing
}

// String says in words what was published.
func (p *Publisher) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last.IsZero() {
		return "nothing published yet"
	}
	return fmt.Sprintf("%d policy bundles, compiled %s", p.bundles, p.last.UTC().Format(time.RFC3339))
}

// wait is false where the context ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
