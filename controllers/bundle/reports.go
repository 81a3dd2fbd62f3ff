// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/issuerkeys"
)

// settle is how often progress is looked at while it goes on changing.
const settle = 100 * time.Millisecond

// Reports is the latest report together with how far its bundles have come. It tells its subscribers which objects that
// changes anything for, and says nothing where nothing changes.
type Reports struct {
	distributor Distributor
	// outrun is called when an authorizer was found to have seen a revision that nobody here knows of.
	outrun func()

	mu        sync.Mutex
	ledger    *ledger
	standings map[string]conditions.Standing
	// floors are the highest revisions that authorizers refused an older one for.
	floors      map[distribution.Key]int64
	subscribers map[string][]*subscriber
	enforcement *enforcement
	// silent says that nothing could be said when it was asked last.
	silent bool
}

type subscriber struct {
	notify func(types.NamespacedName)
}

func newReports(distributor Distributor, took *prometheus.HistogramVec, outrun func()) *Reports {
	return &Reports{
		distributor: distributor,
		outrun:      outrun,
		ledger:      newLedger(),
		standings:   map[string]conditions.Standing{},
		floors:      map[distribution.Key]int64{},
		subscribers: map[string][]*subscriber{},
		enforcement: newEnforcement(took),
	}
}

// Outcome is what became of an object; false as long as nothing is known of this generation of it, or not of everybody who may
// serve it: what was said stands until then.
func (r *Reports) Outcome(kind string, object client.Object) (conditions.Outcome, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hushed() {
		return conditions.Outcome{}, false
	}
	e := r.entry(kind, object)
	if e == nil {
		return conditions.Outcome{}, false
	}
	outcome := conditions.Outcome{Report: e.report, Problems: e.problems}
	for _, name := range e.report.Bundles {
		outcome.Standings = append(outcome.Standings, r.standings[name])
	}
	for _, name := range e.left {
		if s := r.standings[name]; len(s.Lagging)+len(s.Refusals) > 0 {
			outcome.Standings = append(outcome.Standings, s)
		}
	}
	return outcome, true
}

// Compiled is what became of an object when it was compiled, which does not depend on who serves it.
func (r *Reports) Compiled(kind string, object client.Object) (compile.Report, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entry(kind, object)
	if e == nil {
		return compile.Report{}, false
	}
	return e.report, true
}

// hushed says that nothing can be said. When it can again, all objects are looked at. The lock is held.
func (r *Reports) hushed() bool {
	before := r.silent
	r.silent = r.distributor.Silent()
	if before && !r.silent {
		r.tell(slices.Collect(maps.Keys(r.ledger.entries)))
	}
	return r.silent
}

// entry is nil where nothing is known of this generation. The lock is held.
func (r *Reports) entry(kind string, object client.Object) *entry {
	e := r.ledger.entries[compile.Key{Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName()}]
	if e == nil || e.uid != object.GetUID() || e.report.Object.Generation != object.GetGeneration() {
		return nil
	}
	return e
}

// Keys is what is known of an issuer's keys.
func (r *Reports) Keys(issuer *v1alpha1.TrustedIssuer) issuerkeys.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entry(compile.KindTrustedIssuer, issuer); e != nil {
		return e.keys
	}
	return issuerkeys.State{}
}

// Source makes a controller look at the objects of one kind about which something changed.
func (r *Reports) Source(kind string) source.Source {
	return source.Func(func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		cancel := r.Subscribe(kind, func(name types.NamespacedName) { queue.Add(reconcile.Request{NamespacedName: name}) })
		context.AfterFunc(ctx, cancel)
		return nil
	})
}

// Subscribe has notify called with the objects of one kind about which something changed, until it is cancelled. It must only
// take down the name: to ask for the Outcome there and then would wait for ever.
func (r *Reports) Subscribe(kind string, notify func(types.NamespacedName)) (cancel func()) {
	s := &subscriber{notify: notify}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.subscribers[kind] = append(r.subscribers[kind], s)
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.subscribers[kind] = slices.DeleteFunc(r.subscribers[kind], func(other *subscriber) bool { return other == s })
	}
}

// update takes in what is new.
func (r *Reports) update(n *news) {
	r.mu.Lock()
	defer r.mu.Unlock()
	parts := r.ledger.partsOf(n.arrived)
	another := r.ledger.take(n)
	moved := r.look()
	r.await(n.arrived, parts)
	r.tell(append(another, r.ledger.concerned(moved)...))
}

// await begins to measure changes, given the bundles that their objects were part of before. The lock is held.
func (r *Reports) await(arrived arrivals, before map[compile.Key]map[string]bool) {
	after := r.ledger.partsOf(arrived)
	for key, at := range arrived {
		parts := before[key]
		maps.Copy(parts, after[key])
		r.enforcement.await(key, at, concernedBy(key, parts, r.ledger.republished))
	}
	r.measure()
}

// measure looks at what is enforced by now, if that can be said. The lock is held.
func (r *Reports) measure() {
	if !r.hushed() {
		r.enforcement.settle(r.standings, time.Now())
	}
}

// known are the objects of which something is known.
func (r *Reports) known() []compile.Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.ledger.entries))
}

// follow looks at progress whenever it may have changed, until the context ends.
func (r *Reports) follow(ctx context.Context) {
	changes, cancel := r.distributor.Subscribe()
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changes:
		case <-r.waits():
		}
		r.progressed()
		if !wait(ctx, settle) {
			return
		}
	}
}

// waits has something in it after a while, where only time may pass until something can be said.
func (r *Reports) waits() <-chan time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.silent || r.distributor.Silent() {
		return time.After(retryAfter)
	}
	return nil
}

func (r *Reports) progressed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	moved := r.look()
	r.measure()
	if len(moved) > 0 {
		r.forgetLeft()
		r.tell(r.ledger.concerned(moved))
	}
}

// look asks how far every bundle has come, and gives those with which that changed. The lock is held.
func (r *Reports) look() map[string]bool {
	moved := map[string]bool{}
	standings := make(map[string]conditions.Standing, len(r.ledger.published))
	for name, published := range r.ledger.published {
		key := keyOf(name)
		progress := r.distributor.Progress(key.Kind, key.Name, published.Revision, published.Digest)
		r.heed(key, progress.Floor)
		s := standingOf(name, published.Revision, progress, r.standings[name])
		standings[name] = s
		if !sameStanding(s, r.standings[name]) {
			moved[name] = true
		}
	}
	r.standings = standings
	return moved
}

// heed takes note of a revision that an authorizer has seen.
func (r *Reports) heed(key distribution.Key, floor int64) {
	if floor > r.floors[key] {
		r.floors[key] = floor
		r.outrun()
	}
}

// beyond are the revisions that authorizers refused older ones for.
func (r *Reports) beyond() map[distribution.Key]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.floors)
}

// standingOf puts progress into the terms of conditions. While none but absent authorizers lag, the revision that they did
// not acknowledge first stays the one that is named: otherwise every change of a bundle would be a write to every object in
// it for as long as one authorizer is away (THREATS 44).
func standingOf(name string, revision int64, p distribution.Progress, before conditions.Standing) conditions.Standing {
	s := conditions.Standing{
		Bundle: name, Revision: revision, Connected: p.Connected, LastGone: p.LastGone, Acked: p.Acked, Lagging: p.Lagging,
	}
	if len(p.Lagging) > 0 && p.Waiting == 0 && slices.Equal(p.Lagging, before.Lagging) {
		s.Revision = before.Revision
	}
	for _, rejection := range p.Rejected {
		s.Refusals = append(s.Refusals, conditions.Refusal{Authorizer: rejection.Authorizer, Message: rejection.Message})
	}
	return s
}

// sameStanding passes over what no condition tells: how many authorizers are connected beyond none, and the revision that
// none lags with. What those hold that are gone is told only where none is connected.
func sameStanding(a, b conditions.Standing) bool {
	if a.Bundle != b.Bundle || (a.Connected == 0) != (b.Connected == 0) ||
		!slices.Equal(a.Lagging, b.Lagging) || !slices.Equal(a.Refusals, b.Refusals) {
		return false
	}
	if a.Connected == 0 && (a.Acked != b.Acked || !a.LastGone.Equal(b.LastGone)) {
		return false
	}
	return len(a.Lagging) == 0 && a.Connected > 0 || a.Revision == b.Revision
}

// forgetLeft drops bundles that objects have left and that every authorizer is up to date with. The lock is held; a new
// slice is made, because the entry may be in use.
func (r *Reports) forgetLeft() {
	for _, key := range slices.Collect(maps.Keys(r.ledger.leaving)) {
		kept := *r.ledger.entries[key]
		kept.left = slices.DeleteFunc(slices.Clone(kept.left), func(name string) bool {
			s := r.standings[name]
			return len(s.Lagging)+len(s.Refusals) == 0
		})
		r.ledger.replace(key, &kept)
	}
}

// tell calls the subscribers. The lock is held: they only take down the names.
func (r *Reports) tell(keys []compile.Key) {
	for _, key := range keys {
		for _, s := range r.subscribers[key.Kind] {
			s.notify(types.NamespacedName{Namespace: key.Namespace, Name: key.Name})
		}
	}
}
