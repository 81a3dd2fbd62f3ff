// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"reflect"
	"slices"

	"behalf.dev/behalf/internal/bundle"
)

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

// reportOf says what becomes of an object. Beside the object's own reading it looks at
//
//   - for whoever names an audience: the form in force there, or who claims it in vain;
//   - for a grant: the policies that name its audience;
//   - for a delegation: the bundle there, and whether anybody looked for service accounts;
//   - for a resource server and an issuer: what was settled.
func (c *Compiler) reportOf(r *record) (Report, []Problem) {
	switch {
	case r.server != nil:
		return reportServer(r.server)
	case r.policy != nil:
		return c.reportPolicy(r.policy)
	case r.delegation != nil:
		return c.reportDelegation(r.delegation)
	case r.issuer != nil:
		return reportIssuer(r.issuer)
	case r.grant != nil:
		return c.reportGrant(r.grant)
	default:
		return reportRevocation(r.revocation)
	}
}

func reportServer(s *server) (Report, []Problem) {
	l := openLedger(&s.now.findings)
	l.problem(s.conflicts)
	if s.inForce != nil {
		l.landed(s.name.String())
	}
	report, problems := l.close()
	report.StandIn = s.standIn
	return report, problems
}

func (c *Compiler) reportPolicy(p *policy) (Report, []Problem) {
	l := openLedger(&p.findings)
	for _, name := range p.names() {
		if holder := c.holderOf(name); holder != nil {
			scopes, strangers := p.scopesIn(holder.server.inForce)
			l.problem(strangers)
			if p.lands(scopes) {
				l.landed(holder.server.name.String())
			}
			continue
		}
		l.problem(p.lost(name, c.unknownAudience(name)))
	}
	return l.close()
}

func (c *Compiler) reportDelegation(d *delegation) (Report, []Problem) {
	l := openLedger(&d.findings)
	if d.failed() {
		return l.close()
	}
	for _, name := range d.audiences() {
		if holder := c.holderOf(name); holder != nil && d.lands(holder.server.inForce) {
			l.landed(holder.server.name.String())
		}
	}
	if c.pinning() {
		l.landed(bundle.TrustName)
	}
	report, problems := l.close()
	report.Effective, report.Excess = c.divide(d)
	return report, problems
}

func reportIssuer(i *issuer) (Report, []Problem) {
	l := openLedger(&i.findings)
	l.problem(i.conflicts)
	if i.inForce() {
		l.landed(bundle.TrustName)
	}
	return l.close()
}

func (c *Compiler) reportGrant(g *grant) (Report, []Problem) {
	l := openLedger(&g.findings)
	if a := c.audiences[g.audience]; a != nil {
		l.problem(g.uncountedBy(a.policies.sorted))
	}
	if holder := c.holderOf(g.audience); holder != nil {
		scopes, strangers := g.scopesIn(holder.server.inForce)
		l.problem(strangers)
		if g.lands(scopes) {
			l.landed(holder.server.name.String())
		}
	} else if g.audience != "" {
		own := findings{object: g.object}
		own.warnf("spec.audience", "%s", c.unknownAudience(g.audience))
		l.problem(own.problems)
	}
	return l.close()
}

func reportRevocation(r *revocation) (Report, []Problem) {
	l := openLedger(&r.findings)
	if len(r.entries) > 0 {
		l.landed(bundle.RevocationsName)
	}
	return l.close()
}
