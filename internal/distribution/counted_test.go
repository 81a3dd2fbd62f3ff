// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

// elected is a replica which leads when the test says so.
type elected struct {
	*Server
	leads, standsIn atomic.Bool
}

func electedReplica(t *testing.T, name string, clock Clock) *elected {
	t.Helper()
	e := &elected{}
	server, err := NewServer(Options{
		Authenticator: anybody{}, Clock: clock, CountFor: time.Minute, Replica: name, ClusterWide: []authz.Actor{everywhere},
		Leads: e.leads.Load, StandsIn: e.standsIn.Load,
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Server = server
	return e
}

func electedLeader(t *testing.T, name string, clock Clock, others ...string) *elected {
	t.Helper()
	e := electedReplica(t, name, clock)
	e.leads.Store(true)
	e.Lead(others...)
	return e
}

// arrives connects an authorizer that holds nothing.
func arrives(t *testing.T, e *elected, node string) *session {
	t.Helper()
	session, err := e.admit(peer{account: everywhere, node: node, clusterWide: true}, false, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	for index := range typeURLs {
		if err := session.subscribe(e.ledger, index, map[string]string{}); err != nil {
			t.Fatal(err)
		}
	}
	return session
}

// given answers all that is owed, and gives the types of what came.
func given(t *testing.T, e *elected, who *session) []string {
	t.Helper()
	var types []string
	for {
		response, err := who.next(e.ledger, e.options.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if response == nil {
			return types
		}
		types = append(types, shortType(response.GetTypeUrl()))
		index, _ := typeIndex(response.GetTypeUrl())
		who.answered(index, &discoveryv3.DeltaDiscoveryRequest{TypeUrl: response.GetTypeUrl(), ResponseNonce: response.GetNonce()})
	}
}

var everything = []string{"RevocationList", "TrustBundle", "PolicyBundle"}

func everyKind(t *testing.T, servers ...*elected) {
	t.Helper()
	for _, s := range servers {
		mustSet(t, s.Server, revocationsFor(1, "nobody"), trustFor(1, "keys"), policyFor("support/tickets", 1, "one"))
	}
}

// THREATS 39: whom the leader has not heard of decides by nothing that a replica gave it.
func TestAnAuthorizerGetsWhatItDecidesByOnceTheLeaderHasHeardOfIt(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := electedLeader(t, "a", clock), electedReplica(t, "b", clock)
	everyKind(t, leader, follower)
	first := arrives(t, follower, "1")
	if got := given(t, follower, first); !slices.Equal(got, everything[:1]) {
		t.Errorf("before the leader has heard of it, it got %v", got)
	}
	p := newPair(t, leader.Server, follower.Server)
	p.up.hand(t)
	if got := given(t, follower, first); len(got) != 0 {
		t.Errorf("before the leader has said so, it got %v", got)
	}
	p.down.hand(t)
	if got := given(t, follower, first); !slices.Equal(got, everything[1:]) {
		t.Errorf("once the leader has said so, it got %v", got)
	}
	second := arrives(t, follower, "2")
	p.down.hand(t)
	if got := given(t, follower, second); !slices.Equal(got, everything[:1]) {
		t.Errorf("one that came after that got %v", got)
	}
	again := arrives(t, follower, "1")
	if got := given(t, follower, again); !slices.Equal(got, everything[:1]) {
		t.Errorf("one that came again got %v", got)
	}
	mustSet(t, follower.Server, revocationsFor(2, "somebody"), trustFor(2, "other keys"), policyFor("support/tickets", 2, "two"))
	if got := given(t, follower, again); !slices.Equal(got, everything[:1]) {
		t.Errorf("of changes it got %v", got)
	}
	p.up.hand(t)
	p.down.hand(t)
	for who, want := range map[*session][]string{second: everything, again: everything[1:]} {
		if got := given(t, follower, who); !slices.Equal(got, want) {
			t.Errorf("at last %s got %v", who.peer, got)
		}
	}
	if got := given(t, leader, arrives(t, leader, "3")); !slices.Equal(got, everything) {
		t.Errorf("the leader's own got %v", got)
	}
}

// THREATS 39: a lease that nobody counts would let an authorizer decide for longer than anybody waits for it.
func TestLeasesAreRenewedOnlyOfThoseWhoCount(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := electedLeader(t, "a", clock), electedReplica(t, "b", clock)
	everyKind(t, leader, follower)
	who := arrives(t, follower, "1")
	p := newPair(t, leader.Server, follower.Server)
	p.talk()
	p.talk()
	given(t, follower, who)
	renew := func(issued int64) {
		t.Helper()
		var all []Resource
		for _, r := range []Resource{revocationsFor(1, "nobody"), trustFor(1, "keys"), policyFor("support/tickets", 1, "one")} {
			all = append(all, resourceFor(r.key(), 1, issued, string(r.Artifact.Content)))
		}
		mustSet(t, follower.Server, all...)
	}
	renew(2000)
	if got := given(t, follower, who); !slices.Equal(got, []string{"Lease"}) {
		t.Errorf("one that counts got %v", got)
	}
	p.part()
	clock.Advance(graceful)
	renew(3000)
	if got := given(t, follower, who); len(got) != 0 {
		t.Errorf("when no leader has heard the replica for long, it got %v", got)
	}
}

// THREATS 39
func TestWhomAReplicaServes(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		happens func(t *testing.T, clock *distributiontest.Clock, follower *elected, p *pair)
		// before and after are whether an authorizer is served that the leader has heard of, and one that comes then; counted is
		// whether new ones are taken in.
		before, after, counted bool
	}{
		"while the leader hears it": {
			happens: func(*testing.T, *distributiontest.Clock, *elected, *pair) {}, before: true, counted: true,
		},
		"when its stream to the leader has just ended": {
			happens: func(_ *testing.T, _ *distributiontest.Clock, _ *elected, p *pair) { p.part() }, before: true, counted: true,
		},
		"when it ended a while ago": {
			happens: func(_ *testing.T, clock *distributiontest.Clock, _ *elected, p *pair) {
				p.part()
				clock.Advance(graceful)
			},
		},
		"when it ended a while ago and another leader has heard it since": {
			happens: func(t *testing.T, clock *distributiontest.Clock, follower *elected, p *pair) {
				t.Helper()
				p.part()
				clock.Advance(graceful)
				again := newPair(t, electedLeader(t, "c", clock).Server, follower.Server)
				again.talk()
				again.talk()
			}, before: true, counted: true,
		},
		"when a stream was opened and nobody answers": {
			happens: func(t *testing.T, clock *distributiontest.Clock, follower *elected, p *pair) {
				t.Helper()
				p.part()
				clock.Advance(graceful)
				newPair(t, electedLeader(t, "c", clock).Server, follower.Server).talk()
			},
		},
		"when whoever hears it leads no longer": {
			happens: func(t *testing.T, clock *distributiontest.Clock, follower *elected, p *pair) {
				t.Helper()
				p.part()
				clock.Advance(graceful)
				c := electedLeader(t, "c", clock)
				again := newPair(t, c.Server, follower.Server)
				c.leads.Store(false)
				again.talk()
				again.talk()
			},
		},
		"when it leads": {
			happens: func(_ *testing.T, clock *distributiontest.Clock, follower *elected, p *pair) {
				p.part()
				clock.Advance(graceful)
				follower.leads.Store(true)
			}, before: true, after: true, counted: true,
		},
		"in the place of a dead leader": {
			happens: func(_ *testing.T, _ *distributiontest.Clock, follower *elected, p *pair) {
				p.part()
				follower.standsIn.Store(true)
			}, before: true, after: true, counted: true,
		},
		"in the place of a dead leader, for long": {
			happens: func(_ *testing.T, clock *distributiontest.Clock, follower *elected, p *pair) {
				p.part()
				follower.standsIn.Store(true)
				clock.Advance(graceful)
			},
		},
		"when it has led until now": {
			happens: func(t *testing.T, clock *distributiontest.Clock, follower *elected, p *pair) {
				t.Helper()
				p.part()
				clock.Advance(graceful)
				follower.leads.Store(true)
				if err := follower.Counted(); err != nil {
					t.Errorf("while it leads: %v", err)
				}
				follower.leads.Store(false)
			}, before: true, counted: true,
		},
		"when it is about to end": {
			happens: func(_ *testing.T, _ *distributiontest.Clock, follower *elected, _ *pair) { follower.Quit() }, counted: true,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			clock := distributiontest.NewClock()
			leader, follower := electedLeader(t, "a", clock), electedReplica(t, "b", clock)
			everyKind(t, leader, follower)
			before := arrives(t, follower, "1")
			p := newPair(t, leader.Server, follower.Server)
			p.talk()
			p.talk()
			c.happens(t, clock, follower, p)
			after := arrives(t, follower, "2")
			for who, served := range map[*session]bool{before: c.before, after: c.after} {
				if got := given(t, follower, who); slices.Contains(got, "PolicyBundle") != served {
					t.Errorf("%s got %v", who.peer, got)
				}
			}
			if err := follower.Counted(); (err == nil) != c.counted || err != nil && status.Code(err) != codes.Unavailable {
				t.Errorf("whether others should be connected to: %v", err)
			}
		})
	}
}

// THREATS 39
func TestAnAnswerToWhatWasNeverToldIsNotBelieved(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	follower := electedReplica(t, "b", clock)
	if err := follower.Hear("a").Take(Dispatch{Replica: "a", All: true, Heard: 1}); !errors.Is(err, errUnbelievable) {
		t.Errorf("got %v", err)
	}
}

// THREATS 39: what the leader has heard over a stream that ended says nothing of the next one.
func TestAnAnswerCountsForItsOwnStream(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	leader, follower := electedLeader(t, "a", clock), electedReplica(t, "b", clock)
	p := newPair(t, leader.Server, follower.Server)
	p.talk()
	p.talk()
	p.part()
	clock.Advance(graceful)
	again := newPair(t, leader.Server, follower.Server)
	again.down.hand(t)
	if follower.Counted() == nil {
		t.Error("the leader has heard nothing over this stream")
	}
	again.up.hand(t)
	again.down.hand(t)
	if err := follower.Counted(); err != nil {
		t.Errorf("when it has: %v", err)
	}
}

// THREATS 39
func TestALeaderSaysNothingBeforeItHasHeardAllThatMayServe(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	e := electedReplica(t, "a", clock)
	says := func(when string, want bool, awaited ...string) {
		t.Helper()
		if got := !e.Silent(); got != want {
			t.Errorf("%s it says what is enforced: %v", when, got)
		}
		if got := e.Awaited(); !slices.Equal(got, awaited) {
			t.Errorf("%s it waits for %v", when, got)
		}
	}
	says("one that does not lead writes nothing, so", true)
	e.leads.Store(true)
	says("before it knows of whom to wait for", false)
	e.Lead("b", "c")
	says("before it has heard two", false, "b", "c")
	b := e.Hear("b")
	mustTake(t, b, Dispatch{Replica: "b", Fresh: true, More: true})
	says("before it has heard all of one", false, "b", "c")
	mustTake(t, b, Dispatch{Replica: "b", All: true})
	says("before it has heard the other", false, "c")
	clock.Advance(Unheard - time.Second)
	says("while the other may serve", false, "c")
	clock.Advance(time.Second)
	says("when the other serves no longer", true)
	e.leads.Store(false)
	says("when it may lead no longer", false)
}

// THREATS 39: what a leader can tell of its own authorizers says nothing of those that the leader before had heard of.
func TestALeaderThatWasToldNothingWaitsForWhomTheOneBeforeHeard(t *testing.T) {
	t.Parallel()
	clock := distributiontest.NewClock()
	before, follower, next := electedLeader(t, "a", clock), electedReplica(t, "b", clock), electedReplica(t, "c", clock)
	everyKind(t, before, follower, next)
	served := arrives(t, follower, "1")
	p := newPair(t, before.Server, follower.Server)
	p.talk()
	p.talk()
	given(t, follower, served)
	p.part()

	next.leads.Store(true)
	next.Lead("b")
	second := policyFor("support/tickets", 2, "two")
	mustSet(t, next.Server, revocationsFor(1, "nobody"), trustFor(1, "keys"), second)
	given(t, next, arrives(t, next, "2"))
	if got := progressOf(next.Server, second); !got.Enforced() || got.Connected != 1 {
		t.Fatalf("all that it knows of have it: %+v", got)
	}
	if !served.counts() || !next.Silent() {
		t.Error("it says so, and another one is served")
	}
	newPair(t, next.Server, follower.Server).up.hand(t)
	if got := progressOf(next.Server, second); got.Enforced() || next.Silent() {
		t.Errorf("when it has heard of that one: %+v", got)
	}
}

func TestAReplicaOnItsOwnSaysWhatIsEnforced(t *testing.T) {
	t.Parallel()
	s := replica(t, "", distributiontest.NewClock())
	if s.Silent() || s.Counted() != nil {
		t.Error("there is nobody to wait for")
	}
}

func mustTake(t *testing.T, h *Hearing, d Dispatch) {
	t.Helper()
	if err := h.Take(d); err != nil {
		t.Fatal(err)
	}
}

// THREATS 39: streams that nobody counts are refused and ended, so that authorizers go where they count.
func TestAReplicaThatIsCutOffServesNobody(t *testing.T) {
	t.Parallel()
	var leads atomic.Bool
	leads.Store(true)
	// Time leaps below: what is on its way then is not to pass for left unanswered, by which streams end as well.
	const unhurried = 365 * 24 * time.Hour
	m := startManager(t, Options{
		Authenticator: newReviewer(everywhere), ClusterWide: []authz.Actor{everywhere}, Leads: leads.Load, StallAfter: unhurried,
	}, "")
	held := newShelf()
	a := m.connect(t, everywhere, "1", held)
	mustSet(t, m.Server, policyFor("support/tickets", 1, "one"))
	distributiontest.Eventually(t, "it has it", func() bool { return held.size() == 1 && a.State().Connected })
	if err := m.Counted(); err != nil {
		t.Fatal(err)
	}
	leads.Store(false)
	distributiontest.Eventually(t, "its stream has ended, and no other is let in", func() bool {
		m.clock.Advance(graceful)
		return !a.State().Connected && status.Code(a.State().LastError) == codes.Unavailable && len(m.authorizers.sessions()) == 0
	})
	turn, refused := m.authorizers.turnOf(), testutil.ToFloat64(m.metrics.uncounted)
	distributiontest.Eventually(t, "it tried again and again", func() bool { return testutil.ToFloat64(m.metrics.uncounted) > refused+3 })
	if got := m.authorizers.turnOf(); got != turn {
		t.Errorf("it was taken in and let go %d times", got-turn)
	}
	leads.Store(true)
	distributiontest.Eventually(t, "it is let in again", func() bool { return a.State().Connected })
}
