// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/test/reference"
)

// TestExhaustive puts every request to every small world: two subjects, two actors, two scopes, every entitlement, every
// declaration and every step onward of each, up to two policies (Permit or Forbid, of any actors, subjects and scopes, for
// chains of one or two), and chains up to two. Three things keep it within minutes, and each is watched:
//
//   - Worlds that differ only in which name means which subject, actor or scope are one. Which of the names are used is drawn
//     for each world, so that nothing rests on their order.
//   - What entitlements say of one pair of people has nothing to do with another pair. So all sixteen ways to entitle two
//     people stand side by side in one world, each with a pair of its own.
//   - The legs are judged apart. So the model is asked for each leg over everything that the leg reads, and what it says of
//     a request is put together from that. A sample of worlds is put to the whole model, one at a time.
func TestExhaustive(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("takes a minute")
	case underRaceDetector:
		t.Skip("make test runs it once more without the race detector, under which it takes a quarter of an hour")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // there is much garbage and little else
	expected := expectations()
	var counts smallCounts
	forEachBatch(func(b batch) {
		if fault := b.judge(expected, &counts); fault != "" && counts.faults.Add(1) <= 3 {
			t.Error(fault)
		}
	})
	t.Logf("%d worlds up to two subjects, actors, scopes, policies and a chain of two: %d of them distinct but for names, judged by %d decisions",
		16*len(allDeclarations)*len(allPairs), counts.worlds.Load(), counts.decisions.Load())
	if counts.faults.Load() > 0 {
		t.Errorf("%d batches of worlds with differences", counts.faults.Load())
	}
}

type smallCounts struct {
	worlds, decisions, faults atomic.Int64
}

// TestExhaustiveSample holds what TestExhaustive puts together to the whole model: single worlds, each compiled by itself.
func TestExhaustiveSample(t *testing.T) {
	c, expected := chanceOf(1, nil), expectations()
	for range 300 {
		declared, pair, entitled, names := c.IntN(len(allDeclarations)), c.IntN(len(allPairs)), c.IntN(16), naming(c.IntN(8))
		w := smallWorld(declared, []int{pair}, names, []int{entitled})
		snapshot, err := load(w)
		if err != nil {
			t.Fatal(err)
		}
		model := reference.Accept(w)
		for _, r := range smallRequests(names) {
			if r.entitled != entitled {
				continue
			}
			r.request.Audience = audienceOf(0)
			both := compare(&w, model, snapshot, trial{noon, r.request})
			if want := expected.of(&r, declared, pair); both.want.Denial != want || both.got.Denial != want {
				t.Fatalf("put together: %v\nmodel:  %s\nengine: %s\n%s%s", want, describe(both.want), describe(both.got), inYAML(w), inYAML(r.request))
			}
		}
	}
}

// forEachBatch runs on every processor.
func forEachBatch(judge func(batch)) {
	batches := make(chan batch)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for b := range batches {
				judge(b)
			}
		})
	}
	for declared := range allDeclarations {
		var pairs []int
		for pair := range allPairs {
			if isCanonical(declared, pair) {
				pairs = append(pairs, pair)
			}
		}
		for i := 0; i < len(pairs); i += batchSize {
			batches <- batch{declared, pairs[i:min(i+batchSize, len(pairs))]}
		}
	}
	close(batches)
	group.Wait()
}

// batch is some worlds with the same declarations and a pair of policies each, compiled at once under an audience each.
type batch struct {
	declared int
	pairs    []int
}

const batchSize = 32

func (b batch) judge(expected *verdicts, counts *smallCounts) string {
	names := naming((b.declared + b.pairs[0]) % 8)
	result := compile.Compile(compilerWorld(smallWorld(b.declared, b.pairs, names, everyEntitlement)))
	snapshot, err := assemble(result, forAnHour)
	if err != nil {
		return err.Error()
	}
	requests := smallRequests(names)
	for i, pair := range b.pairs {
		counts.worlds.Add(16)
		counts.decisions.Add(int64(len(requests)))
		audience := audienceOf(i)
		for k := range requests {
			requests[k].request.Audience = audience
		}
		if fault := b.ask(snapshot, requests, pair, names, expected); fault != "" {
			return fault
		}
	}
	return ""
}

func (b batch) ask(snapshot *engine.Snapshot, requests []smallRequest, pair int, names naming, expected *verdicts) string {
	for k := range requests {
		r := &requests[k]
		d, want := snapshot.Decide(&r.request, noon), expected.of(r, b.declared, pair)
		if got := (reference.Obstacle{Leg: d.Leg, Reason: d.Reason}); got != want || (d.Outcome == authz.Allow) != (want == reference.Obstacle{}) {
			w := smallWorld(b.declared, []int{pair}, names, []int{r.entitled})
			return fmt.Sprintf("the engine says %s %v, the model %v\n%s%s", d.Outcome, got, want, inYAML(w), inYAML(r.request))
		}
	}
	return ""
}
