// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/issuerkeys"
)

// ledger is what is known of all objects. Taking news in costs what is new, and a look at each bundle and each issuer.
type ledger struct {
	entries map[compile.Key]*entry
	// published are all bundles, and keys what is known of those of issuers.
	published map[string]v1alpha1.BundleStatus
	keys      map[string]issuerkeys.State
	// republished are the bundles whose statements are others since news were taken last.
	republished map[string]bool
	// parts are the objects that are part of a bundle, or were until they left it; leaving are those that have left any.
	parts   map[string]map[compile.Key]bool
	leaving map[compile.Key]bool
}

func newLedger() *ledger {
	return &ledger{
		entries: map[compile.Key]*entry{}, parts: map[string]map[compile.Key]bool{}, leaving: map[compile.Key]bool{},
	}
}

// take takes news in, and gives the objects of which something else is known by them.
func (l *ledger) take(n *news) []compile.Key {
	republished := l.republish(n.published)
	for key := range n.delta.Gone {
		l.replace(key, nil)
	}
	var another []compile.Key
	for key := range l.touchedBy(n, republished) {
		if before := l.entries[key]; l.renew(key, n) && (before == nil || !before.same(l.entries[key])) {
			another = append(another, key)
		}
	}
	l.keys = n.keys
	return another
}

// republish takes all bundles, and gives the names of those that are others than before or gone.
func (l *ledger) republish(published map[string]v1alpha1.BundleStatus) (another []string) {
	l.republished = map[string]bool{}
	for name, status := range published {
		if l.published[name] != status {
			another = append(another, name)
			l.republished[name] = true
		}
	}
	for name := range l.published {
		if _, there := published[name]; !there {
			another = append(another, name)
		}
	}
	l.published = published
	return another
}

// touchedBy are the objects of which something else may be known: what the compiler says, which object it is, whether there
// still is a bundle that it has left, the keys of an issuer.
func (l *ledger) touchedBy(n *news, republished []string) map[compile.Key]bool {
	touched := map[compile.Key]bool{}
	for key := range n.delta.Reports {
		touched[key] = true
	}
	for key := range n.uids {
		touched[key] = true
	}
	for _, name := range republished {
		if _, there := n.published[name]; !there {
			for key := range l.parts[name] {
				touched[key] = true
			}
		}
	}
	for _, states := range []map[string]issuerkeys.State{l.keys, n.keys} {
		for name := range states {
			touched[compile.Key{Kind: compile.KindTrustedIssuer, Name: name}] = true
		}
	}
	return touched
}

// renew makes an object's entry anew; false for one of which nothing was ever reported.
func (l *ledger) renew(key compile.Key, n *news) bool {
	before, next := l.entries[key], &entry{}
	report, told := n.delta.Reports[key]
	switch {
	case told:
		next.report, next.problems = report, n.delta.Problems[key]
	case before != nil:
		next.report, next.problems = before.report, before.problems
	default:
		return false
	}
	if before != nil {
		next.uid = before.uid
	}
	if uid, ok := n.uids[key]; ok {
		next.uid = uid
	}
	if key.Kind == compile.KindTrustedIssuer {
		next.keys = n.keys[key.Name]
	}
	next.follow(before, n.published)
	l.replace(key, next)
	return true
}

// replace puts an entry in the place of another; nil for an object that is gone.
func (l *ledger) replace(key compile.Key, next *entry) {
	for _, name := range l.entries[key].bundles() {
		if delete(l.parts[name], key); len(l.parts[name]) == 0 {
			delete(l.parts, name)
		}
	}
	delete(l.leaving, key)
	if next == nil {
		delete(l.entries, key)
		return
	}
	l.entries[key] = next
	for _, name := range next.bundles() {
		if l.parts[name] == nil {
			l.parts[name] = map[compile.Key]bool{}
		}
		l.parts[name][key] = true
	}
	if len(next.left) > 0 {
		l.leaving[key] = true
	}
}

// concerned are the objects that are, or were, part of any of these bundles.
func (l *ledger) concerned(bundles map[string]bool) []compile.Key {
	seen := map[compile.Key]bool{}
	var keys []compile.Key
	for name := range bundles {
		for key := range l.parts[name] {
			if !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// partsOf are the bundles that the objects of these changes are, or were, part of.
func (l *ledger) partsOf(changes arrivals) map[compile.Key]map[string]bool {
	parts := make(map[compile.Key]map[string]bool, len(changes))
	for key := range changes {
		parts[key] = map[string]bool{}
		for _, name := range l.entries[key].bundles() {
			parts[key][name] = true
		}
	}
	return parts
}
