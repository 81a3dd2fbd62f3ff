// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/internal/bundle"
)

// Delta is what has become another with one Compile of a Compiler. Everything that is not in it is what it was, and the
// same value: a bundle never comes twice.
type Delta struct {
	// Policies are the bundles, by the ResourceServer's name; nil for one that has none any more.
	Policies map[types.NamespacedName]*bundle.Policy
	// Trust and Revocations are nil where they are what they were.
	Trust       *bundle.Trust
	Revocations *bundle.Revocations
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
	d.Revocations = cmp.Or(later.Revocations, d.Revocations)
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

// Empty says that nothing is another than before.
func (d *Delta) Empty() bool {
	return len(d.Policies)+len(d.Reports)+len(d.Problems)+len(d.Gone) == 0 && d.Trust == nil && d.Revocations == nil
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

// assemble makes the bundles of the audiences that were touched.
func (c *Compiler) assemble(d *Delta) {
	for r := range c.touched.servers {
		if r.holds == nil {
			r.publish(nil, nil, d)
		}
	}
	for a, touch := range c.touched.audiences {
		a.sort()
		reached := touch.standing
		if r := a.holder; r != nil {
			before := r.bundle
			r.publish(r.server.inForce, assemble(r.server.inForce, a), d)
			reached = reached || !sameReach(before, r.bundle)
		}
		c.touchReports(a, touch, reached)
	}
}

// publish gives out a bundle, unless it is what was given out before.
func (r *record) publish(f *form, p *bundle.Policy, d *Delta) {
	r.inForce = f
	if reflect.DeepEqual(r.bundle, p) {
		return
	}
	r.bundle, r.reach = p, nil
	if p != nil {
		r.reach = sync.OnceValue(func() *reach { return newReach(p) })
	}
	d.Policies[r.name()] = p
}

// touchReports has said again what rests on an audience.
func (c *Compiler) touchReports(a *audience, touch *touch, reached bool) {
	if touch.standing {
		c.touched.report(a.policies.sorted)
	}
	if touch.standing || touch.policies {
		c.touched.report(a.grants.sorted)
	}
	if reached {
		c.touched.report(a.delegations.sorted)
	}
}

// tell gives every object its report.
func (c *Compiler) tell(d *Delta) {
	for r := range c.touched.reports {
		if r.in == nil {
			delete(c.objects, r.key)
			if r.reported {
				d.Gone[r.key] = true
			}
			continue
		}
		report, problems := c.reportOf(r)
		if r.reported && slices.Equal(problems, r.problems) && reflect.DeepEqual(report, r.report) {
			continue
		}
		r.report, r.problems, r.reported = report, problems, true
		d.Reports[r.key] = report
		if len(problems) > 0 {
			d.Problems[r.key] = problems
		}
	}
}
