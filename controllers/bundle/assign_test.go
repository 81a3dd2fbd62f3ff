// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
)

// notebook is a Register in memory, which several replicas may share.
type notebook struct {
	mu      sync.Mutex
	shared  Shared
	known   bool
	bundles map[types.UID]v1alpha1.BundleStatus
	fails   bool
	written int
}

func (n *notebook) Watch(context.Context, cache.Informers, func()) error { return nil }

var errFull = errors.New("the notebook is full")

func (n *notebook) WriteBundle(_ context.Context, server *v1alpha1.ResourceServer, _, b v1alpha1.BundleStatus) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fails {
		return errFull
	}
	if n.bundles == nil {
		n.bundles = map[types.UID]v1alpha1.BundleStatus{}
	}
	n.bundles[server.UID] = b
	n.written++
	return nil
}

func (n *notebook) Shared() (Shared, bool) { return n.shared, n.known }

func (n *notebook) WriteShared(_ context.Context, s Shared) error {
	if n.fails {
		return errFull
	}
	n.shared, n.known = s, true
	n.written++
	return nil
}

// formed is a content whose resource server has a bundle according to its status.
func formed(raw string, recorded v1alpha1.BundleStatus) content {
	c := some(first, raw, 0)
	c.assigned = v1alpha1.BundleStatus{}
	server := &v1alpha1.ResourceServer{ObjectMeta: metav1.ObjectMeta{UID: "u", Namespace: "support", Name: "tickets"}}
	server.Status.Bundle = recorded
	c.form = form{server: server, recorded: recorded}
	return c
}

func bundled(revision int64, raw string) v1alpha1.BundleStatus {
	return v1alpha1.BundleStatus{Revision: revision, Digest: bundle.Digest([]byte(raw))}
}

var (
	millis      = now.UnixMilli()
	revocations = distribution.Key{Kind: bundle.KindRevocations, Name: bundle.RevocationsName}
)

func TestTheLeaderAssignsRevisionsThatOnlyGrow(t *testing.T) { // THREATS 33, 39
	for sentence, c := range map[string]struct {
		recorded v1alpha1.BundleStatus
		seen     int64
		floor    int64
		leads    time.Duration
		want     v1alpha1.BundleStatus
		again    bool
	}{
		"nothing is remembered: the time in milliseconds":              {want: bundled(millis, "a")},
		"the status remembers less than the time":                      {recorded: bundled(7, "b"), want: bundled(millis, "a")},
		"the status remembers more: the clock was ahead, or is behind": {recorded: bundled(millis+5000, "b"), want: bundled(millis+5001, "a")},
		"this process remembers more":                                  {recorded: bundled(7, "b"), seen: millis + 9000, want: bundled(millis+9001, "a")},
		"the status has it already":                                    {recorded: bundled(7, "a"), want: bundled(7, "a")},
		"the status was put back to one that this process has seen a later one than, of the same content": {
			recorded: bundled(7, "a"), seen: millis + 9000, want: bundled(millis+9001, "a"),
		},
		"the status was written by somebody else, with no revision": {recorded: bundled(0, "a"), want: bundled(millis, "a")},
		"with one that would leave no room for others":              {recorded: bundled(math.MaxInt64, "a"), want: bundled(millis, "a")},
		"with one of the week after next":                           {recorded: bundled(millis+1e9, "b"), want: bundled(millis, "a")},
		"an authorizer has seen a later one, of an API server that was restored since": {
			recorded: bundled(7, "a"), floor: millis + 70, want: bundled(millis+71, "a"),
		},
		"an authorizer has seen a later one of the past": {recorded: bundled(7, "a"), floor: 90, want: bundled(millis, "a")},
		"an authorizer claims to have seen one that nobody can have made": {
			recorded: bundled(7, "a"), floor: now.Add(25 * time.Hour).UnixMilli(), want: bundled(7, "a"),
		},
		"a new leader leaves alone what another one assigned a moment ago": {
			recorded: bundled(7, "b"), leads: time.Second, want: bundled(7, "b"), again: true,
		},
		"a new leader assigns to what has nothing": {leads: time.Second, want: bundled(millis, "a")},
	} {
		t.Run(sentence, func(t *testing.T) {
			a := newAssignments(&notebook{})
			a.leadsSince = now.Add(-time.Hour)
			if c.leads > 0 {
				a.leadsSince = now.Add(-c.leads)
			}
			a.seen[first] = c.seen
			contents := []content{formed("a", c.recorded)}
			again, err := a.assign(t.Context(), contents, 0, map[distribution.Key]int64{first: c.floor}, now)
			if err != nil || contents[0].assigned != c.want || again.IsZero() == c.again {
				t.Errorf("assigned %+v, again at %v, error %v; want %+v", contents[0].assigned, again, err, c.want)
			}
		})
	}
}

// THREATS 39
func TestAFollowerAssignsNothing(t *testing.T) {
	register := &notebook{}
	a := newAssignments(register)
	contents := []content{formed("a", bundled(7, "b")), some(second, "t", 0), some(revocations, "r", 0)}
	if _, err := a.assign(t.Context(), contents, 5, map[distribution.Key]int64{first: millis}, now); err != nil {
		t.Fatal(err)
	}
	for _, c := range contents {
		if c.agreed() {
			t.Errorf("%s has %+v", c.key, c.assigned)
		}
	}
	if register.written > 0 {
		t.Error("it wrote something")
	}
}

// THREATS 39: of an API server that was restored from an older copy while managers run, or that somebody wrote to by hand.
func TestARegisterThatWasPutBackIsServedUnderNoEarlierRevision(t *testing.T) {
	register := &notebook{known: true, shared: Shared{Trust: bundled(100, "t"), RevocationsBase: 50}}
	leader, follower := newAssignments(register), newAssignments(register)
	assigned := func(a *assignments, recorded v1alpha1.BundleStatus) map[distribution.Key]content {
		t.Helper()
		contents := []content{formed("a", recorded), some(second, "t", 0), some(revocations, "r", 0)}
		if _, err := a.assign(t.Context(), contents, 30, nil, now); err != nil {
			t.Fatal(err)
		}
		all := map[distribution.Key]content{}
		for _, c := range contents {
			all[c.key] = c
		}
		return all
	}
	for _, a := range []*assignments{leader, follower} {
		for key, c := range assigned(a, bundled(100, "a")) {
			if !c.agreed() {
				t.Fatalf("at first %s has no revision: %+v", key, c.assigned)
			}
		}
	}
	register.shared = Shared{Trust: bundled(90, "t"), RevocationsBase: 50}
	for key, c := range assigned(follower, bundled(90, "a")) {
		if c.agreed() != (key == revocations) {
			t.Errorf("a follower has %s under revision %d, which is agreed: %t", key, c.assigned.Revision, c.agreed())
		}
	}
	leader.leadsSince = now.Add(-time.Hour)
	want := map[distribution.Key]int64{first: millis, second: millis, revocations: 80}
	for key, c := range assigned(leader, bundled(90, "a")) {
		if !c.agreed() || c.assigned.Revision != want[key] {
			t.Errorf("the leader has %s under revision %d, want %d; it is agreed: %t", key, c.assigned.Revision, want[key], c.agreed())
		}
	}
}

func TestWhatWasWrittenCountsUntilTheCachesTellOfSomethingElse(t *testing.T) {
	before, ours, later := bundled(7, "a"), bundled(8, "b"), bundled(9, "c")
	for sentence, c := range map[string]struct {
		told, want v1alpha1.BundleStatus
	}{
		"of what was there before":                   {before, later},
		"of what this replica wrote in between":      {ours, later},
		"of the latest":                              {later, later},
		"of what another replica wrote since":        {bundled(10, "d"), bundled(10, "d")},
		"of nothing, which somebody wrote":           {v1alpha1.BundleStatus{}, v1alpha1.BundleStatus{}},
		"of something earlier, which somebody wrote": {bundled(3, "c"), bundled(3, "c")},
	} {
		a, f := newAssignments(&notebook{}), formed("c", c.told).form
		a.wrote("u", before, ours)
		a.wrote("u", ours, later)
		if got := a.recorded(f); got != c.want {
			t.Errorf("%s: %+v, want %+v", sentence, got, c.want)
		}
	}
	a := newAssignments(&notebook{})
	a.wrote("u", before, ours)
	a.wrote("gone", before, ours)
	if _, err := a.assign(t.Context(), []content{formed("b", before)}, 0, nil, now); err != nil || len(a.written) != 1 {
		t.Errorf("of resource servers that are gone, %d are remembered, %v", len(a.written)-1, err)
	}
}

func TestRevocationsAreNotNumberedBeyondReason(t *testing.T) { // THREATS 33
	for sentence, base := range map[string]int64{"from below": -1 << 40, "from above": math.MaxInt64 - 2000} {
		register := &notebook{known: true, shared: Shared{Trust: bundled(100, "t"), RevocationsBase: base}}
		leader := newAssignments(register)
		leader.leadsSince = now.Add(-time.Hour)
		contents := []content{some(revocations, "r", 0)}
		if _, err := leader.assign(t.Context(), contents, 1000, nil, now); err != nil || contents[0].assigned.Revision != millis || !contents[0].agreed() {
			t.Errorf("%s: %+v, %v", sentence, contents[0].assigned, err)
		}
	}
}

func TestWhatIsNotWrittenDownHasNoRevision(t *testing.T) { // THREATS 39
	register := &notebook{fails: true}
	a := newAssignments(register)
	a.leadsSince = now.Add(-time.Hour)
	contents := []content{formed("a", v1alpha1.BundleStatus{}), some(second, "t", 0), some(revocations, "r", 0)}
	_, err := a.assign(t.Context(), contents, 5, nil, now)
	if !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	for _, c := range contents {
		if c.agreed() {
			t.Errorf("%s has %+v", c.key, c.assigned)
		}
	}
	register.fails = false
	if _, err := a.assign(t.Context(), contents, 5, nil, now); err != nil {
		t.Fatal(err)
	}
	for _, c := range contents {
		if !c.agreed() || c.assigned.Revision != millis {
			t.Errorf("%s has %+v", c.key, c.assigned)
		}
	}
	before := register.written
	if _, err := a.assign(t.Context(), contents, 6, nil, now.Add(time.Hour)); err != nil || register.written != before {
		t.Errorf("though nothing changed, it wrote %d more, and %v", register.written-before, err)
	}
}

func TestABundleThatIsGoneIsWrittenOff(t *testing.T) {
	register := &notebook{}
	a := newAssignments(register)
	a.leadsSince = now.Add(-time.Hour)
	gone := formed("", bundled(7, "b"))
	gone.raw, gone.digest, gone.gone = nil, "", true
	contents := []content{gone}
	if _, err := a.assign(t.Context(), contents, 0, nil, now); err != nil || register.bundles["u"] != (v1alpha1.BundleStatus{}) || register.written != 1 {
		t.Errorf("written %v, error %v", register.bundles, err)
	}
	withheld := formed("", bundled(7, "b"))
	withheld.raw, withheld.digest = nil, ""
	if _, err := a.assign(t.Context(), []content{withheld}, 0, nil, now); err != nil || register.written != 1 {
		t.Errorf("one that was never compiled is written off too: %v, error %v", register.bundles, err)
	}
}

// Two lists are ordered as the API server ordered what they are made of, whoever numbers them (THREATS 39).
func TestEveryReplicaNumbersRevocationsAlike(t *testing.T) {
	register := &notebook{}
	leader, follower := newAssignments(register), newAssignments(register)
	leader.leadsSince = now.Add(-time.Hour)
	number := func(a *assignments, list string, order int64) int64 {
		t.Helper()
		contents := []content{some(revocations, list, 0)}
		if _, err := a.assign(t.Context(), contents, order, nil, now); err != nil {
			t.Fatal(err)
		}
		if !contents[0].agreed() {
			t.Fatalf("the list %q has no revision", list)
		}
		return contents[0].assigned.Revision
	}
	one := number(leader, "one", 100)
	if one != millis {
		t.Errorf("the first is %d", one)
	}
	for _, step := range []struct {
		sentence string
		by       *assignments
		list     string
		order    int64
		want     int64
	}{
		{"another replica gives the same list the same number", follower, "one", 100, one},
		{"the same list keeps it, whatever else happens to revocations", follower, "one", 103, one},
		{"a follower numbers the next at once", follower, "two", 104, one + 4},
		{"a replica that is behind stays behind", leader, "one", 100, one},
		{"until it knows", leader, "two", 104, one + 4},
		{"an earlier list that comes again is a later one", leader, "one", 110, one + 10},
	} {
		if got := number(step.by, step.list, step.order); got != step.want {
			t.Errorf("%s: %d, want %d", step.sentence, got, step.want)
		}
	}

	contents := []content{some(revocations, "one", 0)}
	floor := map[distribution.Key]int64{revocations: millis + 5000}
	if _, err := leader.assign(t.Context(), contents, 50, floor, now); err != nil || contents[0].assigned.Revision != millis+5001 {
		t.Errorf("after the API server was restored to what it was before: %d, %v", contents[0].assigned.Revision-millis, err)
	}
	if got := number(follower, "three", 51); got != millis+5002 {
		t.Errorf("the follower then gives %d", got-millis)
	}
}
