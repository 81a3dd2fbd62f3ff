// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/internal/bundle"
)

// Compile gives the bundles of a World, and what is wrong with it.
func Compile(w World) *Result {
	idx := newIndex(&w)
	l := &ledger{bundles: map[Key][]string{}}
	r := &Result{Policies: map[types.NamespacedName]*bundle.Policy{}, Reports: map[Key]Report{}}
	for _, s := range idx.servers {
		if s.inForce != nil {
			r.Policies[s.name] = idx.publish(l, s)
		}
	}
	r.Trust = idx.trust(l, w.Cluster)
	r.Revocations = idx.revocationList(l)
	idx.noteUnknownAudiences()
	idx.noteUncountedGrants()
	idx.report(l, r)
	return r
}

func (idx *index) publish(l *ledger, s *server) *bundle.Policy {
	out := idx.assemble(s.inForce)
	l.problems = append(l.problems, out.problems...)
	l.landed(s.name.String(), out.objects...)
	return out.policy
}

func (idx *index) revocationList(l *ledger) *bundle.Revocations {
	list := &bundle.Revocations{Format: bundle.Format}
	for _, r := range idx.revocations {
		if len(r.entries) > 0 {
			list.Entries = append(list.Entries, r.entries...)
			l.landed(bundle.RevocationsName, r.object)
		}
	}
	return list
}

// noteUnknownAudiences warns policies and grants that name an audience which no resource server in force has.
// ServiceDelegations are told in their excess.
func (idx *index) noteUnknownAudiences() {
	for _, p := range idx.policies {
		for _, entry := range p.audiences {
			if entry.audience != "" && idx.formOf[entry.audience] == nil {
				p.warnf(entry.field+".audience", "%s", idx.unknownAudience(entry.audience))
			}
		}
	}
	for _, g := range idx.grants {
		if g.audience != "" && idx.formOf[g.audience] == nil {
			g.warnf("spec.audience", "%s", idx.unknownAudience(g.audience))
		}
	}
}

// report closes the ledger and gives every object its report.
func (idx *index) report(l *ledger, r *Result) {
	all := idx.findings()
	for _, f := range all {
		l.problems = append(l.problems, f.problems...)
	}
	l.close()
	r.Problems = l.problems
	own := map[Key][]Problem{}
	for _, p := range r.Problems {
		own[KeyOf(p.Object)] = append(own[KeyOf(p.Object)], p)
	}
	for _, f := range all {
		r.Reports[KeyOf(f.object)] = l.report(f.object, own[KeyOf(f.object)])
	}
	idx.reportServers(r)
	idx.reportDelegations(r)
}

func (idx *index) reportServers(r *Result) {
	for _, s := range idx.servers {
		if s.standIn {
			report := r.Reports[KeyOf(s.object)]
			report.StandIn = true
			r.Reports[KeyOf(s.object)] = report
		}
	}
}

func (idx *index) reportDelegations(r *Result) {
	reach := newReach(idx, r.Policies)
	for _, d := range idx.delegations {
		if d.failed() {
			continue
		}
		report := r.Reports[KeyOf(d.object)]
		report.Effective, report.Excess = reach.judge(d)
		r.Reports[KeyOf(d.object)] = report
	}
}

// findings of every object.
func (idx *index) findings() []*findings {
	var all []*findings
	for _, s := range idx.servers {
		all = append(all, &s.findings)
	}
	for _, p := range idx.policies {
		all = append(all, &p.findings)
	}
	for _, d := range idx.delegations {
		all = append(all, &d.findings)
	}
	for _, i := range idx.issuers {
		all = append(all, &i.findings)
	}
	for _, g := range idx.grants {
		all = append(all, &g.findings)
	}
	for _, r := range idx.revocations {
		all = append(all, &r.findings)
	}
	return all
}
