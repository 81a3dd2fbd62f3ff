// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"cmp"
	"slices"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// roster is everybody who counts, over all replicas: each instance once. It does not change.
type roster struct {
	seats []seat
	// turn and rollTurn say of which state it is made, until how long it holds if nothing happens.
	turn, rollTurn uint64
	until          time.Time
}

// seat is one instance of an authorizer.
type seat struct {
	peer      peer
	connected bool
	// seen is when it connected, or when it was lost.
	seen time.Time
	// stands are its streams, of which there is more than one only until a replica notices that it is gone; or the last that
	// it had.
	stands []stand
}

// stand is an instance as one replica knows it: this one by a session, another one by what it told.
type stand struct {
	session *session
	view    *view
	heard   *heard
}

// standing is the worst of all: nobody can tell which of its streams speaks for what it does now.
func (s *seat) standing(e *entry, want wanted) (standing, rejection) {
	for _, stand := range s.stands {
		if standing, refusal := stand.standing(e, want); standing != acked {
			return standing, refusal
		}
	}
	return acked, rejection{}
}

func (s stand) standing(e *entry, want wanted) (standing, rejection) {
	switch {
	case s.session == nil:
		return s.view.standing(s.heard, e.key, want)
	case !want.met(e.key.Kind, e.statement.Revision, e.statement.Digest):
		return lagging, rejection{}
	default:
		return s.session.standing(e, want.needs)
	}
}

// present is the roster of now. Whoever holds the lock of what was gathered calls it.
func (s *Server) present() *roster {
	g := &s.gathered
	now := s.options.Clock.Now()
	if r := g.roster; r == nil || r.turn != g.turn || r.rollTurn != s.authorizers.turnOf() || now.After(r.until) {
		g.roster = s.count(now)
	}
	return g.roster
}

// count makes a roster, and lets go of whoever counts no longer.
func (s *Server) count(now time.Time) *roster {
	g := &s.gathered
	members, rollTurn := s.authorizers.counted()
	latest := connections(members, g.views)
	elsewhere := func(name string, since time.Time) bool { return latest[name].After(since) }
	seats := seating{}
	for _, m := range members {
		if m.end == nil && elsewhere(m.peer.String(), m.seen) {
			s.authorizers.forget(m.session)
			continue
		}
		seats.take(m.peer, m.end != nil, m.seen, stand{session: m.session})
	}
	for _, replica := range sortedKeys(g.views) {
		v := g.views[replica]
		if v.lost && !v.shed(now.Add(-s.options.CountFor), elsewhere) {
			delete(g.views, replica)
		}
		for name, i := range v.instances {
			seats.takeNamed(name, i.peer, i.Connected, i.seen(), stand{view: v, heard: i})
		}
	}
	r := &roster{seats: seats.sorted(), turn: g.turn, rollTurn: rollTurn, until: now.Add(s.options.CountFor)}
	for _, seat := range r.seats {
		if end := seat.seen.Add(s.options.CountFor); !seat.connected && end.Before(r.until) {
			r.until = end
		}
	}
	return r
}

// connections says since when who is connected, anywhere.
func connections(members []member, views map[string]*view) map[string]time.Time {
	latest := map[string]time.Time{}
	note := func(name string, connected bool, seen time.Time) {
		if connected && seen.After(latest[name]) {
			latest[name] = seen
		}
	}
	for _, m := range members {
		note(m.peer.String(), m.end != nil, m.seen)
	}
	for _, v := range views {
		for name, i := range v.instances {
			note(name, i.Connected, i.seen())
		}
	}
	return latest
}

// seating collects seats by name.
type seating map[string]*seat

func (all seating) take(p peer, connected bool, seen time.Time, s stand) {
	all.takeNamed(p.String(), p, connected, seen, s)
}

// takeNamed has every stream of an instance stand for it, or, where it has none, the one that it had last.
func (all seating) takeNamed(name string, p peer, connected bool, seen time.Time, s stand) {
	before := all[name]
	switch {
	case before == nil || connected && !before.connected:
		all[name] = &seat{peer: p, connected: connected, seen: seen, stands: []stand{s}}
	case before.connected && !connected || !connected && !seen.After(before.seen):
	case !connected:
		before.seen, before.stands = seen, []stand{s}
	default:
		before.stands = append(before.stands, s)
		if seen.After(before.seen) {
			before.seen = seen
		}
	}
}

func (all seating) sorted() []seat {
	seats := make([]seat, 0, len(all))
	for _, s := range all {
		seats = append(seats, *s)
	}
	slices.SortFunc(seats, func(a, b seat) int {
		return cmp.Or(compareAccounts(a.peer.account, b.peer.account), cmp.Compare(a.peer.node, b.peer.node))
	})
	return seats
}

// accounts of which an instance counts.
func (r *roster) accounts() map[authz.Actor]bool {
	all := map[authz.Actor]bool{}
	for _, s := range r.seats {
		all[s.peer.account] = true
	}
	return all
}
