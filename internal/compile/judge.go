// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

// Judge says what the next Compile would report of an object if it were put now, and leaves everything as it is. It costs
// what reading the object costs and, for a ResourceServer or a TrustedIssuer, a look at the names that all of its kind claim;
// no bundle is made. What the object would change about others it does not say. Changes since the last Compile count in
// part: compile first.
func Judge[T Reported](c *Compiler, object *T) (Report, []Problem) {
	around := *c.around
	around.checker = &checker{beneath: c.around.checker, known: map[string]verdict{}}
	v, in := &view{around: &around}, inputOf(object)
	r := &record{key: in.key(), said: in.read(v)}
	switch {
	case r.server != nil:
		r.server.remember(c.last[r.name()])
		r.server.decide(settleNames(c.claimers(r)), v)
	case r.issuer != nil:
		r.issuer.conflicts = r.issuer.conflictsIn(c.heldURLs(r))
	}
	return c.reportOf(r)
}
