// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// roll is the list of authorizers that are served, and of those that were until not long ago.
type roll struct {
	clock    Clock
	countFor time.Duration
	most     int

	// started is when this process began to serve. It knows nothing of whom an earlier one served.
	started time.Time

	mu      sync.Mutex
	members map[string]*member
	// heard are the accounts, guests left out, of which an instance has connected since then.
	heard map[authz.Actor]bool
}

// member is one instance of an authorizer.
type member struct {
	peer    peer
	session *session
	// guest says that it could see nothing when it came.
	guest bool
	// end ends its stream; nil where it has none.
	end func(error)
	// seen is when it connected, or when it was lost.
	seen time.Time
}

func newRoll(options Options) *roll {
	return &roll{
		clock: options.Clock, countFor: options.CountFor, most: options.MaxAuthorizers, started: options.Clock.Now(),
		members: map[string]*member{}, heard: map[authz.Actor]bool{},
	}
}

var (
	errTooMany  = errors.New("there are as many authorizers as this manager serves")
	errReplaced = errors.New("the same authorizer has opened another stream")
)

// join puts a peer on the roll. A stream that the same instance had before is ended; what it acknowledged is remembered.
func (r *roll) join(p peer, guest bool, end func(error)) (*session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire()
	before, known := r.members[p.String()]
	if !known && !r.room(p, guest) {
		return nil, errTooMany
	}
	var earlier *session
	if known {
		earlier = before.session
		if before.end != nil {
			before.end(errReplaced)
		}
	}
	session := newSession(p, earlier)
	r.members[p.String()] = &member{peer: p, session: session, guest: guest, end: end, seen: r.clock.Now()}
	if !guest {
		r.heard[p.account] = true
	}
	return session, nil
}

// unheard gives those of the accounts of which no instance has connected since this process started, as long as one that an
// earlier process served may still enforce what that one gave it. It does not know of a second instance under an account of
// which a first one is back.
func (r *roll) unheard(expected []authz.Actor) []authz.Actor {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clock.Now().Sub(r.started) > r.countFor {
		return nil
	}
	present := map[authz.Actor]bool{}
	for _, m := range r.members {
		present[m.peer.account] = true
	}
	return slices.DeleteFunc(slices.Clone(expected), func(a authz.Actor) bool { return r.heard[a] || present[a] })
}

// maxGuests bounds the instances of one service account that may see nothing: anybody in the cluster can have that many.
const maxGuests = 16

// room says whether one more can be taken in. Guests leave three quarters of the room to those that are named.
func (r *roll) room(p peer, guest bool) bool {
	if !guest {
		return len(r.members) < r.most || r.forgetOldest()
	}
	guests, own := 0, 0
	for _, m := range r.members {
		if !m.guest {
			continue
		}
		guests++
		if m.peer.account == p.account {
			own++
		}
	}
	return own < maxGuests && guests < r.most/4 && len(r.members) < r.most
}

// leave notes that the session's stream has ended. Guests are not remembered.
func (r *roll) leave(s *session, guest bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[s.peer.String()]
	switch {
	case m == nil || m.session != s:
	case guest:
		delete(r.members, s.peer.String())
	default:
		m.end, m.seen = nil, r.clock.Now()
		r.heard[s.peer.account] = true
	}
}

// expire drops whoever has been gone for longer than it counts.
func (r *roll) expire() {
	maps.DeleteFunc(r.members, func(_ string, m *member) bool {
		return m.end == nil && r.clock.Now().Sub(m.seen) > r.countFor
	})
}

// forgetOldest drops the one that has been gone for longest, if any is gone.
func (r *roll) forgetOldest() bool {
	oldest := ""
	for name, m := range r.members {
		if m.end == nil && (oldest == "" || m.seen.Before(r.members[oldest].seen)) {
			oldest = name
		}
	}
	delete(r.members, oldest)
	return oldest != ""
}

// counted gives those who count, in no order: it is asked for every bundle whenever somebody has answered.
func (r *roll) counted() []member {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire()
	all := make([]member, 0, len(r.members))
	for _, m := range r.members {
		all = append(all, *m)
	}
	return all
}

// sessions gives those that have a stream.
func (r *roll) sessions() []*session {
	r.mu.Lock()
	defer r.mu.Unlock()
	sessions := make([]*session, 0, len(r.members))
	for _, m := range r.members {
		if m.end != nil {
			sessions = append(sessions, m.session)
		}
	}
	return sessions
}
