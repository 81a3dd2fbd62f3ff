// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	keyAgeDesc     = prometheus.NewDesc("behalf_signing_key_age_seconds", "For how long the key has signed that bundles are signed with; absent where there is none.", nil, nil)
	keysDesc       = prometheus.NewDesc("behalf_signing_keys", "Keys that authorizers are to believe: the one that signs, the next one, and those that signed before.", []string{"state"}, nil)
	keyProblemDesc = prometheus.NewDesc("behalf_signing_key_problem", "1 while the signing keys cannot be read, published or rotated; those that are known stay in use.", nil, nil)
)

// Describe implements prometheus.Collector: register the SigningKey to have its figures.
func (k *SigningKey) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{keyAgeDesc, keysDesc, keyProblemDesc} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector. No label names a key (THREATS 25).
func (k *SigningKey) Collect(ch chan<- prometheus.Metric) {
	k.mu.Lock()
	defer k.mu.Unlock()
	problem := 0.0
	if k.problem != nil || k.keeping != nil {
		problem = 1
	}
	ch <- gauge(keyProblemDesc, problem)
	if k.ring == nil {
		return
	}
	ch <- gauge(keyAgeDesc, time.Since(k.ring.since).Seconds())
	next := 0.0
	if k.ring.next != nil {
		next = 1
	}
	ch <- gauge(keysDesc, 1, "signing")
	ch <- gauge(keysDesc, next, "next")
	ch <- gauge(keysDesc, float64(len(k.ring.retired)), "retired")
}
