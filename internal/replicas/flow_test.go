// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"

	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

// THREATS 39
func TestTheLeaderCountsTheAuthorizersOfAllReplicas(t *testing.T) {
	c := newCluster(t)
	a, b, d := c.start("a"), c.start("b"), c.start("d")
	a.leads()
	all := []*replica{a, b, d}
	held := newShelf()
	held.gate = make(chan struct{})
	for _, r := range all {
		r.publish("one", 1)
	}
	a.connect("at-a", newShelf())
	b.connect("at-b", newShelf())
	leave := d.connect("at-d", held)
	distributiontest.Eventually(t, "two have it and one that is connected and silent lags", func() bool {
		p := a.progress("one")
		return p.Authorizers == 3 && p.Acked == 2 && p.Waiting == 1 && slices.Equal(p.Lagging, []string{nameOf("at-d")})
	})
	close(held.gate)
	distributiontest.Eventually(t, "all have it", func() bool { p := a.progress("one"); return p.Enforced() && p.Connected == 3 })

	for i, r := range all {
		if p := a.progress("two"); p.Enforced() || p.Acked > i { // as many as distribute it may have acknowledged it by now
			t.Errorf("after %d of 3 replicas distribute the next content: %+v", i, p)
		}
		r.publish("two", 2)
	}
	distributiontest.Eventually(t, "all have that", func() bool { p := a.progress("two"); return p.Enforced() && p.Connected == 3 })

	leave()
	b.connect("at-d", held)
	distributiontest.Eventually(t, "one that moved is counted once", func() bool {
		p := a.progress("two")
		return p.Enforced() && p.Authorizers == 3 && p.Connected == 3
	})
}

// THREATS 39
func TestTheNextLeaderGoesOnFromWhatItWasTold(t *testing.T) {
	c := newCluster(t)
	a, b, d := c.start("a"), c.start("b"), c.start("d")
	a.leads()
	for _, r := range []*replica{a, b, d} {
		r.publish("one", 1)
	}
	leave := a.connect("at-a", newShelf())
	b.connect("at-b", newShelf())
	d.connect("at-d", newShelf())
	everybody := func(r *replica) bool {
		return len(r.Authorizers()) == 3 && !slices.ContainsFunc(r.Authorizers(), func(x distribution.Authorizer) bool { return !x.Connected })
	}
	distributiontest.Eventually(t, "each replica knows of all", func() bool { return everybody(a) && everybody(b) && everybody(d) })
	distributiontest.Eventually(t, "all have it, by the leader's word to the others", func() bool { return a.progress("one").Enforced() && b.progress("one").Enforced() })

	a.stop()
	leave()
	b.leads()
	distributiontest.Eventually(t, "who served under the dead leader is gone, and counts", func() bool {
		p := b.progress("one")
		return p.Authorizers == 3 && p.Connected == 2 && p.Enforced()
	})
	b.publish("two", 2)
	d.publish("two", 2)
	distributiontest.Eventually(t, "of the next content it lags, by name", func() bool {
		p := b.progress("two")
		return p.Acked == 2 && len(p.Lagging) == 1 && strings.HasPrefix(p.Lagging[0], nameOf("at-a")+" (gone since ")
	})
	d.connect("at-a", newShelf())
	distributiontest.Eventually(t, "until it is back at another replica", func() bool {
		p := b.progress("two")
		return p.Enforced() && p.Authorizers == 3 && p.Connected == 3
	})
}

func TestAFollowerSaysToWhomItReports(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a"), c.start("b")
	if got := b.follower.String(); got != "no leader is known" {
		t.Errorf("at first: %s", got)
	}
	a.leads()
	distributiontest.Eventually(t, "it reports", func() bool {
		return b.follower.String() == "reporting to a" && b.follower.Ready() == nil && a.leader.Followers() == 1
	})
	distributiontest.Eventually(t, "the leader leads", func() bool { return a.follower.String() == "others report to this replica" })
	b.leads()
	distributiontest.Eventually(t, "the roles are changed", func() bool { return a.follower.String() == "reporting to b" && a.leader.Followers() == 0 })
	c.election.elect(Elected{Identity: "z"})
	distributiontest.Eventually(t, "a leader without an address is named", func() bool { return a.follower.String() == "leader z does not say where it listens" })
	c.election.elect(Elected{})
	distributiontest.Eventually(t, "nobody leads", func() bool { return a.follower.String() == "no leader is known" })
}

// THREATS 39: an authorizer of a replica that the leader does not hear of decides by nothing that it was given there.
func TestAReplicaThatDoesNotReachTheLeaderGivesNothingToDecideBy(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a"), c.start("b")
	a.Lead()
	c.election.elect(Elected{Identity: "a", Address: "127.0.0.1:1"}) // nobody listens there
	for _, r := range []*replica{a, b} {
		r.publish("one", 1)
		if err := r.Put(revocations(t, 1)); err != nil {
			t.Fatal(err)
		}
	}
	held := newShelf()
	a.connect("at-a", newShelf())
	b.connect("at-b", held)
	distributiontest.Eventually(t, "revocations come to everybody", func() bool { return held.has(revocationsKey) })
	distributiontest.Eventually(t, "the leader counts its own", func() bool { p := a.progress("one"); return p.Enforced() && p.Connected == 1 })
	if held.has(ticketsKey) {
		t.Error("one that the leader does not count was given a policy")
	}
	a.leads()
	distributiontest.Eventually(t, "it is given one", func() bool { return held.has(ticketsKey) })
	distributiontest.Eventually(t, "and is counted", func() bool { p := a.progress("one"); return p.Enforced() && p.Connected == 2 })
}

// THREATS 39: whoever leads next waits for all that may serve, so they are written down before.
func TestALeaderWritesDownWhoReportsBeforeItAnswers(t *testing.T) {
	c := newCluster(t)
	a, b, d := c.start("a"), c.start("b"), c.start("d")
	c.record.fail(errNoAuthority)
	a.leads()
	distributiontest.Eventually(t, "they say why nobody hears them", func() bool {
		return strings.Contains(errorOf(b), "writing down which replicas may serve authorizers: "+errNoAuthority.Error()) && errorOf(d) != ""
	})
	if b.follower.now().reports || d.follower.now().reports {
		t.Error("one was let in that is not written down")
	}
	c.record.fail(nil)
	distributiontest.Eventually(t, "both are let in", func() bool { return b.follower.now().reports && d.follower.now().reports })
	if got := c.record.read(); !slices.Equal(got, []string{"b", "d"}) {
		t.Errorf("written down are %v", got)
	}
	d.stop()
	distributiontest.Eventually(t, "one that ends in good order is taken out", func() bool { return slices.Equal(c.record.read(), []string{"b"}) })

	a.stop()
	b.Lead("d") // as the record of a leader may say that did not hear d end
	b.leads()
	e := c.start("e")
	distributiontest.Eventually(t, "it waits for whoever may serve still", func() bool { return b.Silent() && slices.Equal(b.Awaited(), []string{"d"}) })
	distributiontest.Eventually(t, "and has the next leader wait for them", func() bool { return slices.Equal(c.record.read(), []string{"d", "e"}) })
	c.start("d")
	distributiontest.Eventually(t, "when it has heard all, it says what is enforced", func() bool { return !b.Silent() && e.follower.Ready() == nil })
}

// THREATS 39: one whose stream ends without a word may serve still.
func TestAReplicaThatIsLostStaysWrittenDown(t *testing.T) {
	t.Parallel()
	clock, record := distributiontest.NewClock(), &record{}
	l := NewLeader(LeaderOptions{
		Identity: "a", Leads: func() bool { return true }, Clock: clock, Record: record, Gatherer: server(t, clock, "a", nil), Log: logr.Discard(),
	})
	for _, name := range []string{"b", "d"} {
		leave, err := l.join(name, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.record(t.Context()); err != nil {
			t.Fatal(err)
		}
		if name == "b" {
			defer leave()
			continue
		}
		leave()
	}
	for ; clock.Now().Sub(distributiontest.NewClock().Now()) < distribution.Unheard; clock.Advance(tidyEvery) {
		if err := l.record(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := record.read(); !slices.Equal(got, []string{"b", "d"}) {
			t.Fatalf("after %s written down are %v", clock.Now().Sub(distributiontest.NewClock().Now()), got)
		}
	}
	distributiontest.Run(t, l.Start)
	distributiontest.Eventually(t, "it is taken out when it serves no longer", func() bool {
		clock.Advance(tidyEvery)
		return slices.Equal(record.read(), []string{"b"})
	})
}

func errorOf(r *replica) string {
	if err := r.follower.now().err; err != nil {
		return err.Error()
	}
	return ""
}
