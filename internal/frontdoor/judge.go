// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package frontdoor is what the front doors share: the way from a decoded question to an answer that is counted and
// recorded, and the words that an end user may read. The doors themselves decode and encode; they never import each other.
package frontdoor

import (
	"fmt"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/engine"
)

// Snapshots gives the snapshot in force; nil where there is none yet.
type Snapshots interface {
	Current() *engine.Snapshot
}

// Observer is told of every decision. It must not block and must not change what it is given.
type Observer interface {
	Observe(Event)
}

// Event is one decision with what led to it.
type Event struct {
	Caller

	Request  *authz.Request
	Decision authz.Decision
	At       time.Time
	Took     time.Duration
}

// Caller says where a question came from.
type Caller struct {
	// Door is the name of the front door.
	Door string
	// RequestID as the caller gave it; may be empty.
	RequestID string
	// Peer is the service account that asked, where the door authenticates its peers.
	Peer string
}

// Judge answers questions from one snapshot each, whatever happens.
type Judge struct {
	Snapshots Snapshots
	Clock     func() time.Time
	Observers []Observer
}

// Reader turns what came through a door into a question, on the snapshot and at the time that the answer will be given on.
type Reader func(*engine.Snapshot, time.Time) *authz.Request

// Answer reads the question and decides. A panic in either denies, and so does one in an observer: a decision that cannot be
// recorded is not given.
func (j *Judge) Answer(caller Caller, read Reader) (event Event) {
	event = Event{Caller: caller, Request: &authz.Request{}, At: j.Clock()}
	defer func() {
		if cause := recover(); cause != nil {
			event.Decision = panicked(cause)
		}
	}()
	event.decide(j.Snapshots.Current(), read)
	event.Took = j.Clock().Sub(event.At)
	for _, o := range j.Observers {
		o.Observe(event)
	}
	return event
}

// decide catches what reading throws, so that observers learn of it.
func (e *Event) decide(s *engine.Snapshot, read Reader) {
	defer func() {
		if cause := recover(); cause != nil {
			e.Decision = panicked(cause)
		}
	}()
	e.Request = read(s, e.At)
	e.Decision = s.Decide(e.Request, e.At)
}

// panicked names the type of what was thrown and not its text, which may hold parts of the request.
func panicked(cause any) authz.Decision {
	return authz.Decision{Denial: authz.Denial{
		Leg:     authz.LegIdentity,
		Reason:  authz.ReasonInternalError,
		Message: fmt.Sprintf("the request could not be read: a panic of type %T", cause),
	}}
}
