// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"reflect"
	"sync"

	"behalf.dev/behalf/internal/bundle"
)

// assemble makes the bundles of the audiences that were touched.
func (c *Compiler) assemble(d *Delta) {
	for r := range c.touched.servers {
		if r.holds == nil {
			r.publish(nil, nil, d)
		}
	}
	for a, touch := range c.touched.audiences {
		a.sort()
		if r := a.holder; r != nil {
			r.publish(r.server.inForce, assemble(r.server.inForce, a), d)
		}
		c.touchReports(a, touch)
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

// touchReports has said again what rests on an audience: on the form in force there, on its policies, on who hands on.
func (c *Compiler) touchReports(a *audience, touch *touch) {
	if touch.standing {
		c.touched.report(a.policies.sorted)
	}
	if touch.standing || touch.policies {
		c.touched.report(a.grants.sorted)
	}
	if touch.standing || touch.policies || touch.onward {
		c.touched.report(a.delegations.sorted)
	}
}
