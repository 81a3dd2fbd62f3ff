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
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
	// unshared are the bundles that are none of a resource server's: trust and revocations.
	unshared = 2
)

// Distributor is what bundles are handed to. A distribution.Server is one.
type Distributor interface {
	// Lead says that this replica leads from now on, and which others may serve.
	Lead(others ...string)
	// Silent says that this replica leads, and does not know of everybody who may be served.
	Silent() bool
	// Set replaces all that is distributed.
	Set(resources []distribution.Resource) error
	// Progress says how far content has come that has this revision or a later one.
	Progress(kind bundle.Kind, name string, revision int64, digest string) distribution.Progress
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
	// KeysMaxAge is for how long keys serve that cannot be fetched again; issuerkeys.DefaultMaxAge where zero.
	KeysMaxAge time.Duration
	// Reach is for the sources of those keys.
	Reach issuerkeys.Reach
	// Cluster is where the keys of the cluster's own issuer come from.
	Cluster     issuerkeys.Source
	Distributor Distributor
	// Register has the revisions of all contents.
	Register Register
	// Lease of bundles; DefaultLease where zero.
	Lease time.Duration
	Log   logr.Logger
}

// Publisher compiles and publishes at every change. It runs on every replica.
type Publisher struct {
	options Options
	reports *Reports
	metrics *publisherMetrics
	dirty   chan struct{}
	intake  *intake
	// compilation may be consulted by others.
	compilation *compilation

	// What follows belongs to the goroutine of Start: where keys come from, what was encoded and signed, and what is to be
	// published and told still.
	sources     sources
	contents    contents
	assignments *assignments
	signer      *signer
	pending     *news
	// revoked is up to which resource version revocations are compiled, and again when a turn is due though nothing changes.
	revoked int64
	again   time.Time

	mu sync.Mutex
	// leadsSince is when this replica became the leader; zero where it is not.
	leadsSince time.Time
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
	if options.KeysMaxAge == 0 {
		options.KeysMaxAge = issuerkeys.DefaultMaxAge
	}
	if options.Lease < MinLease {
		return nil, fmt.Errorf("a lease of %s is too short to be renewed in time; %s is the least", options.Lease, MinLease)
	}
	metrics := newPublisherMetrics()
	p := &Publisher{
		options:     options,
		metrics:     metrics,
		dirty:       make(chan struct{}, 1),
		intake:      newIntake(),
		compilation: newCompilation(),
		sources:     sources{},
		contents:    contents{},
		assignments: newAssignments(options.Register),
		signer:      newSigner(options.Lease),
		pending:     newNews(),
		missing:     errors.New("starting"),
	}
	p.reports = newReports(options.Distributor, metrics.enforcing, p.Changed)
	if options.Cluster != nil {
		p.sources[clusterSource] = options.Cluster
	}
	return p, nil
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

// Lead has this replica assign revisions from now on. Others are the replicas that may serve authorizers. There is no way back:
// who ceases to lead ends.
func (p *Publisher) Lead(since time.Time, others ...string) {
	p.options.Distributor.Lead(others...)
	p.mu.Lock()
	p.leadsSince = since
	p.mu.Unlock()
	p.Changed()
}

func (p *Publisher) leading() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leadsSince
}

// Start watches, compiles and publishes until the context ends.
func (p *Publisher) Start(ctx context.Context) error {
	if !p.retry(ctx, "watching", func() error { return p.watch(ctx) }) {
		return nil
	}
	p.firstKeys(ctx)
	var following sync.WaitGroup
	following.Go(func() { p.reports.follow(ctx) })
	defer following.Wait()
	p.run(ctx)
	return nil
}

func (p *Publisher) watch(ctx context.Context) error {
	if err := p.options.Register.Watch(ctx, p.options.Cache, p.Changed); err != nil {
		return err
	}
	return watch(ctx, p.options.Cache, p.intake, p.Changed)
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

// firstKeys waits until of every issuer keys are recorded or it was asked for them at least once, and there is a key to sign
// with.
func (p *Publisher) firstKeys(ctx context.Context) {
	p.note(errors.New("waiting for the signing key and the keys of issuers"))
	p.want(p.intake.all())
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		_, signs := p.options.Key.Current()
		if signs && p.asked(p.options.Issuers.States()) || !wait(ctx, interval) {
			return
		}
	}
}

// want has the keys of issuers fetched from where they are now.
func (p *Publisher) want(changes map[compile.Key]client.Object) {
	p.sources.take(changes, p.options.Reach)
	p.options.Issuers.Want(p.sources)
}

func (p *Publisher) asked(states map[string]issuerkeys.State) bool {
	k := p.belief()
	for name, s := range states {
		if !s.Attempted && !k.recall(name, s, time.Now()).Known() {
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
			p.metrics.failures.Inc()
			p.options.Log.Error(err, "publishing failed; what was published before stays", "retry", retryAfter.String())
		}
		return retryAfter
	}
	next := now.Add(p.options.Lease / 3)
	if at, ok := p.signer.nextRenewal(); ok {
		next = at
	}
	if !p.again.IsZero() && p.again.Before(next) {
		next = p.again
	}
	return max(next.Sub(now), interval)
}

// publish compiles what has changed, and assigns revisions to, signs, distributes and tells what has become another by it.
// What could not be published is pending, and goes with the next turn.
func (p *Publisher) publish(ctx context.Context, now time.Time) error {
	key, ok := p.options.Key.Current()
	if !ok {
		return errors.New("there is no signing key yet")
	}
	if err := p.compile(now); err != nil {
		return err
	}
	if err := p.contents.take(p.pending.delta, p.compilation.revocations); err != nil {
		return err
	}
	list := p.contents.list(p.compilation.forms)
	assigning := p.assign(ctx, list, now)
	resources, err := p.signer.sign(list, key, now)
	if err != nil {
		return err
	}
	setting := p.options.Distributor.Set(resources) // what it does not take stays as it was, and its authorizers lag
	if setting != nil {
		setting = fmt.Errorf("handing bundles to the distribution server: %w", setting)
	}
	p.pending.publish(list)
	p.reports.update(p.pending)
	p.pending = newNews()
	p.metrics.publish(now, resources)
	p.published(now, len(resources)-unshared)
	return errors.Join(assigning, setting)
}

// assign sees that contents have revisions. What has none is not served; all else goes on.
func (p *Publisher) assign(ctx context.Context, list []content, now time.Time) error {
	p.assignments.leadsSince = p.leading()
	again, err := p.assignments.assign(ctx, list, p.revoked, p.reports.beyond(), now)
	p.again = again
	return err
}

// compile takes in what has changed. A compiler that was lost starts again from everything.
func (p *Publisher) compile(now time.Time) error {
	afresh := p.compilation.lost()
	if afresh {
		p.intake.again()
	}
	news := p.intake.take()
	changes := news.changes
	p.pending.arrived.join(news.arrived)
	p.want(changes)
	states := p.keys(now)
	began := time.Now()
	delta, err := p.compilation.take(changes, states)
	if err != nil {
		return err
	}
	if len(changes) > 0 {
		p.metrics.compiling.Observe(time.Since(began).Seconds())
	}
	if afresh {
		p.complete(delta)
	}
	p.pending.take(delta, changes, states)
	p.revoked = news.revoked
	return nil
}

// keys are what is known of issuers, with the keys that count. The leader has those recorded that it fetched.
func (p *Publisher) keys(now time.Time) map[string]issuerkeys.State {
	k := p.belief()
	states := k.believe(p.options.Issuers.States(), now)
	p.assignments.keys = k.record(states)
	return states
}

func (p *Publisher) belief() belief {
	shared, _ := p.options.Register.Shared()
	return belief{sources: p.sources, recorded: shared.Keys, leads: !p.leading().IsZero(), maxAge: p.options.KeysMaxAge}
}

// complete adds to a Delta of all that there is what is no longer there.
func (p *Publisher) complete(d *compile.Delta) {
	for key := range p.contents {
		namespace, name, isPolicy := strings.Cut(key.Name, "/")
		server := types.NamespacedName{Namespace: namespace, Name: name}
		if isPolicy && d.Policies[server] == nil {
			d.Policies[server] = nil
		}
	}
	for _, key := range p.reports.known() {
		if _, there := d.Reports[key]; !there {
			d.Gone[key] = true
		}
	}
}

// Consult has a question put to the compiler as it stands, such as compile.Judge, which must change nothing. It is false
// before anything was compiled.
func (p *Publisher) Consult(question func(*compile.Compiler)) bool {
	return p.compilation.consult(question)
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
