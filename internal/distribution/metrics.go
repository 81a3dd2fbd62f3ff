// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/prometheus/client_golang/prometheus"

	"behalf.dev/behalf/internal/bundle"
)

// serverMetrics count what the server does. Their labels are closed lists.
type serverMetrics struct {
	streams         prometheus.Gauge
	unauthenticated prometheus.Counter
	stalled         prometheus.Counter
	uncounted       prometheus.Counter
	rejected        *prometheus.CounterVec
	resources       *prometheus.CounterVec
	bytes           *prometheus.CounterVec
}

func newServerMetrics() *serverMetrics {
	m := &serverMetrics{
		streams:         prometheus.NewGauge(prometheus.GaugeOpts{Name: "behalf_distribution_streams", Help: "Authorizers that are connected."}),
		unauthenticated: prometheus.NewCounter(prometheus.CounterOpts{Name: "behalf_distribution_unauthenticated_total", Help: "Streams refused or ended because their token was not good."}),
		stalled:         prometheus.NewCounter(prometheus.CounterOpts{Name: "behalf_distribution_stalled_total", Help: "Streams ended because the authorizer did not answer."}),
		uncounted:       prometheus.NewCounter(prometheus.CounterOpts{Name: "behalf_distribution_uncounted_total", Help: "Streams refused or ended because no leading replica hears this one."}),
		rejected:        prometheus.NewCounterVec(prometheus.CounterOpts{Name: "behalf_distribution_rejected_total", Help: "Contents that an authorizer refused to enforce, by their kind and the authorizer's reason."}, []string{"kind", "reason"}),
		resources:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "behalf_distribution_resources_sent_total", Help: "Resources sent to authorizers."}, []string{"type"}),
		bytes:           prometheus.NewCounterVec(prometheus.CounterOpts{Name: "behalf_distribution_sent_bytes_total", Help: "Bytes of resources sent to authorizers."}, []string{"type"}),
	}
	for _, kind := range []bundle.Kind{bundle.KindPolicy, bundle.KindTrust, bundle.KindRevocations} {
		for _, reason := range reasons {
			m.rejected.WithLabelValues(string(kind), reason)
		}
	}
	for _, url := range typeURLs {
		m.resources.WithLabelValues(shortType(url))
		m.bytes.WithLabelValues(shortType(url))
	}
	return m
}

func shortType(url string) string { return url[len(typePrefix):] }

func (m *serverMetrics) sent(response *discoveryv3.DeltaDiscoveryResponse) {
	label, size := shortType(response.GetTypeUrl()), 0
	for _, resource := range response.GetResources() {
		size += len(resource.GetResource().GetValue())
	}
	m.resources.WithLabelValues(label).Add(float64(len(response.GetResources())))
	m.bytes.WithLabelValues(label).Add(float64(size))
}

func (m *serverMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.streams, m.unauthenticated, m.stalled, m.uncounted, m.rejected, m.resources, m.bytes}
}

var (
	authorizersDesc = prometheus.NewDesc("behalf_distribution_authorizers", "Authorizers that count: connected, or gone for less than a lease.", []string{"state"}, nil)
	accountsDesc    = prometheus.NewDesc("behalf_distribution_accounts", "Service accounts that are named as authorizers, for everything or for a resource server: connected with at least one instance, or missing.", []string{"state"}, nil)
)

// Describe implements prometheus.Collector: register the Server to have its figures.
func (s *Server) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range s.metrics.all() {
		c.Describe(ch)
	}
	ch <- authorizersDesc
	ch <- accountsDesc
}

// Collect implements prometheus.Collector.
func (s *Server) Collect(ch chan<- prometheus.Metric) {
	for _, c := range s.metrics.all() {
		c.Collect(ch)
	}
	connected, gone := 0, 0
	for _, a := range s.Authorizers() {
		if a.Connected {
			connected++
		} else {
			gone++
		}
	}
	present, expected := s.Expected()
	ch <- gauge(authorizersDesc, connected, "connected")
	ch <- gauge(authorizersDesc, gone, "gone")
	ch <- gauge(accountsDesc, present, "connected")
	ch <- gauge(accountsDesc, expected-present, "missing")
}

func gauge(desc *prometheus.Desc, count int, state string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(count), state)
}
