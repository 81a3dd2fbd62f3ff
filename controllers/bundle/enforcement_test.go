// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	toolscache "k8s.io/client-go/tools/cache"

	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/distribution"
)

// How a bundle stands.
var (
	byAll    = conditions.Standing{Connected: 2}
	byNobody = conditions.Standing{}
	notByOne = conditions.Standing{Connected: 2, Lagging: []string{"x/y@1"}}
	notByOff = conditions.Standing{Lagging: []string{"x/y@1 (gone since 10:00:00Z, counts until 11:00:00Z)"}}
	refused  = conditions.Standing{Connected: 2, Refusals: []conditions.Refusal{{Authorizer: "x/y@1"}}}
)

type standings = map[string]conditions.Standing

func names(list ...string) map[string]bool {
	set := map[string]bool{}
	for _, name := range list {
		set[name] = true
	}
	return set
}

// told are the figures of a collector: name{values of labels} to value; of a histogram, how often and the sum.
func told(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetValue())
			}
			name := family.GetName() + "{" + strings.Join(labels, ",") + "}"
			figures[name] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
			if h := metric.GetHistogram(); h != nil {
				figures[name+" count"], figures[name+" sum"] = float64(h.GetSampleCount()), h.GetSampleSum()
			}
		}
	}
	return figures
}

// measured gives how many changes of ServiceDelegations were measured, and the seconds of all together.
func measured(t *testing.T, m *publisherMetrics) (count, seconds float64) {
	t.Helper()
	figures := told(t, m.enforcing)
	const name = "behalf_enforcement_duration_seconds{ServiceDelegation}"
	return figures[name+" count"], figures[name+" sum"]
}

func TestHowLongAChangeTakesUntilItIsEnforced(t *testing.T) {
	type step struct {
		after     time.Duration
		standings standings
	}
	cases := map[string]struct {
		bundles map[string]bool
		steps   []step
		// measured is how many times; seconds is how long it took; waiting is how many changes still wait.
		measured float64
		seconds  float64
		waiting  int
	}{
		"it ends when the last authorizer has acknowledged": {
			bundles:  names("a/a"),
			steps:    []step{{time.Second, standings{"a/a": notByOne}}, {3 * time.Second, standings{"a/a": byAll}}},
			measured: 1, seconds: 3,
		},
		"it is measured once, whatever happens later": {
			bundles:  names("a/a"),
			steps:    []step{{time.Second, standings{"a/a": byAll}}, {2 * time.Second, standings{"a/a": notByOne}}, {3 * time.Second, standings{"a/a": byAll}}},
			measured: 1, seconds: 1,
		},
		"the slowest of its bundles counts": {
			bundles: names("a/a", "b/b"),
			steps: []step{
				{time.Second, standings{"a/a": byAll, "b/b": notByOne}},
				{2 * time.Second, standings{"a/a": notByOne, "b/b": notByOne}},
				{5 * time.Second, standings{"a/a": notByOne, "b/b": byAll}},
			},
			measured: 1, seconds: 5,
		},
		"a refusal is no acknowledgement": {
			bundles: names("a/a"),
			steps:   []step{{time.Second, standings{"a/a": refused}}},
			waiting: 1,
		},
		"one that is gone is waited for as long as it counts": {
			bundles: names("a/a"),
			steps:   []step{{time.Second, standings{"a/a": notByOff}}},
			waiting: 1,
		},
		"what nobody serves is not measured": {
			bundles: names("a/a"),
			steps:   []step{{time.Second, standings{"a/a": byNobody}}, {2 * time.Second, standings{"a/a": byAll}}},
		},
		"a bundle that nobody serves holds up no other": {
			bundles:  names("a/a", "b/b"),
			steps:    []step{{time.Second, standings{"a/a": byNobody, "b/b": notByOne}}, {2 * time.Second, standings{"a/a": byNobody, "b/b": byAll}}},
			measured: 1, seconds: 2,
		},
		"a bundle that is gone is not waited for": {
			bundles: names("a/a"),
			steps:   []step{{time.Second, standings{"a/a": notByOne}}, {2 * time.Second, standings{}}},
		},
		"a change that came to no bundle is not measured": {
			steps: []step{{time.Second, standings{"a/a": byAll}}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := newPublisherMetrics()
			e := newEnforcement(m.enforcing)
			e.await(delegation, now, c.bundles)
			for _, s := range c.steps {
				e.settle(s.standings, now.Add(s.after))
			}
			if count, seconds := measured(t, m); count != c.measured || seconds != c.seconds {
				t.Errorf("measured %v times, %v seconds; want %v times, %v seconds", count, seconds, c.measured, c.seconds)
			}
			if len(e.changes) != c.waiting || len(e.awaited) != c.waiting {
				t.Errorf("%d changes wait for %d bundles, want %d each", len(e.changes), len(e.awaited), c.waiting)
			}
		})
	}
}

func TestOfSeveralChangesOfOneObjectTheFirstCounts(t *testing.T) {
	m := newPublisherMetrics()
	e := newEnforcement(m.enforcing)
	e.await(delegation, now, names("a/a"))
	e.settle(standings{"a/a": notByOne, "b/b": notByOne}, now.Add(time.Second))
	e.await(delegation, now.Add(time.Second), names("b/b"))
	e.settle(standings{"a/a": byAll, "b/b": notByOne}, now.Add(2*time.Second))
	if count, _ := measured(t, m); count != 0 {
		t.Error("it was measured while the second change was not enforced")
	}
	if got := e.oldest(now.Add(2 * time.Second)); got != 2*time.Second {
		t.Errorf("the oldest waits for %v, want 2s", got)
	}
	e.settle(standings{"a/a": byAll, "b/b": byAll}, now.Add(4*time.Second))
	if count, seconds := measured(t, m); count != 1 || seconds != 4 {
		t.Errorf("measured %v times, %v seconds; want once, 4 seconds", count, seconds)
	}
}

func TestALaggardMakesMemoryGrowToABoundOnly(t *testing.T) { // THREATS 35
	e := newEnforcement(newPublisherMetrics().enforcing)
	for i := range maxWaiting + 10 {
		e.await(compile.Key{Kind: compile.KindDelegationGrant, Name: fmt.Sprint(i)}, now, names("a/a"))
	}
	if len(e.changes) != maxWaiting || len(e.awaited["a/a"]) != maxWaiting {
		t.Errorf("%d changes are kept, want %d", len(e.changes), maxWaiting)
	}
}

func TestWhatAChangeCameTo(t *testing.T) {
	cases := map[string]struct {
		kind               string
		parts, republished map[string]bool
		want               map[string]bool
	}{
		"bundles that it is part of and that were published anew": {compile.KindDelegationPolicy, names("a/a", "b/b"), names("b/b", "c/c"), names("b/b")},
		"nothing, where no bundle became another by it":           {compile.KindDelegationPolicy, names("a/a"), names("c/c"), names()},
		"all that was published anew, of a namespace's labels":    {compile.KindNamespace, names(), names("a/a"), names("a/a")},
		"all that was published anew, of a service account":       {compile.KindServiceAccount, names(), names("trust"), names("trust")},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := concernedBy(compile.Key{Kind: c.kind, Name: "x"}, c.parts, c.republished); !maps.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestOnlyNewsThatComeToABundleAreMeasured(t *testing.T) {
	acked := map[string]distribution.Progress{"a/a@1": everyoneAcked, "a/a@2": everyoneAcked, "b/b@1": everyoneAcked, "b/b@2": everyoneAcked}
	next := func(generation int64, bundles []string, digests map[string]string, arrived arrivals) *news {
		n := made("u", generation, bundles, digests)
		n.arrived = arrived
		return n
	}
	justNow := arrivals{delegation: time.Now()}
	cases := map[string]struct {
		second *news
		want   float64
	}{
		"a change of an object whose bundle became another": {next(2, []string{"a/a"}, map[string]string{"a/a": "2", "b/b": "1"}, justNow), 1},
		"what was there when the watch began":               {next(2, []string{"a/a"}, map[string]string{"a/a": "2", "b/b": "1"}, arrivals{}), 0},
		"a change that makes no bundle another":             {next(2, []string{"a/a"}, map[string]string{"a/a": "1", "b/b": "1"}, justNow), 0},
		"a change beside that of another's bundle":          {next(2, []string{"a/a"}, map[string]string{"a/a": "1", "b/b": "2"}, justNow), 0},
		"a change that leaves its bundle for another":       {next(2, []string{"b/b"}, map[string]string{"a/a": "2", "b/b": "2"}, justNow), 1},
		"the end of an object": {func() *news {
			n := newNews()
			n.delta.Gone[delegation] = true
			n.published = made("u", 1, nil, map[string]string{"a/a": "2", "b/b": "1"}).published
			n.arrived = justNow
			return n
		}(), 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := newPublisherMetrics()
			r := newReports(&fakeDistributor{progress: acked}, m.enforcing, func() {})
			r.update(made("u", 1, []string{"a/a"}, map[string]string{"a/a": "1", "b/b": "1"}))
			r.update(c.second)
			if count, _ := measured(t, m); count != c.want {
				t.Errorf("measured %v times, want %v", count, c.want)
			}
		})
	}
}

func TestWhatThePublisherTellsOfItself(t *testing.T) {
	p, d := publishing(t)
	if problems, err := testutil.CollectAndLint(p); err != nil || len(problems) > 0 {
		t.Errorf("names are not as Prometheus has them: %v, %v", problems, err)
	}
	p.tell(small())
	p.must(t)
	for _, r := range d.held {
		if r.Statement.Revision != now.UnixMilli() {
			t.Fatalf("the test expects the first revision, got %+v", r.Statement)
		}
	}
	p.metrics.failures.Inc()
	p.reports.standings = standings{
		"a/a": byAll, "b/b": notByOne, "c/c": refused, "d/d": byNobody, "trust": byAll, "revocations": notByOff,
	}
	figures := told(t, p)
	for figure, want := range map[string]float64{
		"behalf_publish_failures_total{}":                           1,
		"behalf_compile_duration_seconds{} count":                   1,
		"behalf_publish_last_success_timestamp_seconds{}":           1780308000,
		"behalf_publish_revision{Policy}":                           1780308000000,
		"behalf_publish_revision{Trust}":                            1780308000000,
		"behalf_publish_revision{Revocations}":                      1780308000000,
		"behalf_enforcement_bundles{Policy,enforced}":               1,
		"behalf_enforcement_bundles{Policy,lagging}":                1,
		"behalf_enforcement_bundles{Policy,refused}":                1,
		"behalf_enforcement_bundles{Policy,unserved}":               1,
		"behalf_enforcement_bundles{Trust,enforced}":                1,
		"behalf_enforcement_bundles{Trust,lagging}":                 0,
		"behalf_enforcement_bundles{Revocations,lagging}":           1,
		"behalf_enforcement_lagging_authorizers{}":                  1, // the same one lags twice
		"behalf_enforcement_refusing_authorizers{}":                 1,
		"behalf_enforcement_waiting_changes{}":                      0,
		"behalf_enforcement_oldest_waiting_seconds{}":               0,
		"behalf_enforcement_duration_seconds{Namespace} count":      0,
		"behalf_enforcement_duration_seconds{ResourceServer} count": 0,
	} {
		if got, there := figures[figure]; !there || got != want {
			t.Errorf("%s is %v (there: %v), want %v", figure, got, there, want)
		}
	}
}

func TestTheLeaseThatEndsFirstIsTold(t *testing.T) {
	m := newPublisherMetrics()
	statement := func(lease time.Duration, revision int64) distribution.Resource {
		return distribution.Resource{Statement: bundle.Statement{Kind: bundle.KindPolicy, Revision: revision, LeaseUntil: now.Add(lease).Unix()}}
	}
	m.publish(now, []distribution.Resource{statement(time.Hour, 5), statement(time.Minute, 9), statement(2*time.Hour, 7)})
	got := m.published[bundle.KindPolicy]
	if !got.lease.Equal(now.Add(time.Minute)) || got.revision != 9 {
		t.Errorf("got %+v, want a minute and revision 9", got)
	}
}

func TestWhenAChangeArrived(t *testing.T) {
	at := func(s int) func() time.Time {
		return func() time.Time { return now.Add(time.Duration(s) * time.Second) }
	}
	tell := func(in *intake, now func() time.Time) toolscache.ResourceEventHandlerDetailedFuncs {
		return handler(delegation.Kind, in, hearing{now: now, newest: func() string { return "" }, changed: func() {}})
	}
	none, first := object("u", 1), object("u", 2)
	written := object("u", 2)
	written.ResourceVersion = "2"
	cases := map[string]struct {
		tell func(*intake)
		want arrivals
	}{
		"unknown of what was there when the watch began": {func(in *intake) { tell(in, at(1)).OnAdd(first, true) }, arrivals{}},
		"when a new object came":                         {func(in *intake) { tell(in, at(1)).OnAdd(first, false) }, arrivals{delegation: at(1)()}},
		"when another generation came":                   {func(in *intake) { tell(in, at(1)).OnUpdate(none, first) }, arrivals{delegation: at(1)()}},
		"when its end came":                              {func(in *intake) { tell(in, at(1)).OnDelete(first) }, arrivals{delegation: at(1)()}},
		"no change, of our own write of status":          {func(in *intake) { tell(in, at(1)).OnUpdate(first, written) }, arrivals{}},
		"when the first of several came": {func(in *intake) {
			tell(in, at(1)).OnUpdate(none, first)
			tell(in, at(2)).OnUpdate(first, written)
			tell(in, at(3)).OnDelete(written)
		}, arrivals{delegation: at(1)()}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in := newIntake()
			c.tell(in)
			if got := in.take().arrived; !maps.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if again := in.take().arrived; len(again) != 0 {
				t.Errorf("taken twice: %v", again)
			}
		})
	}
}

func TestAChangeThatCouldNotBePublishedCountsFromItsArrival(t *testing.T) {
	p, _ := publishing(t)
	p.tell(small())
	p.must(t)
	for generation := range int64(2) {
		p.intake.put(delegation, object("u", generation+1), now.Add(time.Duration(generation)*time.Second))
		breakCompiler(t, p)
	}
	if got := p.pending.arrived[delegation]; !got.Equal(now) {
		t.Errorf("it counts from %v, want %v", got, now)
	}
}
