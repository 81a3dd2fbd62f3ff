// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/internal/bundle"
)

// Delta is what has become another with one Compile of a Compiler. Everything that is not in it is what it was, and the
// same value: a bundle never comes twice.
type Delta struct {
	// Policies are the bundles, by the ResourceServer's name; nil for one that has none any more.
	Policies map[types.NamespacedName]*bundle.Policy
	// Trust is nil where it is what it was.
	Trust *bundle.Trust
	// Revocations says that the list is another, which Compiler.Revocations then writes out.
	Revocations bool
	// Reports and Problems are those of objects of which something else is said; Problems also of the cluster itself. An
	// object in Reports that is not in Problems has none.
	Reports  map[Key]Report
	Problems map[Key][]Problem
	// Gone are objects that had a Report.
	Gone map[Key]bool
}

// NewDelta gives one with nothing in it.
func NewDelta() *Delta {
	return &Delta{
		Policies: map[types.NamespacedName]*bundle.Policy{}, Reports: map[Key]Report{}, Problems: map[Key][]Problem{},
		Gone: map[Key]bool{},
	}
}

// Join takes in a later Delta, to hold what has become another by both. What the later one turned back stays in it.
func (d *Delta) Join(later *Delta) {
	maps.Copy(d.Policies, later.Policies)
	d.Trust = cmp.Or(later.Trust, d.Trust)
	d.Revocations = d.Revocations || later.Revocations
	for key := range later.Gone {
		delete(d.Reports, key)
		delete(d.Problems, key)
		d.Gone[key] = true
	}
	for key := range later.Reports {
		delete(d.Gone, key)
		delete(d.Problems, key)
	}
	maps.Copy(d.Reports, later.Reports)
	maps.Copy(d.Problems, later.Problems)
}

func (d *Delta) aboutCluster(before, now []Problem) {
	if slices.Equal(before, now) {
		return
	}
	for _, p := range before {
		d.Problems[KeyOf(p.Object)] = nil
	}
	for _, p := range now {
		d.Problems[KeyOf(p.Object)] = append(d.Problems[KeyOf(p.Object)], p)
	}
}
