// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

func withheld(name string, authorizers ...authz.Actor) Resource {
	return Resource{Statement: bundle.Statement{Kind: bundle.KindPolicy, Name: name}, Authorizers: authorizers, Withheld: true}
}

// THREATS 39
func TestWhatIsWithheldIsKeptByWhoeverHoldsIt(t *testing.T) {
	m, holder, stranger := startManager(t, Options{Authenticator: newReviewer(support)}, ""), newShelf(), newShelf()
	held := policyFor("support/tickets", 4, "policy 4")
	holder.held[held.key()] = held.Statement
	trust := trustFor(1, "trust 1")
	mustSet(t, m.Server, withheld("support/tickets", support), trust)
	m.connect(t, support, "node-1", holder)
	m.connect(t, support, "node-2", stranger)
	distributiontest.Eventually(t, "trust came to both", func() bool { return holder.holds(trust) && stranger.holds(trust) })
	if !holder.holds(held) || stranger.size() != 1 {
		t.Fatalf("one that held it holds it: %t, another has %d bundles", holder.holds(held), stranger.size())
	}
	p := m.Progress(bundle.KindPolicy, "support/tickets", held.Statement.Revision, held.Statement.Digest)
	if p.Authorizers != 2 || p.Acked != 0 || p.Enforced() {
		t.Errorf("progress is %+v", p)
	}

	next := policyFor("support/tickets", 5, "policy 5", support)
	mustSet(t, m.Server, next, trust)
	distributiontest.Eventually(t, "the next one came to both", func() bool {
		return holder.holds(next) && stranger.holds(next) && m.Progress(bundle.KindPolicy, "support/tickets", next.Statement.Revision, next.Statement.Digest).Enforced()
	})
	mustSet(t, m.Server, trust)
	distributiontest.Eventually(t, "what is gone is removed from both", func() bool { return holder.size()+stranger.size() == 0 })
}

func TestWhatIsWithheldAndThenGoneIsRemoved(t *testing.T) {
	m, holder := startDefault(t), newShelf()
	held, trust := policyFor("support/tickets", 4, "policy 4"), trustFor(1, "trust 1")
	holder.held[held.key()] = held.Statement
	mustSet(t, m.Server, withheld("support/tickets"), trust)
	m.connect(t, everywhere, "node-1", holder)
	distributiontest.Eventually(t, "trust came", func() bool { return holder.holds(trust) })
	mustSet(t, m.Server, trust)
	distributiontest.Eventually(t, "it is removed", func() bool { return holder.size() == 1 })
}

// forgetless refuses whatever comes as older than what it saw.
type forgetless struct {
	*shelf

	floor int64
}

func (s forgetless) Update(changes []bundle.Change) []error {
	errs := make([]error, len(changes))
	for i := range errs {
		errs[i] = errors.Join(errors.New("refusing it"), &bundle.RolledBackError{Floor: s.floor})
	}
	return errs
}

// THREATS 39
func TestAnAuthorizerSaysWhichRevisionItHasSeen(t *testing.T) {
	m := startDefault(t)
	old := policyFor("support/tickets", 4, "policy 4")
	mustSet(t, m.Server, old)
	m.connect(t, everywhere, "node-1", newShelf())
	m.connect(t, everywhere, "node-2", forgetless{newShelf(), 17})
	m.connect(t, everywhere, "node-3", forgetless{newShelf(), math.MaxInt64}) // nobody can have assigned that: it must not hide the other one
	distributiontest.Eventually(t, "the floor is known", func() bool {
		p := m.Progress(bundle.KindPolicy, "support/tickets", old.Statement.Revision, old.Statement.Digest)
		return p.Floor == 17 && p.Acked == 1 && len(p.Rejected) == 2
	})
}

func TestFloorsAreReadAsTheyAreWritten(t *testing.T) {
	detail := reject(map[string]error{
		"support/tickets": fmt.Errorf("refusing it: %w", &bundle.RolledBackError{Floor: 1795336800648}), "billing/ledger": errBad,
	})
	if got := floorsIn(detail); len(got) != 1 || got["support/tickets"] != 1795336800648 {
		t.Errorf("got %v", got)
	}
	if got := floorsIn(reject(map[string]error{"billing/ledger": errBad})); len(got) != 0 {
		t.Errorf("of what was refused for another reason: %v", got)
	}
	for sentence, info := range map[string]*errdetails.ErrorInfo{
		"another reason": {Reason: "X", Domain: seenDomain, Metadata: map[string]string{"a/b": "1"}},
		"another domain": {Reason: seenReason, Domain: "example", Metadata: map[string]string{"a/b": "1"}},
		"no number":      {Reason: seenReason, Domain: seenDomain, Metadata: map[string]string{"a/b": "99999999999999999999"}},
	} {
		packed, err := anypb.New(info)
		if err != nil {
			t.Fatal(err)
		}
		if got := floorsIn(&statuspb.Status{Details: []*anypb.Any{packed}}); len(got) != 0 {
			t.Errorf("%s: %v", sentence, got)
		}
	}
}

// THREATS 39: of an API server that was restored, say. The leader then gives the very same content a later revision.
func TestWhatWasRefusedAsOlderComesAgainUnderALaterRevision(t *testing.T) {
	t.Parallel()
	s := replica(t, "a", distributiontest.NewClock())
	mustSet(t, s)
	who := authorizers(t, s, everywhere, "1")[0]
	mustSet(t, s, policyFor("support/tickets", 4, "one"))
	catchUp(t, s, who, map[string]error{"support/tickets": &bundle.RolledBackError{Floor: 17}})
	again := policyFor("support/tickets", 18, "one")
	mustSet(t, s, again)
	if p := progressOf(s, again); p.Enforced() {
		t.Errorf("before it has come again: %+v", p)
	}
	catchUp(t, s, who, nil)
	if p := progressOf(s, again); !p.Enforced() || p.Acked != 1 {
		t.Errorf("in the end: %+v", p)
	}
}

func TestWhichRevisionsAreBelieved(t *testing.T) { // THREATS 33
	t.Parallel()
	now := time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
	millis, day := now.UnixMilli(), int64(24*60*60*1000)
	for sentence, c := range map[string]struct {
		kind     bundle.Kind
		revision int64
		assigned int64
		want     bool
	}{
		"of the past":                        {bundle.KindPolicy, 1, 0, true},
		"none":                               {bundle.KindPolicy, 0, 0, false},
		"less than none":                     {bundle.KindRevocations, -1, 5, false},
		"a day ahead of the clock":           {bundle.KindPolicy, millis + day, 0, true},
		"more than that":                     {bundle.KindPolicy, millis + day + 1, millis + day, false},
		"of revocations, ahead of the clock": {bundle.KindRevocations, millis + day + 1, 0, false},
		"of revocations, which the API server counts faster than time passes": {bundle.KindRevocations, millis + 9*day, millis + 8*day, true},
		"of revocations, a day's worth ahead of that":                         {bundle.KindRevocations, millis + 9*day + 1, millis + 8*day, false},
		"beyond all numbers": {bundle.KindRevocations, math.MaxInt64, math.MaxInt64 - 1, false},
	} {
		if got := Believable(c.kind, c.revision, c.assigned, now); got != c.want {
			t.Errorf("%s: %t", sentence, got)
		}
	}
}
