// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"

	"behalf.dev/behalf/internal/bundle"
)

// BenchmarkRoute is a whole decision over HTTP, without conditions, by what its route reads. What query and header cost is
// the difference to the path alone; a body is read as strictly as a token.
func BenchmarkRoute(b *testing.B) {
	search := func(id string) func(*world) {
		return func(w *world) {
			w.policy.Routes = append(w.policy.Routes, bundle.Route{Methods: []string{"GET"}, Path: "/search/{queue}", Scope: read, Delegated: true, Type: "ticket", ID: id})
			w.asksOver("GET", "/search/north?page=2&id=42&sort=age")
			w.request.HTTP.Headers = map[string][]string{
				"accept": {"application/json"}, "x-tenant": {"acme"}, "x-request-id": {"r-1"}, "user-agent": {"curl/8"}, "content-type": {"application/json"},
			}
		}
	}
	for _, c := range []struct {
		name  string
		setUp func(*world)
	}{
		{"by its path", search("{queue}")},
		{"with a query parameter", search("{query:id}")},
		{"with a header", search("{header:x-tenant}")},
		{"with both", search("{header:x-tenant}/{query:id}")},
		{"with the call of a tool", calling("read_ticket", `{"id":"42","fields":["title","state"]}`)},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := newWorld(b)
			w.withoutConditions()
			c.setUp(w)
			s := w.snapshot(b)
			if d := s.Decide(w.request, now); !d.Allowed() {
				b.Fatalf("denied: %+v", d.Denial)
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Decide(w.request, now)
			}
		})
	}
}
