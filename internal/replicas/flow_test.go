// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"slices"
	"strings"
	"testing"

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
