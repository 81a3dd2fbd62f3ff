// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// fetches counts attempts. It names no issuer: who looks for the one that fails reads KeysFetched.
type fetches struct {
	tried, failed prometheus.Counter
}

func newFetches() fetches {
	return fetches{
		tried:  prometheus.NewCounter(prometheus.CounterOpts{Name: "behalf_issuer_fetches_total", Help: "Attempts to fetch the keys of issuers, the cluster's own among them."}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{Name: "behalf_issuer_fetch_failures_total", Help: "Attempts to fetch the keys of issuers that failed."}),
	}
}

var (
	issuersDesc   = prometheus.NewDesc("behalf_issuers", "Issuers whose keys are fetched, the cluster's own among them, by how that stands: fetched, stale (the last good keys serve), unavailable (nobody of it is believed), or pending before the first attempt.", []string{"state"}, nil)
	ageDesc       = prometheus.NewDesc("behalf_issuer_keys_age_seconds", "Age of the keys that serve and were fetched longest ago; 0 where none serve.", nil, nil)
	remainingDesc = prometheus.NewDesc("behalf_issuer_keys_remaining_seconds", "Seconds until the first keys are dropped that cannot be fetched again; absent where all can.", nil, nil)
)

// The states of issuers.
const (
	stateFetched     = "fetched"
	stateStale       = "stale"
	stateUnavailable = "unavailable"
	statePending     = "pending"
)

var issuerStates = []string{stateFetched, stateStale, stateUnavailable, statePending}

func stateOf(s State) string {
	switch {
	case !s.Attempted:
		return statePending
	case !s.Known():
		return stateUnavailable
	case s.Err != nil:
		return stateStale
	default:
		return stateFetched
	}
}

// Describe implements prometheus.Collector: register the Fetcher to have its figures.
func (f *Fetcher) Describe(ch chan<- *prometheus.Desc) {
	f.fetches.tried.Describe(ch)
	f.fetches.failed.Describe(ch)
	for _, desc := range []*prometheus.Desc{issuersDesc, ageDesc, remainingDesc} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (f *Fetcher) Collect(ch chan<- prometheus.Metric) {
	f.fetches.tried.Collect(ch)
	f.fetches.failed.Collect(ch)
	states, now := f.States(), time.Now()
	count := map[string]int{}
	for _, s := range states {
		count[stateOf(s)]++
	}
	for _, state := range issuerStates {
		ch <- gauge(issuersDesc, float64(count[state]), state)
	}
	ch <- gauge(ageDesc, oldest(states, now).Seconds())
	if end := firstEnd(states); !end.IsZero() {
		ch <- gauge(remainingDesc, end.Sub(now).Seconds())
	}
}

// oldest is the age of the keys that were fetched longest ago.
func oldest(states map[string]State, now time.Time) time.Duration {
	var age time.Duration
	for _, s := range states {
		if s.Known() {
			age = max(age, now.Sub(s.FetchedAt))
		}
	}
	return age
}

// firstEnd is when the first stale keys are dropped; zero where none are stale.
func firstEnd(states map[string]State) time.Time {
	var end time.Time
	for _, s := range states {
		if stateOf(s) == stateStale && (end.IsZero() || s.ServeUntil.Before(end)) {
			end = s.ServeUntil
		}
	}
	return end
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}
