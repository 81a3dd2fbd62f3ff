// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
)

// publisherMetrics are what a Publisher counts while it works. Labels are closed lists: none ever names an object.
type publisherMetrics struct {
	compiling prometheus.Histogram
	failures  prometheus.Counter
	enforcing *prometheus.HistogramVec

	mu        sync.Mutex
	last      time.Time
	published map[bundle.Kind]publication
}

// publication is what was published of one kind: the highest revision, and the end of the lease that ends first.
type publication struct {
	revision int64
	lease    time.Time
}

func newPublisherMetrics() *publisherMetrics {
	m := &publisherMetrics{
		compiling: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "behalf_compile_duration_seconds", Help: "Time to compile what has changed.",
			Buckets: prometheus.ExponentialBuckets(100e-6, 3, 11),
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "behalf_publish_failures_total", Help: "Attempts to compile, sign and hand out that failed; what was published before stays.",
		}),
		enforcing: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "behalf_enforcement_duration_seconds", Help: "Time from a change, as the API server's watch told of it, until every live authorizer that serves it acknowledged it, by the kind of the object.",
			Buckets: []float64{0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 1800},
		}, []string{"kind"}),
	}
	for kind := range kinds {
		m.enforcing.WithLabelValues(kind)
	}
	return m
}

// publish takes down what was handed out.
func (m *publisherMetrics) publish(now time.Time, resources []distribution.Resource) {
	published := map[bundle.Kind]publication{}
	for _, r := range resources {
		if r.Withheld {
			continue
		}
		p, known := published[r.Statement.Kind]
		if lease := r.Statement.Lease(); !known || lease.Before(p.lease) {
			p.lease = lease
		}
		p.revision = max(p.revision, r.Statement.Revision)
		published[r.Statement.Kind] = p
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last, m.published = now, published
}

var (
	publishedDesc     = prometheus.NewDesc("behalf_publish_last_success_timestamp_seconds", "When this replica last compiled, signed and handed out without a failure; 0 before the first time.", nil, nil)
	revisionDesc      = prometheus.NewDesc("behalf_publish_revision", "Highest revision that is handed out, by the kind of bundle.", []string{"kind"}, nil)
	leaseDesc         = prometheus.NewDesc("behalf_publish_lease_seconds", "Seconds until the first lease of what is handed out ends, by the kind of bundle; below zero once it has.", []string{"kind"}, nil)
	bundlesDesc       = prometheus.NewDesc("behalf_enforcement_bundles", "Bundles by kind and by how they stand: enforced by all that serve them, lagging, refused, or unserved for want of an authorizer.", []string{"kind", "state"}, nil)
	laggingDesc       = prometheus.NewDesc("behalf_enforcement_lagging_authorizers", "Authorizers that have not acknowledged some bundle, those among them that are gone and still count, and service accounts that are expected.", nil, nil)
	refusingDesc      = prometheus.NewDesc("behalf_enforcement_refusing_authorizers", "Authorizers that are connected and refuse some bundle.", nil, nil)
	waitingDesc       = prometheus.NewDesc("behalf_enforcement_waiting_changes", "Changed objects that some live authorizer has not acknowledged yet; at most 16384 are counted and measured at a time.", nil, nil)
	oldestWaitingDesc = prometheus.NewDesc("behalf_enforcement_oldest_waiting_seconds", "For how long the oldest of those changes is waited for; 0 where none is.", nil, nil)
)

// The states of bundles. The worst of those that apply counts.
const (
	stateEnforced = "enforced"
	stateUnserved = "unserved"
	stateLagging  = "lagging"
	stateRefused  = "refused"
)

var bundleStates = []string{stateEnforced, stateUnserved, stateLagging, stateRefused}

var bundleKinds = []bundle.Kind{bundle.KindPolicy, bundle.KindTrust, bundle.KindRevocations}

// Describe implements prometheus.Collector: register the Publisher to have its figures.
func (p *Publisher) Describe(ch chan<- *prometheus.Desc) {
	p.metrics.describe(ch)
	p.reports.describe(ch)
}

// Collect implements prometheus.Collector. It costs a look at every bundle, and nobody pays it but who asks.
func (p *Publisher) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	p.metrics.collect(ch, now)
	p.reports.collect(ch, now)
}

func (m *publisherMetrics) describe(ch chan<- *prometheus.Desc) {
	for _, c := range []prometheus.Collector{m.compiling, m.failures, m.enforcing} {
		c.Describe(ch)
	}
	for _, desc := range []*prometheus.Desc{publishedDesc, revisionDesc, leaseDesc} {
		ch <- desc
	}
}

func (m *publisherMetrics) collect(ch chan<- prometheus.Metric, now time.Time) {
	for _, c := range []prometheus.Collector{m.compiling, m.failures, m.enforcing} {
		c.Collect(ch)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	last := 0.0
	if !m.last.IsZero() {
		last = float64(m.last.UnixMilli()) / 1000
	}
	ch <- gauge(publishedDesc, last)
	for kind, published := range m.published {
		ch <- gauge(revisionDesc, float64(published.revision), string(kind))
		ch <- gauge(leaseDesc, published.lease.Sub(now).Seconds(), string(kind))
	}
}

func (r *Reports) describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{bundlesDesc, laggingDesc, refusingDesc, waitingDesc, oldestWaitingDesc} {
		ch <- desc
	}
}

func (r *Reports) collect(ch chan<- prometheus.Metric, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, kind := range bundleKinds {
		count := countStates(r.standings, kind)
		for _, state := range bundleStates {
			ch <- gauge(bundlesDesc, float64(count[state]), string(kind), state)
		}
	}
	ch <- gauge(laggingDesc, float64(len(laggards(r.standings))))
	ch <- gauge(refusingDesc, float64(len(refusers(r.standings))))
	ch <- gauge(waitingDesc, float64(len(r.enforcement.changes)))
	ch <- gauge(oldestWaitingDesc, r.enforcement.oldest(now).Seconds())
}

// countStates counts the bundles of one kind by how they stand.
func countStates(standings map[string]conditions.Standing, kind bundle.Kind) map[string]int {
	count := map[string]int{}
	for name, s := range standings {
		if keyOf(name).Kind == kind {
			count[stateOf(s)]++
		}
	}
	return count
}

func stateOf(s conditions.Standing) string {
	switch {
	case len(s.Refusals) > 0:
		return stateRefused
	case len(s.Lagging) > 0:
		return stateLagging
	case s.Connected == 0:
		return stateUnserved
	default:
		return stateEnforced
	}
}

// laggards are the authorizers that lag with any bundle. What stands in brackets behind a name says how, and differs from
// bundle to bundle.
func laggards(standings map[string]conditions.Standing) map[string]bool {
	names := map[string]bool{}
	for _, s := range standings {
		for _, lagging := range s.Lagging {
			name, _, _ := strings.Cut(lagging, " ")
			names[name] = true
		}
	}
	return names
}

func refusers(standings map[string]conditions.Standing) map[string]bool {
	names := map[string]bool{}
	for _, s := range standings {
		for _, refusal := range s.Refusals {
			names[refusal.Authorizer] = true
		}
	}
	return names
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}
