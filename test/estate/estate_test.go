// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package estate_test

import (
	"fmt"
	"testing"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/test/estate"
)

func load(tb testing.TB, e *estate.Estate) *engine.Snapshot {
	tb.Helper()
	s, err := estate.Snapshot(e.World())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// A benchmark of wrong answers would be worthless.
func TestRequestsAreAnsweredAsTheyWereMade(t *testing.T) {
	arithmetic := estate.Of(200, 5)
	arithmetic.Arithmetic, arithmetic.Groups = true, 30
	for _, size := range []estate.Size{estate.Of(100, 0), estate.Of(100, 7), estate.Of(3000, 50), arithmetic} {
		e := estate.New(size)
		s, floor := load(t, e), estate.NewFloor(new(e.World()))
		for depth := 1; depth <= estate.MaxDepth; depth++ {
			t.Run(fmt.Sprintf("allowed at %+v by a chain of %d", size, depth), func(t *testing.T) {
				for _, r := range e.Allowed(300, depth, 1) {
					if d := s.Decide(r, estate.Now); !d.Allowed() || len(r.Via) != depth-1 {
						t.Fatalf("%s of %+v", d.Message, r)
					}
					if !floor.Allows(r) {
						t.Fatalf("the floor denies %+v", r)
					}
				}
			})
		}
		t.Run(fmt.Sprintf("denied at %+v", size), func(t *testing.T) {
			want := []authz.Reason{authz.ReasonNotEntitled, authz.ReasonNotDeclared, authz.ReasonRevoked, authz.ReasonScopeNotInToken, authz.ReasonNoPolicy}
			for i, r := range e.Denied(300, 1) {
				if d := s.Decide(r, estate.Now); d.Allowed() || d.Reason != want[i%len(want)] {
					t.Fatalf("%s (%s), want %s", d.Outcome, d.Reason, want[i%len(want)])
				}
			}
		})
	}
}

func TestAnythingMeetsEveryLegAndItsBounds(t *testing.T) {
	e := estate.New(estate.Of(1000, 20))
	s := load(t, e)
	outcomes := map[string]int{}
	for _, r := range e.Anything(5000, 1) {
		d := s.Decide(r, estate.Now)
		outcomes[d.Outcome.String()+" "+string(d.Reason)]++
	}
	for _, want := range []string{
		"Allow ", "Deny subject_missing", "Deny audience_unknown", "Deny scope_unknown", "Deny revoked", "Deny scope_not_in_token",
		"Deny not_entitled", "Deny actor_not_allowed", "Deny not_declared", "Deny edge_not_declared", "Deny chain_loop", "Deny chain_too_deep",
		"Deny forbidden", "Deny no_policy", "Deny condition_error", "Deny subject_too_old", "Deny token_lifetime_too_long",
	} {
		if outcomes[want] == 0 {
			t.Errorf("no %s among %v", want, outcomes)
		}
	}
}
