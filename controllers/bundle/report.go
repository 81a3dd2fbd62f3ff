// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/issuerkeys"
)

// news are what has become another since they were told last.
type news struct {
	// delta is of the compiler, and uids are of the objects that became others.
	delta *compile.Delta
	uids  map[compile.Key]types.UID
	// published are the bundles that there are to be, by the name that reports call them, and keys those of all issuers.
	published map[string]v1alpha1.BundleStatus
	keys      map[string]issuerkeys.State
	// arrived are when the changes came that are news.
	arrived arrivals
}

// take takes in what a compilation came to.
func (n *news) take(d *compile.Delta, changes map[compile.Key]client.Object, keys map[string]issuerkeys.State) {
	n.delta.Join(d)
	n.keys = keys
	for key, object := range changes {
		if object == nil {
			delete(n.uids, key)
		} else {
			n.uids[key] = object.GetUID()
		}
	}
}

func newNews() *news {
	return &news{delta: compile.NewDelta(), uids: map[compile.Key]types.UID{}, arrived: arrivals{}}
}

// publish takes contents whether or not they have a revision already. What has none will have one beyond that of what has the
// name now: under that nobody can have acknowledged it, even if the same bytes were there before.
func (n *news) publish(contents []content) {
	n.published = make(map[string]v1alpha1.BundleStatus, len(contents))
	for i := range contents {
		c := &contents[i]
		switch {
		case c.raw == nil:
		case c.agreed():
			n.published[c.key.Name] = c.assigned
		default:
			n.published[c.key.Name] = v1alpha1.BundleStatus{Revision: c.assigned.Revision + 1, Digest: c.digest}
		}
	}
}

// entry is what became of one object. It is replaced and never changed.
type entry struct {
	uid      types.UID
	report   compile.Report
	problems []compile.Problem
	// left are bundles that the object was part of and no longer is: it is not enforced before authorizers have let go of
	// it there.
	left []string
	// keys of a TrustedIssuer.
	keys issuerkeys.State
}

func (e *entry) same(other *entry) bool {
	return e.uid == other.uid &&
		e.report.Object == other.report.Object && e.report.Accepted == other.report.Accepted &&
		e.report.Reason == other.report.Reason && e.report.Message == other.report.Message &&
		e.report.StandIn == other.report.StandIn &&
		slices.Equal(e.report.Bundles, other.report.Bundles) && slices.Equal(e.left, other.left) &&
		slices.Equal(e.problems, other.problems) && sameKeys(e.keys, other.keys) &&
		equality.Semantic.DeepEqual(e.report.Effective, other.report.Effective) &&
		equality.Semantic.DeepEqual(e.report.Excess, other.report.Excess)
}

func sameKeys(a, b issuerkeys.State) bool {
	return a.Attempted == b.Attempted && a.Known() == b.Known() && a.Since.Equal(b.Since) && errorText(a.Err) == errorText(b.Err)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// follow takes over, from the entry before, the bundles that the object has left, as far as they are still published.
func (e *entry) follow(before *entry, published map[string]v1alpha1.BundleStatus) {
	if before == nil || before.uid != e.uid {
		return
	}
	for _, name := range slices.Concat(before.report.Bundles, before.left) {
		if _, there := published[name]; there && !slices.Contains(e.report.Bundles, name) {
			e.left = append(e.left, name)
		}
	}
	slices.Sort(e.left)
	e.left = slices.Compact(e.left)
}

// bundles that the object is part of, or was until it left them.
func (e *entry) bundles() []string {
	if e == nil {
		return nil
	}
	return slices.Concat(e.report.Bundles, e.left)
}
