// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"fmt"
	"testing"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/estate"
)

// rotation is how many different requests take turns. Fewer than the smallest estate has delegations, so that each size is
// asked about as many; enough that neither branches nor look-ups repeat at once; and the requests themselves stay in the
// cache, as one that has just been read off the wire is.
const rotation = 64

// BenchmarkDecide measures one decision, beside the floor on the same requests, at three sizes of the same world. Compare
// what one run gives; `make bench` makes the report.
func BenchmarkDecide(b *testing.B) {
	for _, delegations := range []int{100, 10_000, 100_000} {
		for _, conditions := range []int{0, 100} {
			e := estate.New(estate.Of(delegations, conditions))
			name := fmt.Sprintf("delegations=%d/conditions=%d", delegations, conditions)
			b.Run(name, func(b *testing.B) { benchmarkEstate(b, e) })
		}
	}
}

func benchmarkEstate(b *testing.B, e *estate.Estate) {
	b.Helper()
	w := e.World()
	floor := estate.NewFloor(&w)
	s, err := estate.Snapshot(w)
	if err != nil {
		b.Fatal(err)
	}
	decide := func(r *authz.Request) bool {
		d := s.Decide(r, estate.Now)
		return d.Allowed()
	}
	for _, c := range []struct {
		name     string
		requests []*authz.Request
		answer   func(*authz.Request) bool
		want     bool
	}{
		{"floor", e.Allowed(rotation, 1, 1), floor.Allows, true},
		{"allow", e.Allowed(rotation, 1, 1), decide, true},
		{"allow/chain=2", e.Allowed(rotation, 2, 1), decide, true},
		{"allow/chain=3", e.Allowed(rotation, 3, 1), decide, true},
		{"deny", e.Denied(rotation, 1), decide, false},
	} {
		b.Run(c.name, func(b *testing.B) { rotate(b, c.requests, c.answer, c.want) })
	}
}

func rotate(b *testing.B, requests []*authz.Request, answer func(*authz.Request) bool, want bool) {
	b.Helper()
	b.ReportAllocs()
	i, wrong := 0, 0
	for b.Loop() {
		if answer(requests[i%rotation]) != want {
			wrong++
		}
		i++
	}
	if wrong > 0 {
		b.Fatalf("%d wrong answers", wrong)
	}
}
