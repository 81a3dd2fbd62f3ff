// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
)

// session is what one peer was sent and what it said to that. Its size does not depend on how much there is: it knows up to
// which position of the ledger the peer is served, and beyond that only what is in flight and what was rejected.
type session struct {
	peer peer
	// most resources are put into one response.
	most int
	// turn of the roll in which it began.
	turn uint64
	// counts says whether it may be given what an authorizer decides by; always where nil.
	counts func() bool
	// wake holds at most one reason to look for something to send.
	wake chan struct{}

	mu    sync.Mutex
	subs  [typeCount]*subscription
	nonce uint64
}

// subscription is the part of a session that concerns one type.
type subscription struct {
	// ended subscriptions stem from an earlier stream of the same peer. They answer questions, but nothing is sent.
	ended bool
	// start is the head of the ledger when it began: whatever was lost before then is in gone.
	start uint64
	// sent and acked are the positions up to which the peer was served.
	sent, acked uint64
	// held is what the peer brought along, name to version, and gone what of that is to be removed. Both are let go once
	// the peer has caught up with all types.
	held map[string]string
	gone []string
	// some says that the peer holds some content of a kind that has one: what it brought along or took, of whatever revision.
	some bool
	// inflight is the response that was sent and not yet answered; there is one at a time.
	inflight *inflight
	rejected map[Key]rejection
	// again is to be offered once more after the peer has caught up: it may have been rejected only because another change
	// had yet to come.
	again []Key
}

type inflight struct {
	nonce  string
	upTo   uint64
	sentAt time.Time
	// cut says that the response was full and more is to come.
	cut  bool
	puts map[string]Key
	// digests by name, of what was put.
	digests map[string]string
}

// rejection is a peer's word on what it was sent.
type rejection struct {
	digest  string
	message string
	// floor is the revision that the peer has seen, where it refused what came because that is older; 0 otherwise.
	floor int64
	// reason is one of reasons.
	reason string
}

func newSession(p peer, before *session) *session {
	s := &session{peer: p, most: maxPuts, wake: make(chan struct{}, 1)}
	if before != nil {
		s.subs = before.end()
	}
	return s
}

// end gives what an earlier stream of the peer came to.
func (s *session) end() [typeCount]*subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subs {
		if sub != nil {
			sub.ended, sub.inflight, sub.gone, sub.again = true, nil, nil, nil
		}
	}
	return s.subs
}

// rouse never blocks.
func (s *session) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

var errTwice = errors.New("subscribe to each type once")

// subscribe begins a subscription with what the peer holds already. Whoever holds the ledger calls it.
func (s *session) subscribe(l *ledger, index int, held map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if begun := s.subs[index]; begun != nil && !begun.ended {
		return errTwice
	}
	s.subs[index] = &subscription{start: l.head, held: held, some: len(held) > 0, rejected: map[Key]rejection{}}
	return nil
}

// begun says whether the peer has subscribed to all types. Before, nothing is sent: what comes first, and which leases are
// needed, follows from all that it holds.
func (s *session) begun() bool {
	for _, sub := range s.subs {
		if sub == nil || sub.ended {
			return false
		}
	}
	return true
}

// lookForGone lists what the peer holds and is not to have. It waits until there is a whole set to compare with.
func (sub *subscription) lookForGone(l *ledger, index int, p peer) {
	if index == leaseIndex {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(sub.held)) {
		key, err := readResourceName(index, name)
		if e := l.entries[key]; err != nil || e == nil || !e.visible(p) {
			sub.gone = append(sub.gone, name)
			delete(sub.held, name)
		}
	}
	sub.some = len(sub.held) > 0
}

// decides says whether the peer holds some content of each of these kinds, without which it decides by no policy.
func (s *session) decides(needs []int) bool {
	return !slices.ContainsFunc(needs, func(index int) bool { return s.subs[index] == nil || !s.subs[index].some })
}

// limits of one response. What goes beyond follows when the peer has answered, so that one that is slow to read is not ahead
// of what it has read by more than this.
const (
	maxPuts  = 512
	maxBytes = 256 << 10
)

// next is what the peer is owed first, or nil. Whoever holds the ledger calls it.
func (s *session) next(l *ledger, now time.Time) (*discoveryv3.DeltaDiscoveryResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !l.complete || !s.begun() {
		return nil, nil //nolint:nilnil // nothing is owed
	}
	awaiting, counts := false, s.counts == nil || s.counts()
	for index, sub := range s.subs {
		// A revocation takes rights away, whoever counts. All else would have it decide by what nobody waits for it to let go of.
		if index != revocationsIndex && !counts {
			awaiting = true
			continue
		}
		if sub.inflight != nil {
			awaiting = true
			continue
		}
		owed, err := s.collect(l, index, sub)
		if err != nil {
			return nil, err
		}
		if !owed.empty() {
			return s.respond(index, sub, owed, now), nil
		}
		sub.sent, sub.acked = owed.upTo, owed.upTo
	}
	if !awaiting {
		s.caughtUp()
	}
	return nil, nil //nolint:nilnil // nothing is owed
}

// caughtUp lets go of what the peer brought along: from here on it is what it was sent that tells what it has.
func (s *session) caughtUp() {
	for _, sub := range s.subs {
		sub.held = nil
	}
}

// owed is the content of one response.
type owed struct {
	puts    []*discoveryv3.Resource
	keys    []Key
	digests []string
	removed []string
	bytes   int
	most    int
	upTo    uint64
}

func (o *owed) empty() bool { return len(o.puts) == 0 && len(o.removed) == 0 }

func (o *owed) full() bool { return len(o.puts) >= o.most || o.bytes >= maxBytes }

func (o *owed) put(e *entry, resource *discoveryv3.Resource) {
	o.puts = append(o.puts, resource)
	o.keys = append(o.keys, e.key)
	o.digests = append(o.digests, e.statement.Digest)
	o.bytes += len(resource.GetResource().GetValue())
}

// collect walks the log from where the peer stands.
func (s *session) collect(l *ledger, index int, sub *subscription) (*owed, error) {
	if sub.sent == 0 && sub.held != nil && sub.gone == nil {
		sub.lookForGone(l, index, s.peer)
	}
	o := &owed{most: s.most, upTo: sub.sent, removed: sub.gone}
	for _, p := range l.after(index, sub.sent) {
		if o.full() {
			return o, nil
		}
		if e := l.entries[p.key]; e != nil {
			wait, err := s.consider(index, sub, e, p.at, o)
			if wait || err != nil {
				return o, err
			}
		}
		o.upTo = p.at
	}
	o.upTo = max(o.upTo, l.head)
	if o.empty() {
		return o, s.offerAgain(l, sub, o)
	}
	return o, nil
}

// consider adds what the peer is owed of the entry at this position. Wait says that this cannot be told before the peer
// has answered.
func (s *session) consider(index int, sub *subscription, e *entry, at uint64, o *owed) (wait bool, err error) {
	if index == leaseIndex {
		return at == e.renewed && s.considerLease(sub, e, o), nil
	}
	return false, s.considerContent(sub, e, at, o)
}

func (s *session) considerContent(sub *subscription, e *entry, at uint64, o *owed) error {
	if !e.visible(s.peer) {
		if at == e.lost(s.peer) && at > sub.start {
			s.forget(sub, e.key)
			sub.some = false
			o.removed = append(o.removed, e.key.Name)
		}
		return nil
	}
	if at != e.due(s.peer) || e.withheld || s.brought(e) {
		return nil
	}
	resource, err := e.content()
	if err != nil {
		return fmt.Errorf("sending %s: %w", e.key, err)
	}
	s.forget(sub, e.key)
	o.put(e, resource)
	return nil
}

// has says whether the peer acknowledged the content or brought it along.
func (s *session) has(e *entry) bool {
	index, _ := kindIndex(e.key.Kind)
	return e.due(s.peer) <= s.subs[index].acked || s.brought(e)
}

// brought says whether the peer brought the content along, under this revision or a later one: under an earlier one it may
// still be given elsewhere what came between. Of revocations the bytes alone count, for replicas number them each by itself.
func (s *session) brought(e *entry) bool {
	index, _ := kindIndex(e.key.Kind)
	digest, held := s.subs[index].held[e.key.Name]
	if !held || digest != e.statement.Digest {
		return false
	}
	if leases := s.subs[leaseIndex]; leases != nil && index != revocationsIndex {
		return leaseRevision(leases.held[e.key.String()]) >= e.statement.Revision
	}
	return index == revocationsIndex
}

// forget what the peer brought along: it gets something else.
func (s *session) forget(sub *subscription, key Key) {
	delete(sub.held, key.Name)
	delete(s.subs[leaseIndex].held, key.String())
}

// considerLease waits for the answer where the content is in flight, since only then it is known whether the peer holds it.
// It passes over leases of content that is still to be sent, because that brings its newest envelope along, and of content
// that the peer rejected.
func (s *session) considerLease(sub *subscription, e *entry, o *owed) (wait bool) {
	index, _ := kindIndex(e.key.Kind)
	of := s.subs[index]
	if !e.visible(s.peer) || e.withheld {
		return false
	}
	if of.awaits(e.key) {
		return true
	}
	if s.has(e) && of.rejected[e.key].digest != e.statement.Digest && sub.lacks(e, s.peer) {
		o.put(e, e.lease())
	}
	return false
}

// lacks says whether a peer that holds the content has an older lease: the one that it brought along, or the one that came
// with the content.
func (sub *subscription) lacks(e *entry, p peer) bool {
	if brought, ok := sub.held[e.key.String()]; ok {
		return brought != leaseVersion(e.statement)
	}
	return e.renewed > max(sub.start, e.due(p))
}

func (sub *subscription) awaits(key Key) bool {
	if sub.inflight == nil {
		return false
	}
	_, sent := sub.inflight.puts[key.Name]
	return sent
}

// offerAgain fills a response with what was rejected while more was to come.
func (s *session) offerAgain(l *ledger, sub *subscription, o *owed) error {
	again := sub.again
	sub.again = nil
	for i, key := range again {
		e := l.entries[key]
		if e == nil || !e.visible(s.peer) || sub.rejected[key].digest != e.statement.Digest {
			continue
		}
		if o.full() {
			sub.again = again[i:]
			return nil
		}
		resource, err := e.content()
		if err != nil {
			return fmt.Errorf("sending %s: %w", key, err)
		}
		o.put(e, resource)
	}
	return nil
}

// respond notes the response as in flight.
func (s *session) respond(index int, sub *subscription, o *owed, now time.Time) *discoveryv3.DeltaDiscoveryResponse {
	s.nonce++
	flight := &inflight{
		nonce: strconv.FormatUint(s.nonce, 10), upTo: o.upTo, sentAt: now, cut: o.full(),
		puts: make(map[string]Key, len(o.keys)), digests: make(map[string]string, len(o.keys)),
	}
	for i, key := range o.keys {
		name := key.resourceName(index)
		flight.puts[name], flight.digests[name] = key, o.digests[i]
	}
	sub.inflight, sub.sent, sub.gone = flight, o.upTo, nil
	return &discoveryv3.DeltaDiscoveryResponse{
		TypeUrl: typeURLs[index], Nonce: flight.nonce, ControlPlane: controlPlane,
		Resources: o.puts, RemovedResources: o.removed,
	}
}

// stalled says since when the peer owes an answer; zero where it owes none.
func (s *session) stalled() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	var oldest time.Time
	for _, sub := range s.subs {
		if sub == nil || sub.inflight == nil {
			continue
		}
		if oldest.IsZero() || sub.inflight.sentAt.Before(oldest) {
			oldest = sub.inflight.sentAt
		}
	}
	return oldest
}

// passed is the position up to which the peer needs nothing of the past.
func (s *session) passed() (uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lowest, found := uint64(0), false
	for _, sub := range s.subs {
		if sub == nil || sub.ended {
			continue
		}
		if at := max(sub.sent, sub.start); !found || at < lowest {
			lowest, found = at, true
		}
	}
	return lowest, found
}
