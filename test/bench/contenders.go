// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/bench/cedar"
	"behalf.dev/behalf/test/bench/measure"
	"behalf.dev/behalf/test/bench/opa"
	"behalf.dev/behalf/test/bench/rules"
	"behalf.dev/behalf/test/estate"
)

// rotation is how many different requests take turns. Fewer than the smallest estate has delegations, so that each size is
// asked about as many; enough that neither branches nor look-ups repeat at once; and the requests themselves stay in the
// cache, as one that has just been read off the wire is.
const rotation = 64

// kind of requests that are asked.
type kind struct {
	name     string
	allow    bool
	requests func(*estate.Estate) []*authz.Request
}

var kinds = []kind{
	{"allow", true, func(e *estate.Estate) []*authz.Request { return e.Allowed(rotation, 1, 1) }},
	{"allow, chain of 2", true, func(e *estate.Estate) []*authz.Request { return e.Allowed(rotation, 2, 1) }},
	{"allow, chain of 3", true, func(e *estate.Estate) []*authz.Request { return e.Allowed(rotation, 3, 1) }},
	{"deny", false, func(e *estate.Estate) []*authz.Request { return e.Denied(rotation, 1) }},
}

// The contenders, in the order in which they take turns.
const (
	floor = iota
	behalf
	opaEngine
	cedarEngine
	count
)

// contenders gives a case for each kind and contender, in that order. Each was seen to answer all that it will be asked;
// the floor knows too little to deny for every reason.
func contenders(ctx context.Context, e *estate.Estate) ([]measure.Case, error) {
	w := e.World()
	least := estate.NewFloor(&w)
	snapshot, err := estate.Snapshot(w)
	if err != nil {
		return nil, fmt.Errorf("loading Behalf: %w", err)
	}
	r, err := rules.Of(&w)
	if err != nil {
		return nil, fmt.Errorf("stating the rules: %w", err)
	}
	byOPA, err := opa.New(ctx, r, estate.LeaseEnd)
	if err != nil {
		return nil, fmt.Errorf("loading OPA: %w", err)
	}
	byCedar, err := cedar.New(r, estate.LeaseEnd)
	if err != nil {
		return nil, fmt.Errorf("loading cedar-go: %w", err)
	}
	var cases []measure.Case
	for _, k := range kinds {
		requests := k.requests(e)
		forOPA, forCedar := prepare(requests, opa.Prepare), prepare(requests, cedar.Prepare)
		for contender, allows := range [count]func(i int) bool{
			floor:       func(i int) bool { return least.Allows(requests[i%rotation]) },
			behalf:      func(i int) bool { d := snapshot.Decide(requests[i%rotation], estate.Now); return d.Allowed() },
			opaEngine:   func(i int) bool { allowed, err := byOPA.Allows(ctx, forOPA[i%rotation]); return allowed && err == nil },
			cedarEngine: func(i int) bool { return byCedar.Allows(forCedar[i%rotation]) },
		} {
			if k.allow || contender != floor {
				if err := verify(k, allows); err != nil {
					return nil, fmt.Errorf("contender %d: %w", contender, err)
				}
			}
			cases = append(cases, measure.Case{Do: func(i int) { allows(i) }})
		}
	}
	return cases, nil
}

func prepare[T any](requests []*authz.Request, one func(*authz.Request, time.Time) T) []T {
	all := make([]T, len(requests))
	for i, r := range requests {
		all[i] = one(r, estate.Now)
	}
	return all
}

var errWrong = errors.New("the answer is wrong")

func verify(k kind, allows func(i int) bool) error {
	for i := range rotation {
		if allows(i) != k.allow {
			return fmt.Errorf("%s, request %d: %w", k.name, i, errWrong)
		}
	}
	return nil
}
