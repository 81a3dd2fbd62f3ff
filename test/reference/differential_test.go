// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"cmp"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/reference"
)

var (
	fromSeed  = flag.Uint64("from", 1, "seed of the first random world")
	worlds    = flag.Uint64("worlds", 2100, "how many random worlds")
	searchFor = flag.Duration("for", 0, "search for differences for so long, in place of a number of worlds")
)

// trialsPerWorld is how many requests are put to one world.
const trialsPerWorld = 100

// TestDifferential puts random worlds and requests, malformed and boundary ones among them, through the compiler and the
// engine and through the model. THREATS 23 and 26 are in the vocabulary of the requests.
func TestDifferential(t *testing.T) {
	count := *worlds
	if testing.Short() {
		count = min(count, 200)
	}
	total := newTally()
	differences := search(total, *fromSeed, count, *searchFor)
	t.Logf("judged %d requests over %d worlds, from seed %d\n%s", total.requests, total.worlds, *fromSeed, total)
	for i, d := range differences {
		if i == 3 {
			t.Errorf("and %d more worlds with differences", len(differences)-3)
			break
		}
		t.Error(d.report())
	}
	if total.worlds >= 1000 {
		assertCoverage(t, total)
	}
}

// search judges worlds on every processor, and gives one difference of each world that has any, by seed.
func search(total *tally, from, count uint64, duration time.Duration) []difference {
	var (
		next  atomic.Uint64
		group sync.WaitGroup
		lock  sync.Mutex
		found []difference
	)
	end := time.Now().Add(duration)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			own := newTally()
			for i := next.Add(1) - 1; duration > 0 && time.Now().Before(end) || duration == 0 && i < count; i = next.Add(1) - 1 {
				if d, differs := judge(own, from+i, nil, trialsPerWorld); differs {
					lock.Lock()
					found = append(found, d)
					lock.Unlock()
				}
			}
			lock.Lock()
			defer lock.Unlock()
			total.add(own)
		})
	}
	group.Wait()
	slices.SortFunc(found, func(a, b difference) int { return cmp.Compare(a.seed, b.seed) })
	return found
}

// judge puts one random world and its requests through both, and gives the first difference.
func judge(counts *tally, seed uint64, raw []byte, trials int) (difference, bool) {
	again := fmt.Sprintf("again with: go test ./test/reference -run TestDifferential -from=%d -worlds=1", seed)
	s := chanceOf(seed, raw).scene()
	snapshot, err := load(s.world)
	if err != nil {
		return difference{seed: seed, again: again, failed: err, puzzle: puzzle{World: s.world}}, true
	}
	model := reference.Accept(s.world)
	counts.worlds++
	for range trials {
		c := compare(&s.world, model, snapshot, s.trial())
		counts.count(c)
		if c.differs() {
			return difference{seed: seed, again: again, puzzle: puzzle{s.world, c.trial}}, true
		}
	}
	return difference{}, false
}

// comparison is what both said to one request.
type comparison struct {
	world     *reference.World
	model     *reference.Accepted
	trial     trial
	want, got reference.Answer
}

// differs says whether the answers disagree.
func (c comparison) differs() bool {
	a, b := c.want, c.got
	return a.Outcome != b.Outcome || a.Leg != b.Leg || a.Reason != b.Reason || a.DryRun != b.DryRun ||
		c.judgesAll() && !slices.Equal(legsOf(a), legsOf(b))
}

// judgesAll says that who asks, what is asked and what it is asked of are known, what is held is fresh, and no dry run makes
// some obstacles matter less than others. All other legs can then be judged, whichever denies, and both must name the same.
func (c comparison) judgesAll() bool {
	dryRun := slices.ContainsFunc(c.world.ResourceServers, func(s v1alpha1.ResourceServer) bool {
		return s.Spec.Enforcement.Mode == v1alpha1.EnforcementDryRun
	})
	return !dryRun && c.want.DryRun == reference.Obstacle{} && c.trial.Request.Unauthenticated == "" && !slices.ContainsFunc(c.want.Obstacles, func(o reference.Obstacle) bool {
		return o.Leg == authz.LegIdentity || o.Leg == authz.LegResource || o.Reason == authz.ReasonStaleBundle
	})
}

// legsOf are the legs that stood in the way, each once.
func legsOf(a reference.Answer) []authz.Leg {
	var legs []authz.Leg
	for _, o := range a.Obstacles {
		legs = append(legs, o.Leg)
	}
	slices.Sort(legs)
	return slices.Compact(legs)
}

// tally counts what was judged.
type tally struct {
	worlds, requests int
	reasons          map[authz.Reason]int
	allowed, passed  int // passed: allowed by a dry run alone
}

func newTally() *tally {
	return &tally{reasons: map[authz.Reason]int{}}
}

func (t *tally) count(c comparison) {
	t.requests++
	switch {
	case c.want.Outcome != authz.Allow:
		t.reasons[c.want.Reason]++
	case c.want.DryRun == reference.Obstacle{}:
		t.allowed++
	default:
		t.passed++
	}
}

func (t *tally) add(other *tally) {
	t.worlds += other.worlds
	t.requests += other.requests
	t.allowed += other.allowed
	t.passed += other.passed
	for reason, n := range other.reasons {
		t.reasons[reason] += n
	}
}

// String is a table of how often each answer was right.
func (t *tally) String() string {
	table := fmt.Sprintf("%8d  Allow\n%8d  Allow, by a dry run\n", t.allowed, t.passed)
	for _, reason := range authz.Reasons() {
		table += fmt.Sprintf("%8d  Deny %s\n", t.reasons[reason], reason)
	}
	return table
}

// unmodelled are the reasons that the worlds do not lead to: no request brings about an internal error, and routes that read
// more than the path are not modelled.
var unmodelled = map[authz.Reason]bool{authz.ReasonInternalError: true, authz.ReasonInputMalformed: true}

// assertCoverage holds the generator to its purpose: every reason that a request can bring about, and both outcomes.
func assertCoverage(t *testing.T, counts *tally) {
	t.Helper()
	for _, reason := range authz.Reasons() {
		if counts.reasons[reason] < 20 && !unmodelled[reason] {
			t.Errorf("only %d of %d requests were denied for %s", counts.reasons[reason], counts.requests, reason)
		}
	}
	if rate := 100 * counts.allowed / counts.requests; rate < 10 || rate > 60 {
		t.Errorf("%d %% of the requests were allowed, want 10 to 60", rate)
	}
}
