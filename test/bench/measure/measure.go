// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package measure compares the cost of things that take turns: each is run for a moment, then the next, for many rounds, so
// that whatever else the machine does falls on all of them alike.
package measure

import (
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// Case is something to be measured.
type Case struct {
	Name string
	// Do does it once. It is told how often it was done before.
	Do func(i int)
}

// Result is what a Case cost each time that it was done: the median over the rounds, or the least.
type Result struct {
	Name string
	// CPU is processor time of the whole process, with what its garbage collector took meanwhile.
	CPU time.Duration
	// Wall is time that went by.
	Wall time.Duration
	// Allocs and Bytes are what was allocated.
	Allocs float64
	Bytes  float64
}

// Plan says for how long to measure.
type Plan struct {
	Rounds int
	// Turn is for how long a case is run in one round, at least once.
	Turn time.Duration
	// Warm is how often a case is done before the clock of each turn starts, so that it finds in the cache what it left there,
	// and not what the others did.
	Warm int
	// Collected says that each turn starts with the heap collected, and that what is collected meanwhile counts. Otherwise
	// nothing is collected but between rounds, which favours whoever leaves much behind.
	Collected bool
	// Fastest gives the fastest round in place of the median, for a machine on which others are at work.
	Fastest bool
}

// Run measures the cases.
func (p Plan) Run(cases []Case) []Result {
	if !p.Collected {
		defer debug.SetGCPercent(debug.SetGCPercent(-1))
	}
	times := make([]int, len(cases))
	for i, c := range cases {
		times[i] = p.times(c)
	}
	samples := make([][]sample, len(cases))
	for range p.Rounds {
		runtime.GC()
		for i, c := range cases {
			if p.Collected {
				runtime.GC()
			}
			samples[i] = append(samples[i], p.take(c, times[i]))
		}
	}
	results := make([]Result, len(cases))
	for i, c := range cases {
		results[i] = p.summary(c.Name, samples[i])
	}
	return results
}

// times is how often a case fits into one turn.
func (p Plan) times(c Case) int {
	for n := 1; ; n *= 2 {
		if took := p.take(c, n).wall * float64(n); took*2 > float64(p.Turn) || n > 1<<30 {
			return max(1, int(float64(n)*float64(p.Turn)/took))
		}
	}
}

// sample is what one turn gave, for each time that the case was done; times in nanoseconds.
type sample struct{ cpu, wall, allocs, bytes float64 }

func (p Plan) take(c Case, n int) sample {
	for i := range p.Warm {
		c.Do(i)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, cpu := time.Now(), processorTime()
	for i := range n {
		c.Do(i)
	}
	spent, took := processorTime()-cpu, time.Since(began)
	runtime.ReadMemStats(&after)
	each := func(total float64) float64 { return total / float64(n) }
	return sample{
		cpu: each(float64(spent)), wall: each(float64(took)),
		allocs: each(float64(after.Mallocs - before.Mallocs)), bytes: each(float64(after.TotalAlloc - before.TotalAlloc)),
	}
}

func (p Plan) summary(name string, samples []sample) Result {
	of := func(what func(sample) float64) float64 {
		values := make([]float64, len(samples))
		for i, s := range samples {
			values[i] = what(s)
		}
		slices.Sort(values)
		if p.Fastest {
			return values[0]
		}
		return values[len(values)/2]
	}
	return Result{
		Name: name,
		CPU:  time.Duration(of(func(s sample) float64 { return s.cpu })), Wall: time.Duration(of(func(s sample) float64 { return s.wall })),
		Allocs: of(func(s sample) float64 { return s.allocs }), Bytes: of(func(s sample) float64 { return s.bytes }),
	}
}
