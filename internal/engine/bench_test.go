// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

func BenchmarkDecide(b *testing.B) {
	for _, c := range []struct {
		name  string
		setUp func(*world)
	}{
		{"without condition", func(w *world) { w.withoutConditions() }},
		{"without condition, over HTTP", func(w *world) {
			w.withoutConditions()
			w.asksOver("POST", "/tickets/42/comments")
		}},
		{"with one condition and a chain of two", func(w *world) {
			w.policy.Rules[0].Conditions = nil
			w.request.Via = []authz.Actor{{Namespace: "routing", ServiceAccount: "router"}}
		}},
		{"denied", func(w *world) { w.request.Scope = "tickets:delete" }},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := newWorld(b)
			c.setUp(w)
			s := w.snapshot(b)
			b.ReportAllocs()
			for b.Loop() {
				s.Decide(w.request, now)
			}
		})
	}
}

func (w *world) withoutConditions() {
	w.policy.Scopes[read].Entitlements[0].Conditions = nil
	w.policy.Rules[0].Conditions = nil
}

// BenchmarkFloor is the least that any answer takes: maps from actor and from group to scopes, and a revocation set.
func BenchmarkFloor(b *testing.B) {
	type key struct {
		actor    authz.Actor
		audience string
	}
	w := newWorld(b)
	actors := map[key]uint64{{w.request.Actor, w.request.Audience}: 7}
	groups := map[string]uint64{"customers": 3, "support-agents": 7}
	scopes := map[string]int{"tickets:read": 0, "tickets:comment": 1}
	revoked := map[bundle.Person]int64{{Issuer: "corp", ID: "mallory"}: 0}
	b.ReportAllocs()
	allowed := 0
	for b.Loop() {
		r := w.request
		bits := actors[key{r.Actor, r.Audience}]
		var held uint64
		for _, g := range r.Subject.Groups {
			held |= groups[g]
		}
		_, gone := revoked[bundle.Person{Issuer: r.Subject.Issuer, ID: r.Subject.ID}]
		if bits&held&(1<<scopes[r.Scope]) != 0 && !gone {
			allowed++
		}
	}
	if allowed == 0 {
		b.Fatal("the floor denies")
	}
}
