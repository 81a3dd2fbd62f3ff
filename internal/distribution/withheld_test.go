// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"testing"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
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
	eventually(t, "trust came to both", func() bool { return holder.holds(trust) && stranger.holds(trust) })
	if !holder.holds(held) || stranger.size() != 1 {
		t.Fatalf("one that held it holds it: %t, another has %d bundles", holder.holds(held), stranger.size())
	}
	p := m.Progress(bundle.KindPolicy, "support/tickets", held.Statement.Digest)
	if p.Authorizers != 2 || p.Acked != 0 || p.Enforced() {
		t.Errorf("progress is %+v", p)
	}

	next := policyFor("support/tickets", 5, "policy 5", support)
	mustSet(t, m.Server, next, trust)
	eventually(t, "the next one came to both", func() bool {
		return holder.holds(next) && stranger.holds(next) && m.Progress(bundle.KindPolicy, "support/tickets", next.Statement.Digest).Enforced()
	})
	mustSet(t, m.Server, trust)
	eventually(t, "what is gone is removed from both", func() bool { return holder.size()+stranger.size() == 0 })
}

func TestWhatIsWithheldAndThenGoneIsRemoved(t *testing.T) {
	m, holder := startDefault(t), newShelf()
	held, trust := policyFor("support/tickets", 4, "policy 4"), trustFor(1, "trust 1")
	holder.held[held.key()] = held.Statement
	mustSet(t, m.Server, withheld("support/tickets"), trust)
	m.connect(t, everywhere, "node-1", holder)
	eventually(t, "trust came", func() bool { return holder.holds(trust) })
	mustSet(t, m.Server, trust)
	eventually(t, "it is removed", func() bool { return holder.size() == 1 })
}

// seen refuses whatever comes as older than what it saw.
type seen struct {
	*shelf

	floor int64
}

func (s seen) Update(changes []bundle.Change) []error {
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
	m.connect(t, everywhere, "node-2", seen{newShelf(), 17})
	eventually(t, "the floor is known", func() bool {
		p := m.Progress(bundle.KindPolicy, "support/tickets", old.Statement.Digest)
		return p.Floor == 17 && p.Acked == 1 && len(p.Rejected) == 1
	})
}

func TestFloorsAreReadAsTheyAreWritten(t *testing.T) {
	for sentence, c := range map[string]struct {
		err    error
		reason string
		floor  int64
	}{
		"a floor":           {err: &bundle.RolledBackError{Floor: 1795336800648}, reason: "SEEN_1795336800648", floor: 1795336800648},
		"any other refusal": {err: errBad},
	} {
		if got := reasonOf(c.err); got != c.reason || floorIn(got) != c.floor {
			t.Errorf("%s: %q, read as %d", sentence, got, floorIn(got))
		}
	}
	for _, reason := range []string{"SEEN_", "SEEN_x", "SEEN_99999999999999999999", "seen_1", "X_SEEN_1"} {
		if got := floorIn(reason); got != 0 {
			t.Errorf("%q is read as %d", reason, got)
		}
	}
}
