// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// figures are all that a manager tells beside what controller-runtime does.
type figures []prometheus.Collector

// Describe implements prometheus.Collector.
func (f figures) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range f {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (f figures) Collect(ch chan<- prometheus.Metric) {
	for _, c := range f {
		c.Collect(ch)
	}
}

func (m *Manager) figures() figures {
	leader := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "behalf_manager_leader", Help: "1 while this replica writes status, as the leader or because leader election is off.",
	}, m.leads)
	return figures{m.distribution, m.publisher, m.issuers, m.key, m.workloads, m.admission, &m.bounds, m.answers, leader}
}

func (m *Manager) leads() float64 {
	if m.options.Election == ElectionOff || m.leadership.leads() {
		return 1
	}
	return 0
}

// serveMetrics has the figures served; the function ends that. There is one registry for all of a process: of several
// managers in one, which only tests have, the first is seen.
func (m *Manager) serveMetrics() func() {
	all := m.figures()
	if err := metrics.Registry.Register(all); err != nil {
		if _, twice := errors.AsType[prometheus.AlreadyRegisteredError](err); !twice {
			m.options.Log.Error(err, "the manager's metrics are not served")
		}
		return func() {}
	}
	return func() { metrics.Registry.Unregister(all) }
}
