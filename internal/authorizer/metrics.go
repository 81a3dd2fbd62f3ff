// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/frontdoor"
	"behalf.dev/behalf/internal/frontdoor/authzen"
	"behalf.dev/behalf/internal/frontdoor/extauthz"
	"behalf.dev/behalf/internal/snapshot"
)

// decisionMetrics count decisions. Their labels are closed lists: no label ever names a person, a service or a resource.
type decisionMetrics struct {
	decisions *prometheus.CounterVec
	dryRun    *prometheus.CounterVec
	duration  *prometheus.HistogramVec
}

func newDecisionMetrics(registry prometheus.Registerer) *decisionMetrics {
	m := &decisionMetrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "behalf_decisions_total", Help: "Decisions, by outcome, the leg and reason that denied, and front door.",
		}, []string{"outcome", "leg", "reason", "frontdoor"}),
		dryRun: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "behalf_dry_run_denials_total", Help: "Decisions that a dry run let pass, by the leg and reason that would have denied, and front door.",
		}, []string{"leg", "reason", "frontdoor"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "behalf_decision_duration_seconds", Help: "Time from a decoded request to its decision, verification of tokens included.",
			Buckets: prometheus.ExponentialBuckets(10e-6, 2.5, 12),
		}, []string{"frontdoor"}),
	}
	m.expectFaults()
	registry.MustRegister(m.decisions, m.dryRun, m.duration)
	return m
}

// expectFaults has faults told as zero before the first, without which an alert would not see it come.
func (m *decisionMetrics) expectFaults() {
	for _, door := range []string{extauthz.Door, authzen.Door} {
		for _, leg := range authz.Legs() {
			m.decisions.WithLabelValues(authz.Deny.String(), string(leg), string(authz.ReasonInternalError), door)
		}
	}
}

// Observe counts one decision.
func (m *decisionMetrics) Observe(e frontdoor.Event) {
	d := e.Decision
	m.decisions.WithLabelValues(d.Outcome.String(), string(d.Leg), string(d.Reason), e.Door).Inc()
	m.duration.WithLabelValues(e.Door).Observe(e.Took.Seconds())
	if d.DryRun != nil {
		m.dryRun.WithLabelValues(string(d.DryRun.Leg), string(d.DryRun.Reason), e.Door).Inc()
	}
}

// newRefusals counts what was refused. Kinds and reasons are closed lists too.
func newRefusals(registry prometheus.Registerer) *prometheus.CounterVec {
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "behalf_bundle_refusals_total", Help: "Bundles and leases that were refused, by kind and reason.",
	}, []string{"kind", "reason"})
	for _, kind := range []bundle.Kind{bundle.KindPolicy, bundle.KindTrust, bundle.KindRevocations} {
		for _, reason := range snapshot.Refusals() {
			refused.WithLabelValues(string(kind), string(reason))
		}
	}
	registry.MustRegister(refused)
	return refused
}

// stateMetrics read what is held and how it came when they are asked.
type stateMetrics struct {
	store  *snapshot.Store
	client *distribution.Client
	lost   func() uint64
	clock  func() time.Time
}

var (
	revisionDesc = prometheus.NewDesc("behalf_bundle_revision", "Revision of each bundle in force.", []string{"kind", "name"}, nil)
	leaseDesc    = prometheus.NewDesc("behalf_bundle_lease_seconds", "Seconds until the lease of each bundle in force ends; below zero once it has.", []string{"kind", "name"}, nil)
	foundDesc    = prometheus.NewDesc("behalf_state_refusals_total", "Refusals that concerned what lay in the state folder, by reason.", []string{"reason"}, nil)
	bundlesDesc  = prometheus.NewDesc("behalf_bundles", "Bundles by kind and freshness: Fresh, Degraded (served stale), Expired (denied), Absent (refused, and none is held).", []string{"kind", "state"}, nil)
	earliestDesc = prometheus.NewDesc("behalf_bundle_lease_earliest_seconds", "Seconds until the earliest lease of a bundle in force ends; below zero once it has. None where none is in force.", nil, nil)
	updatesDesc  = prometheus.NewDesc("behalf_bundle_updates_total", "Bundles and leases that came from the manager, those that were refused among them.", nil, nil)
	managerDesc  = prometheus.NewDesc("behalf_manager_connected", "1 while connected to the manager.", nil, nil)
	attemptsDesc = prometheus.NewDesc("behalf_manager_connections_total", "Connections to the manager that were tried.", nil, nil)
	lostDesc     = prometheus.NewDesc("behalf_decision_log_lost_total", "Decisions that the decision log dropped or could not write.", nil, nil)
)

// Describe implements prometheus.Collector.
func (m *stateMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		revisionDesc, leaseDesc, earliestDesc, bundlesDesc, foundDesc, updatesDesc, managerDesc, attemptsDesc, lostDesc,
	} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (m *stateMetrics) Collect(ch chan<- prometheus.Metric) {
	m.collectLeases(ch)
	m.collectFreshness(ch)
	for reason, count := range m.store.Found() {
		ch <- counter(foundDesc, count, string(reason))
	}
	state := m.client.State()
	ch <- counter(updatesDesc, state.Received)
	connected := 0.0
	if state.Connected {
		connected = 1
	}
	ch <- gauge(managerDesc, connected)
	ch <- counter(attemptsDesc, state.Attempts)
	ch <- counter(lostDesc, m.lost())
}

func (m *stateMetrics) collectLeases(ch chan<- prometheus.Metric) {
	now, earliest := m.clock(), math.Inf(1)
	for _, s := range m.store.Held() {
		left := s.Lease().Sub(now).Seconds()
		earliest = min(earliest, left)
		ch <- gauge(revisionDesc, float64(s.Revision), string(s.Kind), s.Name)
		ch <- gauge(leaseDesc, left, string(s.Kind), s.Name)
	}
	if !math.IsInf(earliest, 1) {
		ch <- gauge(earliestDesc, earliest)
	}
}

// collectFreshness tells every kind in every state, zeros too, so that an alert sees a number go. Files of which nothing
// tells the kind have none.
func (m *stateMetrics) collectFreshness(ch chan<- prometheus.Metric) {
	counts := map[bundle.Kind]map[snapshot.Freshness]int{}
	for _, kind := range []bundle.Kind{bundle.KindPolicy, bundle.KindTrust, bundle.KindRevocations} {
		counts[kind] = map[snapshot.Freshness]int{}
	}
	for _, state := range m.store.States() {
		if of := counts[state.Kind]; of != nil {
			of[state.Freshness]++
		}
	}
	for kind, of := range counts {
		for _, freshness := range snapshot.Freshnesses() {
			ch <- gauge(bundlesDesc, float64(of[freshness]), string(kind), string(freshness))
		}
	}
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func counter(desc *prometheus.Desc, value uint64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
}

func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return registry
}
