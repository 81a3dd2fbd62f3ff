// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"cmp"
	"flag"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
			return difference{seed: seed, again: again, puzzle: puzzle{s.world, c.trial}, seen: c}, true
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
	return !sameAnswer(c.want, c.got)
}

// sameAnswer compares all that is said of a request. Which of several revocations is named does not matter, nor in which
// order the obstacles of one leg are told.
func sameAnswer(want, got reference.Answer) bool {
	named := len(want.Rests.Revocations) == len(got.Rests.Revocations) ||
		len(got.Rests.Revocations) == 1 && slices.Contains(want.Rests.Revocations, got.Rests.Revocations[0])
	want.Rests.Revocations, got.Rests.Revocations = nil, nil
	return named && want.Outcome == got.Outcome && want.Denial == got.Denial && want.DryRun == got.DryRun &&
		slices.Equal(distinct(want.Obstacles), distinct(got.Obstacles)) &&
		reflect.DeepEqual(normal(want.Rests), normal(got.Rests))
}

func distinct(obstacles []reference.Obstacle) []reference.Obstacle {
	sorted := slices.SortedFunc(slices.Values(obstacles), func(a, b reference.Obstacle) int {
		return cmp.Or(cmp.Compare(a.Leg, b.Leg), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.Compact(sorted)
}

// normal makes equal what says the same.
func normal(r reference.Rests) reference.Rests {
	r.NotAfter = r.NotAfter.UTC()
	r.Disclose = append([]string{}, r.Disclose...)
	r.Policies = append([]string{}, r.Policies...)
	return r
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
		t.reasons[c.want.Denial.Reason]++
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

// assertCoverage holds the generator to its purpose: every reason that a request can bring about, and both outcomes.
func assertCoverage(t *testing.T, counts *tally) {
	t.Helper()
	for _, reason := range authz.Reasons() {
		// No request brings about an internal error.
		if counts.reasons[reason] < 20 && reason != authz.ReasonInternalError {
			t.Errorf("only %d of %d requests were denied for %s", counts.reasons[reason], counts.requests, reason)
		}
	}
	if rate := 100 * counts.allowed / counts.requests; rate < 10 || rate > 60 {
		t.Errorf("%d %% of the requests were allowed, want 10 to 60", rate)
	}
}
