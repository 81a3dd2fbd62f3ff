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

	mu      sync.Mutex
	members map[string]*member
	// turn counts who came, went and was forgotten.
	turn uint64
	// started is when this process began to serve, and led when it began to lead; zero where it does not. Neither is a moment
	// since when a replica that another one leads knows whom all managers served: that is told, zero where none told it.
	started, led, told time.Time
	// tellers are how many tell it now, and silent is since when none does that did.
	tellers int
	silent  time.Time
	// heard are the accounts, guests left out, of which an instance has connected since all managers are known of.
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
	r.turn++
	session.turn = r.turn
	if !guest {
		r.heard[p.account] = true
	}
	return session, nil
}

// unheard gives those of the accounts of which no instance has connected since this process knows whom managers served, as
// long as one that was served before may still enforce what it was given then. It does not know of a second instance under an
// account of which a first one is back.
func (r *roll) unheard(expected []authz.Actor, present func() map[authz.Actor]bool) []authz.Actor {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clock.Now().Sub(r.since()) > r.countFor {
		return nil
	}
	there := present()
	return slices.DeleteFunc(slices.Clone(expected), func(a authz.Actor) bool { return r.heard[a] || there[a] })
}

// lapse is how long a replica may be told nothing, and still takes what it was told for all that there is: when a leader ends,
// another one is followed within less.
const lapse = 30 * time.Second

// served takes service accounts, guests left out, of which another replica knows an instance.
func (r *roll) served(accounts map[authz.Actor]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(r.heard, accounts)
}

// learn takes since when another replica knows of everybody. First says that it had not said so before, and goes on telling
// until unlearn.
func (r *roll) learn(since time.Time, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lapsed()
	if first {
		r.tellers++
	}
	if r.told.IsZero() || since.Before(r.told) {
		r.told = since
	}
}

// unlearn notes that one that told ceased to.
func (r *roll) unlearn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tellers--
	r.silent = r.clock.Now()
}

// lapsed forgets what was told where a leader may have served others since, whom it did not tell this replica of.
func (r *roll) lapsed() {
	if r.led.IsZero() && r.tellers == 0 && r.clock.Now().Sub(r.silent) > lapse {
		r.told = time.Time{}
		clear(r.heard)
	}
}

// lead notes that whatever happens from now on is told to this replica.
func (r *roll) lead() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lapsed()
	r.led = r.clock.Now()
}

// since is from when on a replica that leads knows of everybody.
func (r *roll) since() time.Time {
	own := r.started
	if !r.led.IsZero() {
		own = r.led
	}
	if !r.told.IsZero() && r.told.Before(own) {
		return r.told
	}
	return own
}

// knowsSince is since when this replica knows of everybody, in nanoseconds since the Unix epoch; 0 where it knows of its own
// authorizers alone, because it does not lead and no leader told it.
func (r *roll) knowsSince() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lapsed()
	switch {
	case !r.led.IsZero():
		return r.since().UnixNano()
	case r.told.IsZero():
		return 0
	default:
		return r.told.UnixNano()
	}
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
		r.turn++
	default:
		r.turn++
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

// counted gives those who count, in no order, and the turn in which that is so.
func (r *roll) counted() ([]member, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire()
	all := make([]member, 0, len(r.members))
	for _, m := range r.members {
		all = append(all, *m)
	}
	return all, r.turn
}

func (r *roll) turnOf() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.turn
}

// forget drops whoever is gone from here and connected to another replica. One that is back meanwhile stays.
func (r *roll) forget(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.members[s.peer.String()]; m != nil && m.session == s && m.end == nil {
		delete(r.members, s.peer.String())
	}
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
