// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ed25519"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/test/report"
)

func TestOnlyWhatChangesWhatIsStoredIsAWrite(t *testing.T) {
	const scraped = `# HELP apiserver_request_total requests
apiserver_request_total{code="200",group="behalf.dev",resource="servicedelegations",subresource="status",verb="PATCH"} 7
apiserver_request_total{code="409",group="behalf.dev",resource="servicedelegations",subresource="status",verb="PATCH"} 1
apiserver_request_total{code="201",group="events.k8s.io",resource="events",subresource="",verb="POST"} 3
apiserver_request_total{code="200",group="coordination.k8s.io",resource="leases",subresource="",verb="PUT"} 90
apiserver_request_total{code="201",group="authentication.k8s.io",resource="tokenreviews",subresource="",verb="POST"} 50
apiserver_request_total{code="201",group="",resource="serviceaccounts",subresource="token",verb="POST"} 50
apiserver_request_total{code="200",group="behalf.dev",resource="servicedelegations",subresource="",verb="LIST"} 12
apiserver_request_total{code="0",group="behalf.dev",resource="servicedelegations",subresource="",verb="WATCH"} 12
apiserver_request_total_other{verb="PATCH",resource="pods"} 4
`
	want := writes{"PATCH servicedelegations/status": 8, "POST events": 3}
	got := writesIn([]byte(scraped))
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	more := got.since(writes{"PATCH servicedelegations/status": 6, "POST events": 3})
	if more.total() != 2 || more.String() != ": PATCH servicedelegations/status 2" {
		t.Errorf("got %v", more)
	}
	if none := got.since(got); none.total() != 0 || none.String() != "" {
		t.Errorf("nothing was written since, and it says%s", none)
	}
}

func TestPercentilesAreTheNearestRank(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for sentence, c := range map[string]struct {
		sorted    []time.Duration
		percent   int
		want, end time.Duration
	}{
		"the middle of a hundred":          {hundred, 50, 50, 100},
		"all but one of a hundred":         {hundred, 99, 99, 100},
		"of few, the last":                 {hundred[:10], 99, 10, 10},
		"of one, that one":                 {hundred[:1], 50, 1, 1},
		"of three, the second is the half": {hundred[:3], 50, 2, 3},
	} {
		if got := percentile(c.sorted, c.percent); got != c.want || most(c.sorted) != c.end {
			t.Errorf("%s: got %d and %d, want %d and %d", sentence, got, most(c.sorted), c.want, c.end)
		}
	}
}

func TestTheBenchmarksLinesAreRead(t *testing.T) {
	const printed = `goos: linux
BenchmarkOneChangeToAll/resources=1000/clients=100-2         	      30	    166024 B/client	         2.104 ratio	      3312 µs/change	      1574 µs/floor
BenchmarkOneChangeToAll/resources=10000/clients=100-2        	      30	    161526 B/client	         2.123 ratio	      3809 µs/change	      1794 µs/floor
BenchmarkProgress-2   	    1236	   1069759 ns/op
PASS
`
	found := comparisons(printed)
	want := comparison{resources: 10_000, clients: 100, change: 3809 * time.Microsecond, floor: 1794 * time.Microsecond, ratio: 2.123, perClient: 161_526}
	if len(found) != 2 || found[1] != want {
		t.Fatalf("got %+v", found)
	}
	var out strings.Builder
	r := report.New(&out, "make scale-report")
	tellBroadcast(r, plan{rounds: 30}, found)
	r.Verdicts()
	for _, line := range []string{
		"| 1,000 | 100 | 1574 µs | 3312 µs | 2.1 × | 166 KB |",
		"| one change over a broadcast, 10,000 resources, 100 clients | at most 3 × | 2.1 × | holds |",
		"| one change, 10,000 resources over 1,000, 100 clients | at most 1.3 × | 1.2 × | holds |",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q is not in\n%s", line, out.String())
		}
	}
}

func TestUnknownPartsAndNumbersAreRefused(t *testing.T) {
	if _, err := usual().only("changes,idleness"); !errors.Is(err, errUnknownPart) {
		t.Errorf("got %v", err)
	}
	if p, err := usual().only(""); err != nil || !p.has(partIdle) || !p.has(partBroadcast) {
		t.Errorf("without a list not everything is measured: %v, %v", p.parts, err)
	}
	var list []int
	if err := numbers(&list)("10,100"); err != nil || len(list) != 2 || list[1] != 100 {
		t.Errorf("got %v, %v", list, err)
	}
	for sentence, text := range map[string]string{"no number": "10,x", "falling": "100,10", "nothing": "", "none": "0"} {
		if err := numbers(&list)(text); err == nil {
			t.Errorf("%s: %q was taken", sentence, text)
		}
	}
}

var key = ed25519.NewKeyFromSeed([]byte("our seed is of thirty-two bytes."))

func artifact(t *testing.T, revision int64, content string) bundle.Artifact {
	t.Helper()
	envelope, err := bundle.Sign(bundle.Statement{
		Kind: bundle.KindPolicy, Name: "ns/api", Revision: revision, Digest: bundle.Digest([]byte(content)), IssuedAt: 1, LeaseUntil: 2,
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return bundle.Artifact{Envelope: envelope, Content: []byte(content)}
}

func TestAnAuthorizerThatOnlyVerifiesRefusesWhatAWholeOneWould(t *testing.T) {
	altered := artifact(t, 3, "three")
	altered.Content = []byte("3")
	put, renew := bundle.Put, bundle.Renew
	for sentence, c := range map[string]struct {
		name     string
		op       bundle.Operation
		artifact bundle.Artifact
		taken    bool
	}{
		"a later revision":               {"ns/api", put, artifact(t, 3, "three"), true},
		"a lease of what is held":        {"ns/api", renew, bundle.Artifact{Envelope: artifact(t, 3, "two").Envelope}, true},
		"an older revision":              {"ns/api", put, artifact(t, 1, "one"), false},
		"content that was not signed":    {"ns/api", put, altered, false},
		"another's name":                 {"ns/other", put, artifact(t, 3, "three"), false},
		"a lease of what is not held":    {"ns/api", renew, bundle.Artifact{Envelope: artifact(t, 3, "three").Envelope}, false},
		"a signature of somebody else's": {"ns/api", put, bundle.Artifact{Envelope: []byte(`{}`), Content: []byte("three")}, false},
	} {
		v := newVerifying(bundle.NewVerifier(key.Public().(ed25519.PublicKey)))
		first := bundle.Change{Operation: put, Kind: bundle.KindPolicy, Name: "ns/api", Artifact: artifact(t, 2, "two")}
		came := bundle.Change{Operation: c.op, Kind: bundle.KindPolicy, Name: c.name, Artifact: c.artifact}
		errs := v.Update([]bundle.Change{first, came})
		if errs[0] != nil || (errs[1] == nil) != c.taken {
			t.Errorf("%s: got %v", sentence, errs)
		}
		if held := v.Held(); len(held) != 1 || held[0].Name != "ns/api" || !c.taken && held[0].Revision != 2 {
			t.Errorf("%s: it holds %v", sentence, held)
		}
	}
}

func TestEverybodyHasToGetEverythingThatIsExpected(t *testing.T) {
	var a arrivals
	members := []*authorizer{{sink: &sink{number: 0}}, {sink: &sink{number: 1}}}
	e := a.expect(members, 2, func(c bundle.Change) bool { return c.Operation == bundle.Put })
	put := []bundle.Change{{Operation: bundle.Put, Artifact: bundle.Artifact{Envelope: []byte("12"), Content: []byte("345")}}}
	steps := []struct {
		sentence string
		number   int
		changes  []bundle.Change
		errs     []error
	}{
		{"the first gets one", 0, put, []error{nil}},
		{"the first gets its second", 0, put, []error{nil}},
		{"the first gets a third", 0, put, []error{nil}},
		{"the second gets one", 1, put, []error{nil}},
		{"the second gets a lease", 1, []bundle.Change{{Operation: bundle.Renew}}, []error{nil}},
		{"the second refuses one", 1, put, []error{io.EOF}},
	}
	for _, step := range steps {
		a.note(step.number, step.changes, step.errs)
		select {
		case <-e.done:
			t.Fatalf("all is there after: %s", step.sentence)
		default:
		}
	}
	a.note(1, put, []error{nil})
	if _, err := a.wait(t.Context(), e); !errors.Is(err, io.EOF) {
		t.Errorf("a refusal went unnoticed: %v", err)
	}
	if contents, leases, bytes := a.tally(); contents != 6 || leases != 1 || bytes != 30 {
		t.Errorf("%d contents, %d leases and %d bytes came", contents, leases, bytes)
	}
}
