// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"cmp"
	"sync"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// Progress says how far one content has come.
type Progress struct {
	// Authorizers is how many serve the content: connected, or gone for less than the time that they count.
	Authorizers int
	// Acked is how many of them said that they enforce it.
	Acked int
	// Lagging are the names of those that did not say anything yet, sorted: namespace/serviceaccount@node.
	Lagging []string
	// Rejected are those that refused it and stay on what they had, sorted by name.
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

// Authorizers lists who is connected and who was until not long ago, sorted.
func (s *Server) Authorizers() []Authorizer {
	counted := s.authorizers.counted()
	all := make([]Authorizer, len(counted))
	for i, m := range counted {
		all[i] = Authorizer{Account: m.peer.account, Node: m.peer.node, Connected: m.end != nil, Since: m.seen}
	}
	return all
}

// Progress says which authorizers hold the content with this digest. Of content that is not distributed with this digest
// (any more, or yet), all that may see it are lagging.
func (s *Server) Progress(kind bundle.Kind, name, digest string) Progress {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.ledger.entries[Key{kind, name}]
	if e == nil {
		return Progress{}
	}
	var p Progress
	for _, m := range s.authorizers.counted() {
		if e.visible(m.peer) {
			p = p.with(m, e, digest)
		}
	}
	return p
}

// with counts one more authorizer.
func (p Progress) with(m member, e *entry, digest string) Progress {
	next := p
	next.Authorizers++
	standing, message := m.session.standing(e)
	if e.statement.Digest != digest {
		standing = lagging
	}
	switch standing {
	case acked:
		next.Acked++
	case rejected:
		next.Rejected = append(next.Rejected, Rejection{m.peer.String(), message})
	case lagging:
		next.Lagging = append(next.Lagging, m.peer.String())
	}
	return next
}

// standing is how a peer stands to the present content.
type standing int

const (
	lagging standing = iota
	acked
	rejected
)

func (s *session) standing(e *entry) (standing, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	index, _ := kindIndex(e.key.Kind)
	sub := s.subs[index]
	if sub == nil {
		return lagging, ""
	}
	if refusal, ok := sub.rejected[e.key]; ok && refusal.digest == e.statement.Digest {
		return rejected, refusal.message
	}
	if e.due(s.peer) <= sub.acked || sub.held[e.key.Name] == e.statement.Digest {
		return acked, ""
	}
	return lagging, ""
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
