// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/internal/compile"
)

// maxWaiting bounds the changes that are waited for at a time: a laggard must not make memory grow for as long as it lags.
const maxWaiting = 16384

// arrivals are the moments at which the API server's watch told of changes, by object. What was there when the watch began
// is not among them: nobody knows when that changed.
type arrivals map[compile.Key]time.Time

// join takes in later ones. Of changes of one object that are published together the first counts.
func (a arrivals) join(later arrivals) {
	for key, at := range later {
		if _, known := a[key]; !known {
			a[key] = at
		}
	}
}

// enforcement measures how long it takes from a change until every live authorizer that serves it has acknowledged it. A
// look costs what is waited for, whatever else there is.
type enforcement struct {
	changes map[compile.Key]*change
	// awaited are the changes that wait for a bundle, by its name.
	awaited map[string]map[compile.Key]bool
	took    *prometheus.HistogramVec
}

// change is one that is not known to be enforced.
type change struct {
	since time.Time
	// bundles that it is waited for in, and whether some bundle with it was acknowledged.
	bundles map[string]bool
	acked   bool
}

func newEnforcement(took *prometheus.HistogramVec) *enforcement {
	return &enforcement{changes: map[compile.Key]*change{}, awaited: map[string]map[compile.Key]bool{}, took: took}
}

// await begins to wait for a change that came to these bundles. Where the object was waited for already, the first change
// counts until the last is enforced.
func (e *enforcement) await(key compile.Key, since time.Time, bundles map[string]bool) {
	if len(bundles) == 0 {
		return
	}
	c := e.changes[key]
	if c == nil {
		if len(e.changes) >= maxWaiting {
			return
		}
		c = &change{since: since, bundles: map[string]bool{}}
		e.changes[key] = c
	}
	maps.Copy(c.bundles, bundles)
	for name := range bundles {
		if e.awaited[name] == nil {
			e.awaited[name] = map[compile.Key]bool{}
		}
		e.awaited[name][key] = true
	}
}

// settle looks at the bundles that are waited for. One that is gone, or that nobody is left to acknowledge, is waited for no
// longer; a change that came to nothing else is not measured.
func (e *enforcement) settle(standings map[string]conditions.Standing, now time.Time) {
	for name, keys := range e.awaited {
		s := standings[name]
		if len(s.Lagging)+len(s.Refusals) > 0 {
			continue
		}
		delete(e.awaited, name)
		for key := range keys {
			e.arrived(key, name, s.Connected > 0, now)
		}
	}
}

// arrived takes down that a change is waited for in one bundle less.
func (e *enforcement) arrived(key compile.Key, name string, acked bool, now time.Time) {
	c := e.changes[key]
	delete(c.bundles, name)
	c.acked = c.acked || acked
	if len(c.bundles) > 0 {
		return
	}
	delete(e.changes, key)
	if c.acked {
		e.took.WithLabelValues(key.Kind).Observe(now.Sub(c.since).Seconds())
	}
}

// oldest is for how long the change that came first is waited for; 0 where none is.
func (e *enforcement) oldest(now time.Time) time.Duration {
	var longest time.Duration
	for _, c := range e.changes {
		longest = max(longest, now.Sub(c.since))
	}
	return longest
}

// concernedBy are the bundles that a change came to: those that were published anew and that its object is part of, or was
// before. Namespaces and service accounts are part of none by name, and may count in all.
func concernedBy(key compile.Key, parts, republished map[string]bool) map[string]bool {
	if key.Kind == compile.KindNamespace || key.Kind == compile.KindServiceAccount {
		return maps.Clone(republished)
	}
	concerned := map[string]bool{}
	for name := range parts {
		if republished[name] {
			concerned[name] = true
		}
	}
	return concerned
}
