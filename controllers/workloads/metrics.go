// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"github.com/prometheus/client_golang/prometheus"

	"behalf.dev/behalf/webhook/workload"
)

// reasons why a pod can be outside: a closed list, as every label has.
var reasons = []workload.Reason{
	workload.Malformed, workload.NoServiceDelegation, workload.NotDeclared, workload.Ambiguous, workload.NoEffect,
}

type sweepMetrics struct {
	flagging prometheus.Histogram
	events   prometheus.Counter
	failures prometheus.Counter
}

func newSweepMetrics() *sweepMetrics {
	return &sweepMetrics{
		flagging: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "behalf_workloads_flagging_duration_seconds", Help: "Time from a change, as the API server's watch told of it, until the status says that running pods of a service account are outside their bounds, where none were before.",
			Buckets: []float64{0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30},
		}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "behalf_workloads_events_total", Help: "Events written on workloads that are outside their bounds.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "behalf_workloads_event_failures_total", Help: "Attempts to write an event on a workload that failed.",
		}),
	}
}

var (
	askingDesc  = prometheus.NewDesc("behalf_workloads_asking", "Running pods that ask for delegation; absent where this replica does not lead, or while they are not all known.", nil, nil)
	outsideDesc = prometheus.NewDesc("behalf_workloads_outside_bounds", "Running pods that ask for more than their service account is given, by the first reason; absent as behalf_workloads_asking is.", []string{"reason"}, nil)
)

// Describe implements prometheus.Collector.
func (s *Sweep) Describe(ch chan<- *prometheus.Desc) {
	ch <- askingDesc
	ch <- outsideDesc
	s.metrics.flagging.Describe(ch)
	s.metrics.events.Describe(ch)
	s.metrics.failures.Describe(ch)
}

// Collect implements prometheus.Collector.
func (s *Sweep) Collect(ch chan<- prometheus.Metric) {
	s.metrics.flagging.Collect(ch)
	s.metrics.events.Collect(ch)
	s.metrics.failures.Collect(ch)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		return
	}
	asking, outside := s.count()
	ch <- prometheus.MustNewConstMetric(askingDesc, prometheus.GaugeValue, float64(asking))
	for _, reason := range reasons {
		ch <- prometheus.MustNewConstMetric(outsideDesc, prometheus.GaugeValue, float64(outside[string(reason)]), string(reason))
	}
}
