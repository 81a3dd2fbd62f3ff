// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bounds

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	namespacesDesc = prometheus.NewDesc("behalf_backstop_namespaces", "Namespaces whose bounds the API server knows without the webhook; 0 where this replica does not lead.", nil, nil)
	leftOutDesc    = prometheus.NewDesc("behalf_backstop_left_out", "Service accounts and namespaces with more bounds than the API server can be told: their pods that ask are denied.", []string{"kind"}, nil)
	failuresDesc   = prometheus.NewDesc("behalf_backstop_failures_total", "Attempts to tell the API server of bounds that failed.", nil, nil)
)

// Figures of the controller: register them to have them served. Its zero value is ready.
type Figures struct {
	mu         sync.Mutex
	listed     int
	unlisted   int
	accounts   map[string]int
	unfinished int
}

// Describe implements prometheus.Collector.
func (f *Figures) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{namespacesDesc, leftOutDesc, failuresDesc} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (f *Figures) Collect(ch chan<- prometheus.Metric) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var accounts int
	for _, n := range f.accounts {
		accounts += n
	}
	ch <- prometheus.MustNewConstMetric(namespacesDesc, prometheus.GaugeValue, float64(f.listed))
	ch <- prometheus.MustNewConstMetric(leftOutDesc, prometheus.GaugeValue, float64(accounts), "ServiceAccount")
	ch <- prometheus.MustNewConstMetric(leftOutDesc, prometheus.GaugeValue, float64(f.unlisted), "Namespace")
	ch <- prometheus.MustNewConstMetric(failuresDesc, prometheus.CounterValue, float64(f.unfinished))
}

func (f *Figures) failed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unfinished++
}

func (f *Figures) list(listed, unlisted int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listed, f.unlisted = listed, unlisted
}

// leaveOut notes how many service accounts of a namespace are left out, and says whether that is news worth telling.
func (f *Figures) leaveOut(namespace string, accounts int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.accounts[namespace]
	if f.accounts == nil {
		f.accounts = map[string]int{}
	}
	if f.accounts[namespace] = accounts; accounts == 0 {
		delete(f.accounts, namespace)
	}
	return accounts > 0 && accounts != before
}
