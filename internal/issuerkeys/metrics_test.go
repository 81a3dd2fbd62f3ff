// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// told are the figures without labels but the state.
func told(t *testing.T, f *Fetcher) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(f)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := family.GetName()
			for _, label := range metric.GetLabel() {
				name += "/" + label.GetValue()
			}
			figures[name] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	return figures
}

func TestHowTheKeysOfIssuersStandIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, failing := &scripted{keys: Keys{JWKS: "k"}}, &scripted{keys: Keys{JWKS: "k"}}
		f, _ := run(t, map[string]Source{"good": good, "failing": failing, "never": &scripted{err: errors.New("connection refused")}})
		failing.fails(errors.New("connection refused"))
		pass(20*time.Minute + time.Millisecond)

		figures := told(t, f)
		for figure, want := range map[string]float64{
			"behalf_issuers/fetched": 1, "behalf_issuers/stale": 1, "behalf_issuers/unavailable": 1, "behalf_issuers/pending": 0,
			"behalf_issuer_keys_age_seconds":       20*60 + 0.001,
			"behalf_issuer_keys_remaining_seconds": (24*time.Hour - 20*time.Minute).Seconds() - 0.001,
			"behalf_issuer_fetches_total":          float64(len(good.asked()) + len(failing.asked()) + tries(f, "never")),
			"behalf_issuer_fetch_failures_total":   float64(len(failing.asked()) - 1 + tries(f, "never")),
		} {
			if got, there := figures[figure]; !there || got != want {
				t.Errorf("%s is %v (there: %v), want %v", figure, got, there, want)
			}
		}
	})
}

// tries is how often a scripted source was asked.
func tries(f *Fetcher, name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	source, _ := f.sources[name].source.(*scripted)
	return len(source.asked())
}

func TestWithoutStaleKeysNoneAreAboutToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFetcher(Options{})
		f.Want(map[string]Source{"corp": &scripted{}})
		figures := told(t, f)
		if _, there := figures["behalf_issuer_keys_remaining_seconds"]; there || figures["behalf_issuers/pending"] != 1 {
			t.Errorf("before the first attempt: %v", figures)
		}
		if problems, err := testutil.CollectAndLint(f); err != nil || len(problems) > 0 {
			t.Errorf("names are not as Prometheus has them: %v, %v", problems, err)
		}
	})
}
