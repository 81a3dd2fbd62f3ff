// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/token"
)

func TestWithoutASnapshotNothingIsAllowed(t *testing.T) {
	var s *Snapshot
	d := s.Decide(newRequest(), now)
	if d.Outcome != authz.Deny || d.Leg != authz.LegFreshness || d.Reason != authz.ReasonStaleBundle {
		t.Errorf("got %+v", d)
	}
	if s.Trust() != nil {
		t.Error("a nil snapshot trusts somebody")
	}
	if audience, ok := s.Audience("tickets.example"); ok {
		t.Errorf("a nil snapshot knows %s", audience)
	}
}

func TestWithoutTrustOrRevocationsNothingIsAllowed(t *testing.T) {
	w := newWorld(t)
	full := w.snapshot(t)
	p := full.byAudience("https://tickets.example").policy
	for _, c := range []struct {
		name        string
		trust       *token.Trust
		revocations *Revocations
		message     string
	}{
		{"neither", nil, nil, "holds no trust bundle"},
		{"no trust", nil, full.revocations, "holds no trust bundle"},
		{"no revocations", full.trust, nil, "holds no revocation list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := NewSnapshot([]*Policy{p}, c.trust, c.revocations)
			if err != nil {
				t.Fatal(err)
			}
			d := s.Decide(w.request, now)
			if d.Reason != authz.ReasonStaleBundle || !strings.Contains(d.Message, c.message) {
				t.Errorf("got %+v", d.Denial)
			}
		})
	}
}

func TestANilRequestIsDenied(t *testing.T) {
	d := newWorld(t).snapshot(t).Decide(nil, now)
	if d.Outcome != authz.Deny || d.Reason != authz.ReasonRequestMalformed {
		t.Errorf("got %+v", d)
	}
}

// THREATS 11
func TestAPanicDenies(t *testing.T) {
	w := newWorld(t)
	s := w.snapshot(t)
	s.byAudience("https://tickets.example").policy.people = nil
	d := s.Decide(w.request, now)
	if d.Outcome != authz.Deny || d.Reason != authz.ReasonInternalError || d.Leg != authz.LegIdentity {
		t.Errorf("got %+v", d)
	}
	if again := newWorld(t).decide(t); !again.Allowed() {
		t.Errorf("the next decision suffers: %+v", again.Denial)
	}
}

func TestOneHostOrAudienceBelongsToOnePolicy(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		change func(*bundle.Policy)
		want   string
	}{
		{"the same audience", func(p *bundle.Policy) { p.Hosts = nil }, "audience \"https://tickets.example\": two resource servers have it"},
		{"the same host", func(p *bundle.Policy) { p.Audience = "https://other.example" }, "host \"tickets.example\": two resource servers have it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, second := load(t, newPolicy(t)), newPolicy(t)
			c.change(second)
			_, err := NewSnapshot([]*Policy{first, load(t, second)}, w.snapshot(t).trust, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func load(tb testing.TB, p *bundle.Policy) *Policy {
	tb.Helper()
	loaded, err := LoadPolicy(p, bundle.Statement{LeaseUntil: now.Unix()})
	if err != nil {
		tb.Fatal(err)
	}
	return loaded
}

func TestAStatementIsRenewedWithoutLoadingAgain(t *testing.T) {
	w := newWorld(t)
	w.policyLease, w.revocationsLease = now.Add(-time.Minute), now.Add(-time.Minute)
	old := w.snapshot(t)
	if d := old.Decide(w.request, now); d.Reason != authz.ReasonStaleBundle {
		t.Fatalf("got %+v", d.Denial)
	}
	renewed := bundle.Statement{Revision: 8, LeaseUntil: now.Unix()}
	p := old.byAudience("https://tickets.example").policy.WithStatement(renewed)
	r := old.revocations.WithStatement(renewed)
	s, err := NewSnapshot([]*Policy{p}, old.Trust(), r)
	if err != nil {
		t.Fatal(err)
	}
	if d := s.Decide(w.request, now); !d.Allowed() || d.Revision != 8 || p.Statement() != renewed || r.Statement() != renewed {
		t.Errorf("got %+v", d)
	}
}

func TestAudienceOfAHost(t *testing.T) {
	s := newWorld(t).snapshot(t)
	for host, want := range map[string]string{
		"tickets.example": "https://tickets.example", "TICKETS.support.svc:443": "https://tickets.example",
		"tickets.example.": "", "other.example": "", "": "",
	} {
		if got, ok := s.Audience(host); got != want || ok != (want != "") {
			t.Errorf("host %q has %q, %t", host, got, ok)
		}
	}
}

func TestASnapshotServesManyAtOnce(t *testing.T) {
	w := newWorld(t)
	s := w.snapshot(t)
	denied := newRequest()
	denied.Resource = authz.Resource{Type: "ticket", ID: "1", Properties: map[string]any{"owner": "bob"}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	results := make(chan bool)
	for range 4 {
		go func() {
			ok := true
			for range 200 {
				ok = ok && s.Decide(w.request, now).Allowed() && !s.Decide(denied, now).Allowed()
			}
			select {
			case results <- ok:
			case <-ctx.Done():
			}
		}()
	}
	for range 4 {
		if !<-results {
			t.Error("decisions get into each other's way")
		}
	}
}

// Every decision says what it rests on: a revocation may not have arrived, and whoever reads the decision must know.
func TestADecisionSaysWhetherWhatItRestsOnHasOutlivedItsLease(t *testing.T) {
	t.Parallel()
	stale := func(w *world) { w.policy.MaxStaleSeconds = 60 }
	for sentence, c := range map[string]struct {
		edit func(*world)
		want bool
	}{
		"all leases run":                             {func(*world) {}, false},
		"all leases run, and stale would do":         {stale, false},
		"a lease ends this very second":              {func(w *world) { stale(w); w.trustLease = now }, false},
		"the lease of the policy has ended":          {func(w *world) { stale(w); w.policyLease = now.Add(-time.Second) }, true},
		"the lease of the trust has ended":           {func(w *world) { stale(w); w.trustLease = now.Add(-time.Second) }, true},
		"the lease of the revocations has ended":     {func(w *world) { stale(w); w.revocationsLease = now.Add(-60 * time.Second) }, true},
		"it has ended, and the request is denied":    {func(w *world) { stale(w); w.policyLease = now.Add(-time.Second); w.request.Scope = "tickets:delete" }, true},
		"it may not be served stale any longer":      {func(w *world) { stale(w); w.policyLease = now.Add(-61 * time.Second) }, false},
		"it may not be served stale":                 {func(w *world) { w.policyLease = now.Add(-time.Second) }, false},
		"nothing is known of the audience":           {func(w *world) { w.request.Audience = "https://elsewhere.example" }, false},
		"it has ended, and nobody asks what is held": {func(w *world) { stale(w); w.policyLease = now.Add(-time.Second); w.request.Subject = authz.Subject{} }, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.edit(w)
			if got := w.decide(t); got.Degraded != c.want {
				t.Errorf("degraded is %t: %+v", got.Degraded, got)
			}
		})
	}
}
