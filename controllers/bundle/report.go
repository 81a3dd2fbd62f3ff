// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/issuerkeys"
)

// report is what one compilation came to. Its entries are replaced and never changed.
type report struct {
	entries map[compile.Key]*entry
	// published are the statements of all bundles, by the name that entries call them.
	published map[string]v1alpha1.BundleStatus
}

// entry is what became of one object.
type entry struct {
	uid      types.UID
	report   compile.Report
	problems []compile.Problem
	// left are bundles that the object was part of and no longer is: it is not enforced before authorizers have let go of
	// it there.
	left []string
	// bundle of a ResourceServer, keys of a TrustedIssuer.
	bundle v1alpha1.BundleStatus
	keys   issuerkeys.State
}

func newReport(seen *observed, result *compile.Result, resources []distribution.Resource, keys map[string]issuerkeys.State) *report {
	r := &report{entries: make(map[compile.Key]*entry, len(result.Reports)), published: map[string]v1alpha1.BundleStatus{}}
	for _, resource := range resources {
		s := resource.Statement
		r.published[s.Name] = v1alpha1.BundleStatus{Revision: s.Revision, Digest: s.Digest}
	}
	uids := seen.uids()
	for key, object := range result.Reports {
		e := &entry{uid: uids[key], report: object}
		switch key.Kind {
		case compile.KindResourceServer:
			e.bundle = r.published[types.NamespacedName{Namespace: key.Namespace, Name: key.Name}.String()]
		case compile.KindTrustedIssuer:
			e.keys = keys[key.Name]
		}
		r.entries[key] = e
	}
	for _, problem := range result.Problems {
		if e := r.entries[compile.KeyOf(problem.Object)]; e != nil {
			e.problems = append(e.problems, problem)
		}
	}
	return r
}

// follow carries over, from the report before, the bundles that objects have left.
func (r *report) follow(before *report) {
	for key, e := range r.entries {
		old := before.entries[key]
		if old == nil || old.uid != e.uid {
			continue
		}
		for _, name := range slices.Concat(old.report.Bundles, old.left) {
			if _, published := r.published[name]; published && !slices.Contains(e.report.Bundles, name) {
				e.left = append(e.left, name)
			}
		}
		slices.Sort(e.left)
		e.left = slices.Compact(e.left)
	}
}

// differing are the objects about which the two reports say different things.
func (r *report) differing(before *report) []compile.Key {
	var keys []compile.Key
	for key, e := range r.entries {
		if old := before.entries[key]; old == nil || !e.same(old) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (e *entry) same(other *entry) bool {
	return e.uid == other.uid && e.bundle == other.bundle &&
		e.report.Object == other.report.Object && e.report.Accepted == other.report.Accepted &&
		e.report.Reason == other.report.Reason && e.report.Message == other.report.Message &&
		e.report.StandIn == other.report.StandIn &&
		slices.Equal(e.report.Bundles, other.report.Bundles) && slices.Equal(e.left, other.left) &&
		slices.Equal(e.problems, other.problems) && sameKeys(e.keys, other.keys) &&
		equality.Semantic.DeepEqual(e.report.Effective, other.report.Effective) &&
		equality.Semantic.DeepEqual(e.report.Excess, other.report.Excess)
}

func sameKeys(a, b issuerkeys.State) bool {
	return a.Attempted == b.Attempted && a.Known() == b.Known() && errorText(a.Err) == errorText(b.Err)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// concerned are the objects that are, or were, part of any of these bundles.
func (r *report) concerned(bundles map[string]bool) []compile.Key {
	var keys []compile.Key
	for key, e := range r.entries {
		if slices.ContainsFunc(e.report.Bundles, func(b string) bool { return bundles[b] }) ||
			slices.ContainsFunc(e.left, func(b string) bool { return bundles[b] }) {
			keys = append(keys, key)
		}
	}
	return keys
}

// uids of all objects of ours, by what the compiler calls them.
func (o *observed) uids() map[compile.Key]types.UID {
	uids := map[compile.Key]types.UID{}
	collect(uids, compile.KindResourceServer, o.servers.Items, func(s *v1alpha1.ResourceServer) *metav1.ObjectMeta { return &s.ObjectMeta })
	collect(uids, compile.KindDelegationPolicy, o.policies.Items, func(p *v1alpha1.DelegationPolicy) *metav1.ObjectMeta { return &p.ObjectMeta })
	collect(uids, compile.KindServiceDelegation, o.delegations.Items, func(d *v1alpha1.ServiceDelegation) *metav1.ObjectMeta { return &d.ObjectMeta })
	collect(uids, compile.KindTrustedIssuer, o.issuers.Items, func(i *v1alpha1.TrustedIssuer) *metav1.ObjectMeta { return &i.ObjectMeta })
	collect(uids, compile.KindDelegationGrant, o.grants.Items, func(g *v1alpha1.DelegationGrant) *metav1.ObjectMeta { return &g.ObjectMeta })
	collect(uids, compile.KindDelegationRevocation, o.revocations.Items, func(r *v1alpha1.DelegationRevocation) *metav1.ObjectMeta { return &r.ObjectMeta })
	return uids
}

func collect[T any](uids map[compile.Key]types.UID, kind string, items []T, meta func(*T) *metav1.ObjectMeta) {
	for i := range items {
		m := meta(&items[i])
		uids[compile.Key{Kind: kind, Namespace: m.Namespace, Name: m.Name}] = m.UID
	}
}

// bundleNames of everything published.
func (r *report) bundleNames() []string { return slices.Collect(maps.Keys(r.published)) }
