// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

// replica is a Server without a listener; authorizers join it by hand.
func replica(t *testing.T, name string, clock Clock) *Server {
	t.Helper()
	s, err := NewServer(Options{
		Authenticator: anybody{}, Clock: clock, CountFor: time.Minute, Replica: name, ClusterWide: []authz.Actor{everywhere},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// authorizers connects so many of them, which have subscribed and answered everything that they were sent.
func authorizers(t *testing.T, s *Server, account authz.Actor, nodes ...string) []*session {
	t.Helper()
	var all []*session
	for _, node := range nodes {
		p := peer{account: account, node: node, clusterWide: s.clusterWide[account]}
		session, err := s.authorizers.join(p, s.guest(p), func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		for index := range typeURLs {
			if err := session.subscribe(s.ledger, index, map[string]string{}); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, session)
		catchUp(t, s, session, nil)
	}
	return all
}

// catchUp answers all that is owed, refusing what comes under the given names.
func catchUp(t *testing.T, s *Server, who *session, refuse map[string]error) {
	t.Helper()
	for {
		response, err := who.next(s.ledger, s.options.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if response == nil {
			return
		}
		index, _ := typeIndex(response.GetTypeUrl())
		answer := subscribeTo("", response.GetTypeUrl())
		answer.ResponseNonce = response.GetNonce()
		refused := map[string]error{}
		for _, resource := range response.GetResources() {
			if err := refuse[resource.GetName()]; err != nil {
				refused[resource.GetName()] = err
			}
		}
		if len(refused) > 0 {
			answer.ErrorDetail = reject(refused)
		}
		who.answered(index, answer)
	}
}

// pair is a leader and a follower that tell each other when they are asked to.
type pair struct {
	t                *testing.T
	leader, follower *Server
	up, down         *link
}

func newPair(t *testing.T, leader, follower *Server) *pair {
	t.Helper()
	return &pair{
		t: t, leader: leader, follower: follower,
		up:   &link{follower.Tell(leader.options.Replica, Follows), leader.Hear(follower.options.Replica)},
		down: &link{leader.Tell(follower.options.Replica, Leads), follower.Hear(leader.options.Replica)},
	}
}

// talk gives what was told, the leader's first.
func (p *pair) talk() (down, up []Dispatch) {
	p.t.Helper()
	return p.down.hand(p.t), p.up.hand(p.t)
}

func (l *link) hand(t *testing.T) []Dispatch {
	t.Helper()
	all := l.tell.Next()
	for _, d := range all {
		if err := l.hear.Take(d); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (p *pair) part() {
	p.up.hear.End()
	p.down.hear.End()
}

func progressOf(s *Server, r Resource) Progress {
	return s.Progress(r.Statement.Kind, r.Statement.Name, r.Statement.Revision, r.Statement.Digest)
}

// THREATS 39: what a replica says that it distributes is the measure of what its authorizers acknowledged.
func TestAFollowerThatDistributesAnotherContentHasAllItsAuthorizersLag(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := replica(t, "a", clock), replica(t, "b", clock)
	before, now := policyFor("support/tickets", 1, "one"), policyFor("support/tickets", 2, "two")
	mustSet(t, leader, now)
	mustSet(t, follower, before)
	authorizers(t, leader, everywhere, "1")
	two := authorizers(t, follower, everywhere, "2")
	p := newPair(t, leader, follower)
	p.talk()
	got := progressOf(leader, now)
	if got.Enforced() || got.Authorizers != 2 || got.Acked != 1 || got.Waiting != 1 || !slices.Equal(got.Lagging, []string{"behalf-system/authorizer@2"}) {
		t.Errorf("before the follower has compiled it: %+v", got)
	}
	mustSet(t, follower, now)
	p.talk()
	if got := progressOf(leader, now); got.Enforced() {
		t.Errorf("before its authorizer has acknowledged it: %+v", got)
	}
	catchUp(t, follower, two[0], nil)
	p.talk()
	if got := progressOf(leader, now); !got.Enforced() || got.Connected != 2 {
		t.Errorf("in the end: %+v", got)
	}
}

// THREATS 39: an authorizer that holds the same bytes from before they were something else is still to go through that.
func TestTheSameBytesUnderALaterRevisionAreToBeAcknowledgedAnew(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := replica(t, "a", clock), replica(t, "b", clock)
	before, between, again := policyFor("support/tickets", 1, "one"), policyFor("support/tickets", 2, "two"), policyFor("support/tickets", 3, "one")
	mustSet(t, leader, before)
	mustSet(t, follower, before)
	who := authorizers(t, follower, everywhere, "1")[0]
	p := newPair(t, leader, follower)
	p.talk()
	if got := progressOf(leader, before); !got.Enforced() || got.Connected != 1 {
		t.Fatalf("at first: %+v", got)
	}
	mustSet(t, leader, between)
	mustSet(t, leader, again)
	for _, step := range []struct {
		sentence string
		now      Resource
		answered bool
		enforced bool
	}{
		{"while the follower has it from before", before, true, false},
		{"while the follower has what came between", between, true, false},
		{"while its authorizer has not answered", again, false, false},
		{"in the end", again, true, true},
	} {
		mustSet(t, follower, step.now)
		if step.answered {
			catchUp(t, follower, who, nil)
		}
		p.talk()
		if got := progressOf(leader, again); got.Enforced() != step.enforced || got.Connected != 1 {
			t.Errorf("%s: %+v", step.sentence, got)
		}
	}
}

// THREATS 39
func TestWhatAnAuthorizerBringsAlongCountsUnderItsRevision(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		kind    func(revision int64, content string) Resource
		index   int
		brought string
		counts  bool
	}{
		"the very revision":                            {trustFor, trustIndex, "5.1000", true},
		"a later one, which another replica had":       {trustFor, trustIndex, "6.1000", true},
		"an earlier one, after which came others":      {trustFor, trustIndex, "4.1000", false},
		"one that nobody tells":                        {trustFor, trustIndex, "", false},
		"none that a manager writes":                   {trustFor, trustIndex, "x.y", false},
		"of revocations, which each replica numbers":   {revocationsFor, revocationsIndex, "4.1000", true},
		"of revocations, of which no revision is told": {revocationsFor, revocationsIndex, "", true},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			s, there := replica(t, "a", distributiontest.NewClock()), c.kind(5, "one")
			mustSet(t, s, there)
			who, err := s.authorizers.join(peer{account: everywhere, node: "1", clusterWide: true}, false, func(error) {})
			if err != nil {
				t.Fatal(err)
			}
			for index := range typeURLs {
				held := map[string]string{}
				switch index {
				case c.index:
					held[there.Statement.Name] = there.Statement.Digest
				case leaseIndex:
					held[there.key().String()] = c.brought
				}
				if err := who.subscribe(s.ledger, index, held); err != nil {
					t.Fatal(err)
				}
			}
			if got := progressOf(s, there); got.Enforced() != c.counts {
				t.Errorf("at first: %+v", got)
			}
			response, err := who.next(s.ledger, s.options.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			if sent := response != nil && response.GetTypeUrl() == typeURLs[c.index]; sent == c.counts {
				t.Errorf("it was sent %v", response)
			}
			catchUp(t, s, who, nil)
		})
	}
}

func TestARefusalIsToldWithItsReason(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := replica(t, "a", clock), replica(t, "b", clock)
	good, bad := policyFor("support/tickets", 1, "one"), policyFor("support/tickets", 2, "two")
	mustSet(t, leader, good)
	mustSet(t, follower, good)
	who := authorizers(t, follower, everywhere, "1")[0]
	mustSet(t, leader, bad)
	mustSet(t, follower, bad)
	catchUp(t, follower, who, map[string]error{"support/tickets": errors.New(strings.Repeat("é", 500))})
	newPair(t, leader, follower).talk()
	p := progressOf(leader, bad)
	if len(p.Rejected) != 1 || p.Rejected[0].Authorizer != "behalf-system/authorizer@1" || p.Enforced() {
		t.Fatalf("got %+v", p)
	}
	if m := p.Rejected[0].Message; !strings.HasPrefix(m, "ééé") || len(m) > maxReasonBytes+len("…") {
		t.Errorf("the reason is %q", m)
	}
}

// THREATS 35: one authorizer's refusals are told up to a bound, and beyond it count against it.
func TestAnAuthorizerThatRefusesTooMuchIsToldToLagWithEverything(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := replica(t, "a", clock), replica(t, "b", clock)
	var all []Resource
	refuse := map[string]error{}
	for i := range maxExceptions + 2 {
		r := policyFor(fmt.Sprintf("ns/rs-%02d", i), 1, strconv.Itoa(i))
		all = append(all, r)
		refuse[r.Statement.Name] = errBad
	}
	delete(refuse, "ns/rs-00")
	mustSet(t, leader, all...)
	mustSet(t, follower)
	who := authorizers(t, follower, everywhere, "1")[0]
	mustSet(t, follower, all...)
	catchUp(t, follower, who, refuse)
	if !progressOf(follower, all[0]).Enforced() {
		t.Fatal("one content is acknowledged where the authorizer is connected")
	}
	_, up := newPair(t, leader, follower).talk()
	told := 0
	for _, d := range up {
		for _, i := range d.Instances {
			told += len(i.Refused)
		}
	}
	if told != maxExceptions {
		t.Errorf("%d refusals were told", told)
	}
	if p := progressOf(leader, all[0]); p.Acked != 0 {
		t.Errorf("what is not told is taken for acknowledged: %+v", p)
	}
}

func TestAnAuthorizerThatLacksMuchIsNotToldToHaveTheRest(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := replica(t, "a", clock), replica(t, "b", clock)
	var all []Resource
	for i := range maxExceptions + 2 {
		all = append(all, policyFor(fmt.Sprintf("ns/rs-%02d", i), 1, strconv.Itoa(i)))
	}
	mustSet(t, leader, all...)
	mustSet(t, follower, all...)
	session, err := follower.authorizers.join(peer{account: everywhere, node: "1", clusterWide: true}, false, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	for index := range typeURLs {
		if err := session.subscribe(follower.ledger, index, map[string]string{}); err != nil {
			t.Fatal(err)
		}
	}
	newPair(t, leader, follower).talk()
	for _, r := range all {
		if p := progressOf(leader, r); p.Acked != 0 || p.Waiting != 1 {
			t.Errorf("of %s: %+v", r.Statement.Name, p)
		}
	}
}

func TestAnAuthorizerThatMovedIsCountedOnce(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := replica(t, "a", clock), replica(t, "b", clock)
	policy := policyFor("support/tickets", 1, "one")
	mustSet(t, leader, policy)
	mustSet(t, follower, policy)
	p := newPair(t, leader, follower)
	here := authorizers(t, leader, everywhere, "1")[0]
	p.talk()
	leader.authorizers.leave(here, false)
	clock.Advance(time.Second)
	there := authorizers(t, follower, everywhere, "1")[0]
	p.talk()
	if got := progressOf(leader, policy); got.Authorizers != 1 || got.Connected != 1 || !got.Enforced() {
		t.Errorf("after it moved to the follower: %+v", got)
	}
	if left := len(membersOf(leader.authorizers)); left != 0 {
		t.Error("the leader still keeps it as one that is gone")
	}
	follower.authorizers.leave(there, false)
	clock.Advance(time.Second)
	authorizers(t, leader, everywhere, "1")
	p.talk()
	if got := progressOf(leader, policy); got.Authorizers != 1 || got.Connected != 1 || !got.Enforced() {
		t.Errorf("after it moved back: %+v", got)
	}
	progressOf(follower, policy)
	if left := len(membersOf(follower.authorizers)); left != 0 {
		t.Error("the follower still keeps it as one that is gone")
	}
	if all := follower.Authorizers(); len(all) != 1 || !all[0].Connected {
		t.Errorf("the follower knows of %+v", all)
	}
}

// THREATS 39: what the authorizers of a replica enforce that is heard of no longer is what they acknowledged last.
func TestAuthorizersOfALostFollowerAreGoneSinceThen(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := replica(t, "a", clock), replica(t, "b", clock)
	first, second := policyFor("support/tickets", 1, "one"), policyFor("support/tickets", 2, "two")
	mustSet(t, leader, first)
	mustSet(t, follower, first)
	authorizers(t, follower, everywhere, "1")
	p := newPair(t, leader, follower)
	p.talk()
	clock.Advance(10 * time.Second)
	p.part()
	if got := progressOf(leader, first); got.Authorizers != 1 || got.Connected != 0 || got.Acked != 1 || !got.LastGone.Equal(clock.Now()) {
		t.Errorf("it acknowledged this before: %+v", got)
	}
	mustSet(t, leader, second)
	want := []string{"behalf-system/authorizer@1 (gone since 10:00:10Z, counts until 10:01:10Z)"}
	if got := progressOf(leader, second); !slices.Equal(got.Lagging, want) {
		t.Errorf("of a later change: %+v", got)
	}
	clock.Advance(time.Minute + time.Second)
	if got := progressOf(leader, second); got.Authorizers != 0 || len(leader.gathered.views) != 0 {
		t.Errorf("after its lease: %+v, and %d replicas are remembered", got, len(leader.gathered.views))
	}
}

// THREATS 39
func TestTheNextLeaderForgetsNobodyWhoServedUnderTheOneBefore(t *testing.T) {
	clock := distributiontest.NewClock()
	a, b, c := replica(t, "a", clock), replica(t, "b", clock), replica(t, "c", clock)
	first, second := policyFor("support/tickets", 1, "one", support, billing), policyFor("support/tickets", 2, "two", support, billing)
	for _, s := range []*Server{a, b, c} {
		mustSet(t, s, first)
	}
	a.Lead()
	clock.Advance(2 * time.Minute) // it has led for longer than anything counts
	authorizers(t, a, support, "at-a")
	authorizers(t, a, everywhere, "at-a")
	authorizers(t, b, everywhere, "at-b")
	authorizers(t, c, everywhere, "at-c")
	ab, ac := newPair(t, a, b), newPair(t, a, c)
	for range 2 {
		ab.talk()
		ac.talk()
	}
	ab.part()
	ac.part()
	lateOf := func(s *Server) []string {
		p := progressOf(s, second)
		late := slices.Clone(p.Lagging)
		for i := range late {
			late[i], _, _ = strings.Cut(late[i], " ")
		}
		return late
	}
	all := []string{"behalf-system/authorizer@at-a", "behalf-system/authorizer@at-b", "behalf-system/authorizer@at-c", "support/authorizer@at-a"}

	t.Run("a replica that was told by it", func(t *testing.T) {
		if got := progressOf(b, first); got.Authorizers != 4 || !got.Enforced() {
			t.Errorf("of what they had acknowledged: %+v", got)
		}
		mustSet(t, b, second)
		if got := lateOf(b); !slices.Equal(got, all) {
			t.Errorf("of a change after that: %v", got)
		}
	})
	t.Run("a process that has just started, as soon as it hears one that was told", func(t *testing.T) {
		d := replica(t, "d", clock)
		mustSet(t, d, first)
		if got := progressOf(d, first).Lagging; len(got) != 3 || !strings.Contains(got[0], "not heard of since the manager started") {
			t.Errorf("before it hears anything: %v", got)
		}
		dc := newPair(t, d, c)
		for i, part := range dc.up.tell.Next() {
			if p := progressOf(d, first); p.Enforced() {
				t.Errorf("after %d parts of what it is told: %+v", i, p)
			}
			if err := dc.up.hear.Take(part); err != nil {
				t.Fatal(err)
			}
		}
		if p := progressOf(d, first); p.Authorizers != 4 || !p.Enforced() {
			t.Errorf("of what they had acknowledged: %+v", p)
		}
		mustSet(t, d, second)
		dc.talk()
		newPair(t, d, b).talk()
		if got := lateOf(d); !slices.Equal(got, all) {
			t.Errorf("then: %v", got)
		}
	})
	t.Run("until their leases have run out", func(t *testing.T) {
		clock.Advance(time.Minute + time.Second)
		if got := lateOf(b); !slices.Equal(got, all[1:3]) {
			t.Errorf("only those that are connected are left: %v", got)
		}
	})
}

// gone says of each instance since when it is gone, as the clock's face shows it; "there" is connected.
func gone(s *Server) map[string]string {
	all := map[string]string{}
	for _, a := range s.Authorizers() {
		all[a.Node] = timeOfDay(a.Since)
		if a.Connected {
			all[a.Node] = "there"
		}
	}
	return all
}

// THREATS 39: two that heard a lost replica last at different times each know of what the other one does not.
func TestALostReplicaIsFilledInFromAllThatHeardIt(t *testing.T) {
	t.Parallel()
	for sentence, earlierFirst := range map[string]bool{
		"the one that heard it earlier reports first": true,
		"the one that heard it later reports first":   false,
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			clock := distributiontest.NewClock()
			lost, earlier, later := replica(t, "lost", clock), replica(t, "earlier", clock), replica(t, "later", clock)
			one, two := policyFor("support/tickets", 1, "one"), policyFor("support/tickets", 2, "two")
			for _, s := range []*Server{lost, earlier, later} {
				mustSet(t, s, one)
			}
			stays := authorizers(t, lost, everywhere, "stays", "leaves")
			p, q := newPair(t, lost, earlier), newPair(t, lost, later)
			p.talk()
			clock.Advance(10 * time.Second)
			p.part()
			lost.authorizers.leave(stays[1], false)
			clock.Advance(10 * time.Second)
			mustSet(t, lost, two)
			catchUp(t, lost, stays[0], nil)
			authorizers(t, lost, everywhere, "comes")
			q.talk()
			clock.Advance(10 * time.Second)
			q.part()

			leader := replica(t, "leader", clock)
			mustSet(t, leader, two)
			first, second := newPair(t, leader, earlier), newPair(t, leader, later)
			if !earlierFirst {
				first, second = second, first
			}
			first.talk()
			second.talk()
			known := func(when string) {
				t.Helper()
				want := map[string]string{"stays": "10:00:30Z", "comes": "10:00:30Z", "leaves": "10:00:10Z"}
				if got := gone(leader); !maps.Equal(got, want) {
					t.Errorf("%s they are gone since %v, want %v", when, got, want)
				}
				if got := progressOf(leader, two); got.Acked != 2 || len(got.Lagging) != 1 || !strings.HasPrefix(got.Lagging[0], "behalf-system/authorizer@leaves ") {
					t.Errorf("%s: %+v", when, got)
				}
			}
			known("when both have reported")
			for _, again := range []*pair{first, second} {
				again.part()
				newPair(t, leader, again.follower).talk()
				known("after " + again.follower.options.Replica + " has reported anew")
			}
			clock.Advance(41 * time.Second)
			if got, want := gone(leader), map[string]string{"stays": "10:00:30Z", "comes": "10:00:30Z"}; !maps.Equal(got, want) {
				t.Errorf("when the lease of one has run out, there are %v, want %v", got, want)
			}
			clock.Advance(20 * time.Second)
			if got := gone(leader); len(got) != 0 || len(leader.gathered.views) != 2 {
				t.Errorf("when all have: %v, and %d replicas are remembered", got, len(leader.gathered.views))
			}
		})
	}
}

// THREATS 39
func TestAReplicaThatTheLeaderLostIsToldToBeLost(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, lost, other := replica(t, "a", clock), replica(t, "b", clock), replica(t, "c", clock)
	one, two := policyFor("support/tickets", 1, "one"), policyFor("support/tickets", 2, "two")
	for _, s := range []*Server{leader, lost, other} {
		mustSet(t, s, one)
	}
	authorizers(t, lost, everywhere, "1")
	p, q := newPair(t, leader, lost), newPair(t, leader, other)
	p.talk()
	q.talk()
	if got, want := gone(other), map[string]string{"1": "there"}; !maps.Equal(got, want) {
		t.Fatalf("at first %v, want %v", got, want)
	}
	clock.Advance(10 * time.Second)
	p.part()
	clock.Advance(10 * time.Second)
	down, _ := q.talk()
	if len(down) != 2 || down[1].Heard == 0 || down[0].Replica != "b" || !down[0].Lost || !down[0].Fresh || len(down[0].Contents) != 1 || len(down[0].Instances) != 1 {
		t.Errorf("told was %+v", down)
	}
	if got, want := gone(other), map[string]string{"1": "10:00:10Z"}; !maps.Equal(got, want) {
		t.Errorf("since the leader has lost the replica: %v, want %v", got, want)
	}

	clock.Advance(10 * time.Second)
	q.part()
	next := replica(t, "d", clock)
	mustSet(t, next, one)
	newPair(t, next, other).talk()
	if got, want := gone(next), map[string]string{"1": "10:00:10Z"}; !maps.Equal(got, want) {
		t.Errorf("by the word of the one that was told: %v, want %v", got, want)
	}
	if got := progressOf(next, one); got.Acked != 1 {
		t.Errorf("of what it acknowledged: %+v", got)
	}
	mustSet(t, next, two)
	if got := progressOf(next, two); got.Acked != 0 || len(got.Lagging) != 1 {
		t.Errorf("of a change after that: %+v", got)
	}

	// It was not lost for good.
	newPair(t, next, lost).talk()
	if got, want := gone(next), map[string]string{"1": "there"}; !maps.Equal(got, want) {
		t.Errorf("after it has reported to the next leader: %v, want %v", got, want)
	}
}

// THREATS 39: a follower takes those that were connected for gone since its stream ended. The leader, whom it hears again, may
// have known better for long.
func TestALeaderThatIsHeardAgainCorrectsSinceWhenSomebodyIsGone(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		silent      time.Duration
		then, after map[string]string
	}{
		"it still counts whom it lost before": {
			silent: 10 * time.Second, then: map[string]string{"known": "10:00:10Z", "left": "10:00:20Z"},
			after: map[string]string{"known": "10:00:10Z", "left": "10:00:10Z"},
		},
		"it counts them no longer": {
			silent: time.Minute, then: map[string]string{"left": "10:01:10Z"}, after: map[string]string{},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			clock := distributiontest.NewClock()
			leader, lost, follower := replica(t, "a", clock), replica(t, "b", clock), replica(t, "c", clock)
			for _, s := range []*Server{leader, lost, follower} {
				mustSet(t, s, policyFor("support/tickets", 1, "one"))
			}
			sessions := authorizers(t, lost, everywhere, "known", "left")
			p, q := newPair(t, leader, lost), newPair(t, leader, follower)
			clock.Advance(10 * time.Second)
			lost.authorizers.leave(sessions[0], false)
			p.talk()
			q.talk()
			p.part()
			clock.Advance(c.silent)
			q.part()
			clock.Advance(time.Second)
			if got := gone(follower); !maps.Equal(got, c.then) {
				t.Errorf("since its stream ended: %v, want %v", got, c.then)
			}
			if got := gone(leader); !maps.Equal(got, c.after) {
				t.Errorf("for the leader: %v, want %v", got, c.after)
			}
			newPair(t, leader, follower).talk()
			if got := gone(follower); !maps.Equal(got, c.after) {
				t.Errorf("by the word of the leader: %v, want %v", got, c.after)
			}
		})
	}
}

// THREATS 39: what a follower presumes since its stream ended is all that the next leader can know.
func TestTheNextLeaderHoldsToWhatAFollowerPresumed(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, lost, follower, next := replica(t, "a", clock), replica(t, "b", clock), replica(t, "c", clock), replica(t, "d", clock)
	for _, s := range []*Server{leader, lost, follower, next} {
		mustSet(t, s, policyFor("support/tickets", 1, "one"))
	}
	authorizers(t, lost, everywhere, "1")
	p, q, other := newPair(t, leader, lost), newPair(t, leader, follower), newPair(t, leader, next)
	for _, each := range []*pair{p, q, other} {
		each.talk()
	}
	clock.Advance(10 * time.Second)
	p.part()
	other.part()
	clock.Advance(10 * time.Second)
	q.part()
	again := newPair(t, next, follower)
	again.talk()
	again.part()
	newPair(t, next, follower).talk()
	for _, s := range []*Server{next, follower} {
		if got, want := gone(s), map[string]string{"1": "10:00:20Z"}; !maps.Equal(got, want) {
			t.Errorf("%s has them gone since %v, want %v", s.options.Replica, got, want)
		}
	}
}

// THREATS 39
func TestAFreshLeaderGoesOnWaitingForAccountsThatNobodyToldItOf(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	follower := replica(t, "b", clock)
	clock.Advance(2 * time.Minute)
	leader := replica(t, "a", clock)
	policy := policyFor("support/tickets", 1, "one", support)
	mustSet(t, leader, policy)
	mustSet(t, follower, policy)
	authorizers(t, follower, everywhere, "1")
	p := newPair(t, leader, follower)
	p.up.hand(t)
	p.talk()
	want := []string{"support/authorizer (not heard of since the manager started)"}
	if got := progressOf(leader, policy); !slices.Equal(got.Lagging, want) || got.Acked != 1 {
		t.Errorf("a follower that no leader ever told knows of its own alone: %+v", got)
	}
	authorizers(t, follower, support, "1")
	p.talk()
	if got := progressOf(leader, policy); !got.Enforced() || got.Authorizers != 2 {
		t.Errorf("one that connects to the follower is heard of: %+v", got)
	}
}

// THREATS 39: whom others served while a replica was told nothing, it does not know.
func TestALeaderKnowsOfEverybodySinceItLeadsOrWasTold(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		// told is that an earlier leader told it, until so long before it leads; further, that another one who was told reports.
		told    bool
		silent  time.Duration
		further bool
		// served is that the earlier leader served an instance of the account when it told.
		served bool
		// again is that a leader which has just begun tells it for a moment before it leads.
		again bool
		knows bool
	}{
		"nobody told it": {},
		"the leader before it told it until it went":                                   {told: true, silent: 20 * time.Second, knows: true},
		"a leader told it, a while ago":                                                {told: true, silent: 40 * time.Second},
		"a leader told another one that reports to it":                                 {further: true, silent: 20 * time.Second, knows: true},
		"a leader told another one, a while ago":                                       {further: true, silent: 40 * time.Second},
		"a leader told it a while ago, and a fresh one since":                          {told: true, silent: 40 * time.Second, again: true},
		"a leader told it a while ago of an instance that has come to count no longer": {told: true, served: true, silent: 2 * time.Minute},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			clock := distributiontest.NewClock()
			before, leader, other := replica(t, "a", clock), replica(t, "b", clock), replica(t, "c", clock)
			before.Lead()
			clock.Advance(2 * time.Minute)
			policy := policyFor("support/tickets", 1, "one", support)
			for _, s := range []*Server{before, leader, other} {
				mustSet(t, s, policy)
			}
			if c.served {
				authorizers(t, before, support, "1")
			}
			for s, told := range map[*Server]bool{leader: c.told, other: c.further} {
				if told {
					p := newPair(t, before, s)
					p.talk()
					p.part()
				}
			}
			clock.Advance(c.silent)
			if c.again {
				fresh := replica(t, "d", clock)
				fresh.Lead()
				p := newPair(t, fresh, leader)
				p.talk()
				p.part()
			}
			leader.Lead()
			authorizers(t, leader, everywhere, "1")
			if c.further {
				newPair(t, leader, other).talk()
			}
			if got := progressOf(leader, policy); got.Enforced() != c.knows || got.Acked != 1 {
				t.Errorf("of an account that nobody was heard of: %+v", got)
			}
			clock.Advance(time.Minute + time.Second)
			if got := progressOf(leader, policy); !got.Enforced() {
				t.Errorf("after a lease: %+v", got)
			}
		})
	}
}

// THREATS 35
func TestHoweverMuchHappensOnlyTheLatestIsTold(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := replica(t, "a", clock), replica(t, "b", clock)
	mustSet(t, follower, policyFor("support/tickets", 1, "1"), policyFor("support/other", 1, "other"))
	who := authorizers(t, follower, everywhere, "1")[0]
	p := newPair(t, leader, follower)
	p.talk()
	for revision := range int64(1000) {
		if err := follower.Put(policyFor("support/tickets", revision+2, strconv.FormatInt(revision, 10))); err != nil {
			t.Fatal(err)
		}
		catchUp(t, follower, who, nil)
	}
	_, up := p.talk()
	if len(up) != 1 || len(up[0].Contents) != 1 || len(up[0].Instances) != 1 || up[0].Contents[0].Digest != bundle.Digest([]byte("999")) {
		t.Errorf("told were %d dispatches: %+v", len(up), up)
	}
	if again, _ := p.talk(); len(again) != 0 {
		t.Errorf("where nothing happened, the leader told %+v", again)
	}
}

func TestWhatIsTooMuchForOneDispatchIsPartedAndTakesEffectAsAWhole(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := replica(t, "a", clock), replica(t, "b", clock)
	var all []Resource
	for i := range 2*maxTold + 1 {
		all = append(all, policyFor("ns/rs-"+strconv.Itoa(i), 1, strconv.Itoa(i)))
	}
	mustSet(t, leader, all...)
	mustSet(t, follower, all...)
	authorizers(t, follower, everywhere, "1")
	p := newPair(t, leader, follower)
	parts := p.up.tell.Next()
	if len(parts) != 4 { // three of contents, and that this was all
		t.Fatalf("it was told in %d dispatches", len(parts))
	}
	for i, part := range parts {
		if n := progressOf(leader, all[0]).Connected; n != 0 {
			t.Errorf("after %d of 4 parts %d are counted", i, n)
		}
		if err := p.up.hear.Take(part); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range all {
		if got := progressOf(leader, r); !got.Enforced() || got.Connected != 1 {
			t.Fatalf("of %s: %+v", r.Statement.Name, got)
		}
	}
}

// An instance that was told first would count by positions at which contents stood before.
func TestContentsAreToldBeforeWhoAcknowledgedThem(t *testing.T) {
	t.Parallel()
	d := Dispatch{Replica: "b", Contents: make([]Content, maxTold+1), Instances: make([]Instance, 2*maxTold), Withdrawn: make([]string, maxTold+1)}
	var told [][3]int
	for _, part := range d.parted() {
		told = append(told, [3]int{len(part.Contents), len(part.Withdrawn), len(part.Instances)})
	}
	if want := [][3]int{{maxTold, maxTold, 0}, {1, 1, maxTold}, {0, 0, maxTold}}; !slices.Equal(told, want) {
		t.Errorf("got %v, want %v", told, want)
	}
}

func TestDispatchesThatNoManagerTells(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxNodeBytes+1)
	instance := func(change func(*Instance)) []Instance {
		i := Instance{Account: "a/b", Node: "n"}
		change(&i)
		return []Instance{i}
	}
	for sentence, d := range map[string]Dispatch{
		"about nobody":                       {},
		"about a replica without end":        {Replica: long},
		"too many contents":                  {Replica: "b", Contents: make([]Content, maxTold+1)},
		"too many instances":                 {Replica: "b", Instances: make([]Instance, maxTold+1)},
		"a content of no kind":               {Replica: "b", Fresh: true, Contents: []Content{{Key: "x"}}},
		"a removal of no kind":               {Replica: "b", Fresh: true, Withdrawn: []string{"Nothing/x"}},
		"an instance of no account":          {Replica: "b", Fresh: true, Instances: instance(func(i *Instance) { i.Account = "a" })},
		"an instance that cannot be shown":   {Replica: "b", Fresh: true, Instances: instance(func(i *Instance) { i.Node = "a\nb" })},
		"an instance that lacks without end": {Replica: "b", Fresh: true, Instances: instance(func(i *Instance) { i.Lacks = make([]string, 1000) })},
		"an instance that lacks nothing known": {
			Replica: "b", Fresh: true, Instances: instance(func(i *Instance) { i.Lacks = []string{"x"} }),
		},
		"an instance that refuses nothing known": {
			Replica: "b", Fresh: true, Instances: instance(func(i *Instance) { i.Refused = []Refusal{{Key: "x"}} }),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			if err := replica(t, "a", distributiontest.NewClock()).Hear("b").Take(d); err == nil {
				t.Error("it was taken")
			}
		})
	}
}

// THREATS 35
func TestWhatReplicasTellIsBounded(t *testing.T) {
	t.Parallel()
	s := replica(t, "a", distributiontest.NewClock())
	h := s.Hear("b")
	for n := range maxViews {
		if err := h.Take(Dispatch{Replica: strconv.Itoa(n), Lost: true, Fresh: true, All: true, Instances: []Instance{{Account: "a/b", Node: strconv.Itoa(n), Connected: true}}}); err != nil {
			t.Fatalf("replica %d: %v", n, err)
		}
	}
	var err error
	for n := 0; err == nil && n <= maxViewed; n += maxTold {
		var some []Instance
		for i := range maxTold {
			some = append(some, Instance{Account: "a/b", Node: strconv.Itoa(n + i)})
		}
		err = h.Take(Dispatch{Replica: "0", Instances: some})
	}
	if !errors.Is(err, errUnbelievable) {
		t.Errorf("instances without end: %v", err)
	}
	if err := h.Take(Dispatch{Replica: "one-more", Lost: true, Fresh: true}); !errors.Is(err, errTooManyReplicas) {
		t.Errorf("one replica too many: %v", err)
	}
}

func TestNothingIsHeardAfterTheEnd(t *testing.T) {
	t.Parallel()
	s := replica(t, "a", distributiontest.NewClock())
	h := s.Hear("b")
	connected := []Instance{{Account: "a/b", Node: "n", Connected: true}}
	if err := h.Take(Dispatch{Replica: "b", Fresh: true, All: true, Instances: connected}); err != nil {
		t.Fatal(err)
	}
	h.End()
	if err := h.Take(Dispatch{Replica: "b", Instances: connected}); !errors.Is(err, errEnded) {
		t.Errorf("got %v", err)
	}
	if all := s.Authorizers(); len(all) != 1 || all[0].Connected {
		t.Errorf("it counts as connected for ever: %+v", all)
	}
}

func TestListenersHearOfWhatFollowersTell(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := replica(t, "a", clock), replica(t, "b", clock)
	mustSet(t, leader)
	mustSet(t, follower)
	authorizers(t, follower, everywhere, "1")
	changes, cancel := leader.Subscribe()
	defer cancel()
	p := newPair(t, leader, follower)
	noticed := func() bool {
		select {
		case <-changes:
			return true
		default:
			return false
		}
	}
	if noticed() {
		t.Fatal("something was noticed before anything was told")
	}
	p.up.hand(t)
	if !noticed() {
		t.Error("nothing was noticed of an authorizer of a follower")
	}
	p.part()
	if !noticed() {
		t.Error("nothing was noticed of the follower's end")
	}
}

// THREATS 44
func TestAChangeWithAThousandAuthorizersCostsAFewSmallMessages(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := replica(t, "a", clock), replica(t, "b", clock)
	var all []Resource
	for i := range 1000 {
		all = append(all, policyFor("ns/rs-"+strconv.Itoa(i), 1, strconv.Itoa(i)))
	}
	mustSet(t, leader, all...)
	mustSet(t, follower, all...)
	var nodes []string
	for i := range 1000 {
		nodes = append(nodes, "authorizer-7d9f8b6c4-"+strconv.Itoa(i))
	}
	sessions := authorizers(t, follower, everywhere, nodes...)
	p := newPair(t, leader, follower)
	p.talk()
	change := policyFor("ns/rs-7", 2, "changed")
	for _, s := range []*Server{leader, follower} {
		if err := s.Put(change); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range sessions {
		catchUp(t, follower, s, nil)
	}
	_, up := p.talk()
	bytes := 0
	for _, d := range up {
		raw, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(raw)
	}
	t.Logf("%d messages, %d bytes", len(up), bytes)
	if len(up) > 3 || bytes > 200_000 {
		t.Errorf("%d messages, %d bytes", len(up), bytes)
	}
	if got := progressOf(leader, change); !got.Enforced() || got.Connected != 1000 {
		t.Errorf("%d of %d", got.Acked, got.Authorizers)
	}
}
