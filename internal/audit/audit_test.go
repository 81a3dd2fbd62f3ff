// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"behalf.dev/behalf/internal/audit"
	"behalf.dev/behalf/internal/authz"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var at = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

func clock() time.Time { return at }

// written runs the log until all is written, and gives its lines.
func written(t *testing.T, l *audit.Log, out *bytes.Buffer) []string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestARecordSaysWhoDidWhatForWhomAndWhy(t *testing.T) {
	request := &authz.Request{
		Subject: authz.Subject{Issuer: "corp", ID: "alice", Username: "alice@example.com", Groups: []string{"staff"}, Session: "s-1"},
		Actor:   authz.Actor{Namespace: "billing", ServiceAccount: "invoices"},
		Via:     []authz.Actor{{Namespace: "support", ServiceAccount: "portal"}},
		Token:   &authz.Token{ID: "jti-1", Transaction: "txn-1"},
		Context: map[string]any{"secret": "not logged"},
	}
	decision := authz.Decision{
		Denial:   authz.Denial{Leg: authz.LegPolicy, Reason: authz.ReasonForbidden, Message: "DelegationPolicy freeze forbids it"},
		Audience: "https://ledger.example", Scope: "ledger:read", Resource: authz.Resource{Type: "account", ID: "7"},
		ResourceServer: authz.ObjectRef{Kind: "ResourceServer", Namespace: "finance", Name: "ledger"}, Revision: 12,
		Policies: []authz.ObjectRef{{Kind: "DelegationPolicy", Name: "freeze"}},
		Grant:    &authz.ObjectRef{Kind: "DelegationGrant", Namespace: "finance", Name: "g-1"},
	}
	record := audit.NewRecord(at, request, decision)
	record.FrontDoor, record.RequestID, record.Peer = "authzen", "r-1", "edge/gateway"
	got, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"time":"2026-06-01T10:00:00Z","frontDoor":"authzen","requestId":"r-1","peer":"edge/gateway",` +
		`"subject":{"issuer":"corp","id":"alice","session":"s-1"},"actor":"billing/invoices","via":["support/portal"],` +
		`"tokenId":"jti-1","transaction":"txn-1","audience":"https://ledger.example","scope":"ledger:read",` +
		`"resource":{"type":"account","id":"7"},"decision":"Deny",` +
		`"denial":{"leg":"policy","reason":"forbidden","message":"DelegationPolicy freeze forbids it"},` +
		`"resourceServer":"ResourceServer finance/ledger","revision":12,"policies":["DelegationPolicy freeze"],` +
		`"grant":"DelegationGrant finance/g-1","objects":[{"kind":"ResourceServer","namespace":"finance","name":"ledger"},` +
		`{"kind":"DelegationPolicy","name":"freeze"},{"kind":"DelegationGrant","namespace":"finance","name":"g-1"}]}`
	if string(got) != want {
		t.Errorf("record\n%s\nwant\n%s", got, want)
	}
}

func TestAnAllowedDryRunIsRecordedAsBoth(t *testing.T) {
	record := audit.NewRecord(at, &authz.Request{Audience: "a", Scope: "s"}, authz.Decision{
		Outcome: authz.Allow, DryRun: &authz.Denial{Leg: authz.LegSubject, Reason: authz.ReasonNotEntitled},
	})
	got, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"time":"2026-06-01T10:00:00Z","audience":"a","scope":"s","decision":"Allow","dryRun":{"leg":"subject","reason":"not_entitled"}}`
	if string(got) != want {
		t.Errorf("record\n%s\nwant\n%s", got, want)
	}
}

func TestARecordSaysThatWhatDecidedHasOutlivedItsLease(t *testing.T) {
	record := audit.NewRecord(at, &authz.Request{}, authz.Decision{Outcome: authz.Allow, Revision: 12, Degraded: true})
	got, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"time":"2026-06-01T10:00:00Z","decision":"Allow","revision":12,"degraded":true}`; string(got) != want {
		t.Errorf("record\n%s\nwant\n%s", got, want)
	}
}

func TestAFullQueueDropsAndTheLogSaysSo(t *testing.T) {
	var out bytes.Buffer
	l := audit.NewLog(&out, 2, clock)
	for _, id := range []string{"1", "2", "3", "4", "5"} { // THREATS 46
		l.Write(audit.Record{Time: at, RequestID: id})
	}
	if got := l.Lost(); got != 3 {
		t.Errorf("lost = %d, want 3", got)
	}
	got := written(t, l, &out)
	want := []string{
		`{"time":"2026-06-01T10:00:00Z","gap":3}`,
		`{"time":"2026-06-01T10:00:00Z","requestId":"1"}`,
		`{"time":"2026-06-01T10:00:00Z","requestId":"2"}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestALogThatEndsWithAGapSaysSo(t *testing.T) {
	var out bytes.Buffer
	l := audit.NewLog(&out, 0, clock)
	l.Write(audit.Record{Time: at, RequestID: "1"})
	if got := written(t, l, &out); len(got) != 1 || got[0] != `{"time":"2026-06-01T10:00:00Z","gap":1}` {
		t.Errorf("lines %q, want one gap of 1", got)
	}
}

// flaky tears what is written in its first attempts.
type flaky struct {
	bytes.Buffer

	failures int
}

var errFull = errors.New("no space left on device")

func (f *flaky) Write(p []byte) (int, error) {
	if f.failures > 0 {
		f.failures--
		n, err := f.Buffer.Write(p[:5])
		return n, errors.Join(err, errFull)
	}
	return f.Buffer.Write(p)
}

func TestWhatCouldNotBeWrittenIsAGapAndATornLineIsEnded(t *testing.T) {
	out := &flaky{failures: 1}
	l := audit.NewLog(out, 8, clock)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	l.Write(audit.Record{Time: at, RequestID: "1"})
	l.Write(audit.Record{Time: at, RequestID: "2"})
	// Whether the first batch or the last one fails is the scheduler's choice; what is told is the same.
	if err := l.Run(ctx); err != nil && !errors.Is(err, errFull) {
		t.Fatal(err)
	}
	if got := l.Lost(); got != 2 {
		t.Errorf("lost = %d, want 2", got)
	}
	l.Write(audit.Record{Time: at, RequestID: "3"})
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	want := `{"tim` + "\n" + `{"time":"2026-06-01T10:00:00Z","gap":2}` + "\n" + `{"time":"2026-06-01T10:00:00Z","requestId":"3"}` + "\n"
	if out.String() != want {
		t.Errorf("log\n%s\nwant\n%s", out.String(), want)
	}
}

func TestAGapThatCouldNotBeWrittenIsToldLater(t *testing.T) {
	out := &flaky{failures: 1}
	l := audit.NewLog(out, 1, clock)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	l.Write(audit.Record{Time: at, RequestID: "1"})
	l.Write(audit.Record{Time: at, RequestID: "2"})
	if err := l.Run(ctx); err != nil && !errors.Is(err, errFull) {
		t.Fatal(err)
	}
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "\n"+`{"time":"2026-06-01T10:00:00Z","gap":2}`+"\n") {
		t.Errorf("log\n%s\nwant a gap of 2 at its end", out.String())
	}
	if got := l.Lost(); got != 2 {
		t.Errorf("lost = %d, want 2", got)
	}
}

func TestRecordsAreWrittenAsTheyCome(t *testing.T) {
	lines := make(chan string, 4)
	l := audit.NewLog(writerFunc(func(p []byte) (int, error) {
		lines <- string(p)
		return len(p), nil
	}), 4, clock)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	l.Write(audit.Record{Time: at, RequestID: "1"})
	if got := <-lines; got != `{"time":"2026-06-01T10:00:00Z","requestId":"1"}`+"\n" {
		t.Errorf("line %q", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
