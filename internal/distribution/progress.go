// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// Progress says how far one content has come.
type Progress struct {
	// Authorizers is how many serve the content: connected, gone for less than the time that they count, or expected and not
	// heard of yet.
	Authorizers int
	// Connected is how many of them have a stream.
	Connected int
	// LastGone is when the last of those that are gone went; zero where none is.
	LastGone time.Time
	// Acked is how many of them said that they enforce it.
	Acked int
	// Lagging are those that did not say anything yet, sorted: namespace/serviceaccount@node. In brackets behind it stands
	// what is to be known of one that is not connected.
	Lagging []string
	// Waiting is how many of the lagging are connected.
	Waiting int
	// Floor is the highest revision of it that one of them says it has seen, where that is beyond what it was sent and
	// somebody can have assigned it; 0 otherwise.
	Floor int64
	// Rejected are those that refused it, are connected and stay on what they had, sorted by name. One that refused it and
	// is gone is lagging: nobody can tell what its next instance will say.
	Rejected []Rejection
}

// Enforced says whether all that serve it enforce it. It is true where nobody serves it: see Authorizers.
func (p Progress) Enforced() bool { return p.Acked == p.Authorizers }

// Rejection is an authorizer's refusal.
type Rejection struct {
	Authorizer string
	Message    string
}

// Authorizer is one instance on the roll.
type Authorizer struct {
	Account authz.Actor
	Node    string
	// Connected says whether it has a stream; Since when it has one, or has none.
	Connected bool
	Since     time.Time
}

// Authorizers lists who is connected and who was until not long ago, to whichever replica, sorted.
func (s *Server) Authorizers() []Authorizer {
	s.gathered.mu.Lock()
	defer s.gathered.mu.Unlock()
	seats := s.present().seats
	all := make([]Authorizer, len(seats))
	for i, seat := range seats {
		all[i] = Authorizer{Account: seat.peer.account, Node: seat.peer.node, Connected: seat.connected, Since: seat.seen}
	}
	slices.SortFunc(all, func(a, b Authorizer) int {
		return cmp.Or(compareAccounts(a.Account, b.Account), cmp.Compare(a.Node, b.Node))
	})
	return all
}

// Progress says which authorizers hold the content with this digest, under this revision or a later one, over all replicas that
// this one hears of. Of content that a replica does not distribute so (any more, or yet), all that it serves and that may see it
// are lagging.
func (s *Server) Progress(kind bundle.Kind, name string, revision int64, digest string) Progress {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.ledger.entries[Key{kind, name}]
	if e == nil {
		return Progress{}
	}
	s.gathered.mu.Lock()
	defer s.gathered.mu.Unlock()
	var p Progress
	want := wanted{revision: revision, digest: digest}
	if kind == bundle.KindPolicy {
		want.needs = s.ledger.needs()
	}
	present := s.present()
	for i := range present.seats {
		if seat := &present.seats[i]; e.visible(seat.peer) {
			s.include(&p, seat, e, want)
		}
	}
	for _, account := range s.authorizers.unheard(s.expected(e), present.accounts) {
		p.Authorizers++
		p.Lagging = append(p.Lagging, account.String()+" (not heard of since the manager started)")
	}
	slices.Sort(p.Lagging)
	slices.SortFunc(p.Rejected, func(a, b Rejection) int { return cmp.Compare(a.Authorizer, b.Authorizer) })
	return p
}

// Expected is how many service accounts are named as authorizers, for everything or for some resource server, and of how
// many of them an instance is connected.
func (s *Server) Expected() (connected, expected int) {
	s.mu.RLock()
	named := slices.AppendSeq(slices.Collect(maps.Keys(s.clusterWide)), maps.Keys(s.ledger.named))
	s.mu.RUnlock()
	present := map[authz.Actor]bool{}
	for _, a := range s.Authorizers() {
		present[a.Account] = present[a.Account] || a.Connected
	}
	named = unique(named)
	for _, account := range named {
		if present[account] {
			connected++
		}
	}
	return connected, len(named)
}

// expected are the accounts that may see the entry.
func (s *Server) expected(e *entry) []authz.Actor {
	if e.removed {
		return nil
	}
	return unique(slices.AppendSeq(slices.Collect(maps.Keys(s.clusterWide)), e.access.opened()))
}

// wanted is what has to be acknowledged.
type wanted struct {
	revision int64
	digest   string
	// needs are the kinds without any of which nobody enforces it.
	needs []int
}

// met says whether a replica that distributes this distributes what is wanted, and will not go back behind it: one that has the
// bytes from before they became others and the same again is still to go through those. Of revocations the bytes alone count,
// because each replica numbers them by itself.
func (w wanted) met(kind bundle.Kind, revision int64, digest string) bool {
	return digest == w.digest && (revision >= w.revision || kind == bundle.KindRevocations)
}

// include counts one more authorizer.
func (s *Server) include(p *Progress, who *seat, e *entry, want wanted) {
	p.Authorizers++
	if who.connected {
		p.Connected++
	} else if who.seen.After(p.LastGone) {
		p.LastGone = who.seen
	}
	standing, refusal := who.standing(e, want)
	if Believable(e.key.Kind, refusal.floor, e.statement.Revision, s.options.Clock.Now()) {
		p.Floor = max(p.Floor, refusal.floor) // what nobody can have seen must not hide what another one has
	}
	switch {
	case standing == acked:
		p.Acked++
	case !who.connected:
		p.Lagging = append(p.Lagging, fmt.Sprintf("%s (%s)", who.peer, absence(standing, who.seen, who.seen.Add(s.options.CountFor))))
	case standing == rejected:
		p.Rejected = append(p.Rejected, Rejection{who.peer.String(), refusal.message})
	default:
		p.Waiting++
		p.Lagging = append(p.Lagging, who.peer.String())
	}
}

// absence is what is to be known of an authorizer that is gone.
func absence(before standing, since, until time.Time) string {
	text := fmt.Sprintf("gone since %s, counts until %s", timeOfDay(since), timeOfDay(until))
	if before == rejected {
		return "refused it, " + text
	}
	return text
}

func timeOfDay(t time.Time) string { return t.UTC().Format("15:04:05Z") }

// standing is how a peer stands to the present content.
type standing int

const (
	lagging standing = iota
	acked
	rejected
)

func (s *session) standing(e *entry, needs []int) (standing, rejection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	index, _ := kindIndex(e.key.Kind)
	sub := s.subs[index]
	if sub == nil {
		return lagging, rejection{}
	}
	if refusal, ok := sub.rejected[e.key]; ok && refusal.digest == e.statement.Digest {
		return rejected, refusal
	}
	if s.has(e) && s.decides(needs) {
		return acked, rejection{}
	}
	return lagging, rejection{}
}

// listeners are told that something about progress may have changed.
type listeners struct {
	mu  sync.Mutex
	all map[chan struct{}]struct{}
}

// Subscribe gives a channel that has something in it whenever authorizers came, went, answered or are owed something since
// it was last read. However much happens, it holds one notice. The function ends the subscription.
func (s *Server) Subscribe() (changes <-chan struct{}, cancel func()) {
	notices := make(chan struct{}, 1)
	s.listeners.mu.Lock()
	defer s.listeners.mu.Unlock()
	if s.listeners.all == nil {
		s.listeners.all = map[chan struct{}]struct{}{}
	}
	s.listeners.all[notices] = struct{}{}
	return notices, func() {
		s.listeners.mu.Lock()
		defer s.listeners.mu.Unlock()
		delete(s.listeners.all, notices)
	}
}

func (l *listeners) notify() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for notices := range l.all {
		select {
		case notices <- struct{}{}:
		default:
		}
	}
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}
