// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/types/known/anypb"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// Resource is one content to distribute.
type Resource struct {
	// Statement is what the artifact's envelope vouches with.
	Statement bundle.Statement
	Artifact  bundle.Artifact
	// Authorizers are the service accounts that may see it beside the cluster-wide ones. Trust and revocations have none of
	// their own: whoever may see any policy gets them.
	Authorizers []authz.Actor
	// Withheld says that there is such a content and that it cannot be served at present: whoever holds it keeps it for as
	// long as its lease runs, and nobody is sent any. Of the statement, only kind and name count.
	Withheld bool
}

func (r Resource) key() Key { return Key{r.Statement.Kind, r.Statement.Name} }

// entry is the present state of one content, or that it was removed. It does not change; a later state is another entry.
type entry struct {
	key       Key
	statement bundle.Statement
	artifact  bundle.Artifact
	// moved is the last position in the log of the entry's kind: of its content, of its access, or of its removal.
	moved uint64
	// changed is the position at which the content, or the revision that it has, last changed.
	changed uint64
	// renewed is the position in the log of leases.
	renewed uint64
	removed bool
	// withheld is never sent.
	withheld bool
	access   access

	content func() (*discoveryv3.Resource, error)
	lease   func() *discoveryv3.Resource
}

// visible says whether the peer may see the entry now.
func (e *entry) visible(p peer) bool {
	if e.removed {
		return false
	}
	t, named := e.access[p.account]
	return p.clusterWide || named && t.open()
}

// due is the position at which the peer is owed what it may see: of the content, or of the access if that came later. A
// peer that was served beyond it has it.
func (e *entry) due(p peer) uint64 {
	if p.clusterWide {
		return e.changed
	}
	return max(e.changed, e.access[p.account].since)
}

// lost is the position at which the peer ceased to see it; 0 where it never did.
func (e *entry) lost(p peer) uint64 {
	if p.clusterWide && e.removed {
		return e.moved
	}
	return e.access[p.account].until
}

// concerns says whether the position still matters to any peer.
func (e *entry) concerns(at uint64) bool {
	if at == e.changed || e.removed && at == e.moved {
		return true
	}
	for _, t := range e.access {
		if at == t.since || at == t.until {
			return true
		}
	}
	return false
}

// position is one place in a log.
type position struct {
	at  uint64
	key Key
}

// ledger is the desired state with the order in which it came about. A reader that knows everything up to a position owes
// only what stands behind it, so that a change costs what it touches and not what there is.
type ledger struct {
	head    uint64
	entries map[Key]*entry
	logs    [typeCount][]position
	// written counts the positions since the last compaction.
	written int
	// named counts the policies that name an account.
	named map[authz.Actor]int
	// complete is set once a whole set was given: before, nobody may conclude that something is gone.
	complete bool
}

func newLedger() *ledger {
	return &ledger{entries: map[Key]*entry{}, named: map[authz.Actor]int{}}
}

// shared is what everybody gets who may see any policy.
var shared = [...]Key{{bundle.KindTrust, bundle.TrustName}, {bundle.KindRevocations, bundle.RevocationsName}}

// needs are the kinds of which an authorizer must hold something to decide by policies.
func (l *ledger) needs() []int {
	var needs []int
	for _, key := range shared {
		if e := l.entries[key]; e != nil && !e.removed {
			index, _ := kindIndex(key.Kind)
			needs = append(needs, index)
		}
	}
	return needs
}

var errRegress = errors.New("the revision would regress")

// check refuses what must not be distributed.
func (l *ledger) check(r Resource) error {
	key := r.key()
	if _, ok := kindIndex(key.Kind); !ok || key.Name == "" {
		return fmt.Errorf("distributing %s: no such content", key)
	}
	old := l.entries[key]
	switch {
	case old == nil || r.Withheld:
		return nil
	case r.Statement.Revision < old.statement.Revision:
		return fmt.Errorf("distributing %s: %w from %d to %d", key, errRegress, old.statement.Revision, r.Statement.Revision)
	case r.Statement.Revision == old.statement.Revision && r.Statement.Digest != old.statement.Digest:
		return fmt.Errorf("distributing %s: revision %d stands for another content already", key, r.Statement.Revision)
	default:
		return nil
	}
}

// put takes a resource and says whether anything changed.
func (l *ledger) put(r Resource) bool {
	key, named := r.key(), unique(r.Authorizers)
	old := l.entries[key]
	if key.Kind != bundle.KindPolicy {
		named = l.everyone()
	}
	now := l.head + 1
	next := succeed(old, r, named, now)
	if next == nil {
		return false
	}
	l.head = now
	l.enter(old, next)
	if key.Kind == bundle.KindPolicy {
		l.recount(old, next)
	}
	return true
}

// everyone is who may see trust and revocations.
func (l *ledger) everyone() []authz.Actor {
	return slices.SortedFunc(maps.Keys(l.named), compareAccounts)
}

// succeed is the entry after old, or nil where they are the same.
func succeed(old *entry, r Resource, named []authz.Actor, now uint64) *entry {
	next := &entry{key: r.key(), statement: r.Statement, artifact: r.Artifact, moved: now, changed: now, renewed: now, withheld: r.Withheld}
	if old == nil {
		next.access = access(nil).next(named, now)
		return next.prepared()
	}
	next.access = old.access.next(named, now)
	if old.removed || old.withheld != r.Withheld || !sameContent(old.statement, r.Statement) {
		return next.prepared()
	}
	if old.statement == r.Statement {
		next.renewed = old.renewed
	}
	next.changed = old.changed
	if old.access.names(named) {
		next.moved = old.moved
	}
	if next.moved == old.moved && next.renewed == old.renewed {
		return nil
	}
	return next.prepared()
}

// sameContent is false for the same bytes under another revision: whoever acknowledged them under an earlier one has seen
// nothing of what came between, and whoever refused them because it has seen a later one is to get them again.
func sameContent(a, b bundle.Statement) bool { return a.Digest == b.Digest && a.Revision == b.Revision }

// prepared readies the entry's messages, which are made when first needed and then shared by all streams.
func (e *entry) prepared() *entry {
	e.content = sync.OnceValues(func() (*discoveryv3.Resource, error) {
		raw, err := e.artifact.MarshalBinary()
		if err != nil {
			return nil, err
		}
		index, _ := kindIndex(e.key.Kind)
		return newResource(index, e, raw), nil
	})
	e.lease = sync.OnceValue(func() *discoveryv3.Resource { return newResource(leaseIndex, e, e.artifact.Envelope) })
	return e
}

func newResource(index int, e *entry, raw []byte) *discoveryv3.Resource {
	return &discoveryv3.Resource{
		Name:     e.key.resourceName(index),
		Version:  version(index, e.statement),
		Resource: &anypb.Any{TypeUrl: typeURLs[index], Value: raw},
	}
}

// enter writes the entry down, in the logs in which it has moved.
func (l *ledger) enter(old, next *entry) {
	index, _ := kindIndex(next.key.Kind)
	l.entries[next.key] = next
	if old == nil || old.moved != next.moved {
		l.write(index, position{next.moved, next.key})
	}
	if !next.removed && !next.withheld && (old == nil || old.renewed != next.renewed) {
		l.write(leaseIndex, position{next.renewed, next.key})
	}
}

func (l *ledger) write(index int, p position) {
	l.logs[index] = append(l.logs[index], p)
	l.written++
}

// remove leaves a mark for those who could see it.
func (l *ledger) remove(key Key) bool {
	old := l.entries[key]
	if old == nil || old.removed {
		return false
	}
	l.head++
	gone := &entry{
		key: key, statement: old.statement, moved: l.head, changed: l.head, renewed: old.renewed,
		removed: true, access: old.access.next(nil, l.head),
	}
	l.enter(old, gone)
	if key.Kind == bundle.KindPolicy {
		l.recount(old, gone)
	}
	return true
}

// recount keeps the count of who is named, and the access to trust and revocations that follows from it.
func (l *ledger) recount(old, next *entry) {
	changed := false
	for account := range next.access.opened() {
		changed = l.count(account, 1) || changed
	}
	if old != nil {
		for account := range old.access.opened() {
			changed = l.count(account, -1) || changed
		}
	}
	if !changed {
		return
	}
	everyone := l.everyone()
	for _, key := range shared {
		l.grant(key, everyone)
	}
}

// count says whether the account became named or ceased to be.
func (l *ledger) count(account authz.Actor, by int) bool {
	before := l.named[account]
	l.named[account] = before + by
	if l.named[account] == 0 {
		delete(l.named, account)
	}
	return (before == 0) != (before+by == 0)
}

func (l *ledger) grant(key Key, named []authz.Actor) {
	old := l.entries[key]
	if old == nil || old.removed || old.access.names(named) {
		return
	}
	l.head++
	next := *old
	next.moved, next.access = l.head, old.access.next(named, l.head)
	l.enter(old, &next)
}

// after gives the positions behind a moment.
func (l *ledger) after(index int, moment uint64) []position {
	log := l.logs[index]
	return log[sort.Search(len(log), func(i int) bool { return log[i].at > moment }):]
}

// live says whether a position still matters to any peer.
func (l *ledger) live(index int, p position) bool {
	e := l.entries[p.key]
	if e == nil {
		return false
	}
	if index == leaseIndex {
		return !e.removed && e.renewed == p.at
	}
	return e.concerns(p.at)
}

// compact drops positions that matter to nobody, and marks of removal that every reader has passed. It costs what there is, and is called
// when about as much has been written since.
func (l *ledger) compact(passed uint64) {
	for key, e := range l.entries {
		switch {
		case e.removed && e.moved <= passed:
			delete(l.entries, key)
		case e.access.outdated(passed):
			next := *e
			next.access = e.access.without(passed)
			l.entries[key] = &next
		}
	}
	for index := range l.logs {
		kept := make([]position, 0, len(l.entries))
		for _, p := range l.logs[index] {
			if l.live(index, p) {
				kept = append(kept, p)
			}
		}
		l.logs[index] = kept
	}
	l.written = 0
}

// overgrown says whether compact is worth its cost.
func (l *ledger) overgrown() bool {
	const slack = 1024
	return l.written > slack+len(l.entries)
}

func (a access) outdated(before uint64) bool {
	for _, t := range a {
		if !t.open() && t.until <= before {
			return true
		}
	}
	return false
}

func compareAccounts(a, b authz.Actor) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.ServiceAccount, b.ServiceAccount))
}

// controlPlane names us in every response.
var controlPlane = &corev3.ControlPlane{Identifier: "behalf"}
