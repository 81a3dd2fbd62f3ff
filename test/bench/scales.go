// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/bench/cedar"
	"behalf.dev/behalf/test/bench/measure"
	"behalf.dev/behalf/test/bench/rules"
	"behalf.dev/behalf/test/estate"
	"behalf.dev/behalf/test/report"
)

// scales measures what the tables above hold fixed: how many groups a subject is in, how many different requests take turns,
// and how cedar-go is given the rules.
func scales(ctx context.Context, r *report.Report, p plans) error {
	if err := byGroups(ctx, r, p); err != nil {
		return err
	}
	if err := cold(r, p); err != nil {
		return err
	}
	return policyEach(r, p)
}

func byGroups(ctx context.Context, r *report.Report, p plans) error {
	r.Heading("Subjects of fewer and of more groups")
	for _, groups := range []int{2, 30} {
		size := estate.Of(10_000, 100)
		size.Groups = groups
		rows, err := decide(ctx, size, p.fine)
		if err != nil {
			return err
		}
		decisionTable(r, fmt.Sprintf("10,000 delegations, a condition each, subjects in %d groups", groups), rows)
	}
	return nil
}

// cold asks more different requests than caches hold, so that each finds the rules, and itself, in memory.
func cold(r *report.Report, p plans) error {
	const many = 50_000
	r.Heading("Requests that nobody asked lately")
	e := estate.New(estate.Of(100_000, 100))
	w := e.World()
	least := estate.NewFloor(&w)
	snapshot, err := estate.Snapshot(w)
	if err != nil {
		return err
	}
	requests := e.Allowed(many, 1, 1)
	// Each turn goes on where the last one ended, or all turns would ask the same few.
	var next [2]int
	ask := func(contender int) *authz.Request {
		next[contender]++
		return requests[next[contender]%many]
	}
	results := p.fine.Run([]measure.Case{
		{Do: func(int) { least.Allows(ask(0)) }},
		{Do: func(int) { snapshot.Decide(ask(1), estate.Now) }},
	})
	r.Printf("100,000 delegations with a condition each, %d different requests in turn: the floor takes %s, Behalf %s, which is %s.\n",
		many, report.Took(results[0].CPU), report.Took(results[1].CPU), report.Ratio(float64(results[1].CPU), float64(results[0].CPU)))
	return nil
}

func policyEach(r *report.Report, p plans) error {
	r.Heading("cedar-go with a policy for each Permit")
	e := estate.New(estate.Of(10_000, 100))
	w := e.World()
	stated, err := rules.Of(&w)
	if err != nil {
		return err
	}
	engine, err := cedar.NewPolicyEach(stated, estate.LeaseEnd)
	if err != nil {
		return err
	}
	requests := prepare(e.Allowed(rotation, 1, 1), cedar.Prepare)
	results := p.coarse.Run([]measure.Case{{Do: func(i int) { engine.Allows(requests[i%rotation]) }}})
	r.Printf("10,000 delegations with a condition each, asked for an allow: %s and %.0f allocations. cedar-go goes through all policies.\n",
		report.Took(results[0].CPU), results[0].Allocs)
	return nil
}
