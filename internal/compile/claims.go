// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// claims says who holds what only one may hold. Whoever claims first goes on holding it even while it is not accepted, so
// that nobody can take an audience over by waiting for a slip of its owner.
type claims map[string]claimant

// claimant is an object that claims, with its age.
type claimant struct {
	object authz.ObjectRef
	since  metav1.Time
	// accepted says that it was accepted with what it claims, which counts for more than age.
	accepted bool
}

// take claims a name, unless somebody has.
func (c claims) take(name string, by claimant) {
	if _, taken := c[name]; !taken {
		c[name] = by
	}
}

// other gives the holder of a name, if that is another one.
func (c claims) other(name string, than authz.ObjectRef) (holder claimant, held bool) {
	holder, held = c[name]
	return holder, held && KeyOf(holder.object) != KeyOf(than)
}

// precedes says, for a message, what the holder has before another claimant.
func (c claimant) precedes(other claimant) string {
	c.object.Generation = 0
	if c.accepted {
		return c.object.String() + " was accepted first"
	}
	if c.since.Equal(&other.since) {
		return c.object.String() + " is of the same age, comes first by its name"
	}
	return c.object.String() + " is older"
}

// audienceName and hostName keep audiences and hosts apart among the names that resource servers claim.
func audienceName(audience string) string { return "audience " + audience }

func hostName(host string) string { return "host " + host }

// namesOf are the names that a resource server claims.
func namesOf(spec *v1alpha1.ResourceServerSpec) []string {
	var names []string
	if spec.Audience != "" {
		names = append(names, audienceName(string(spec.Audience)))
	}
	for _, host := range spec.Hosts {
		if host != "" {
			names = append(names, hostName(host))
		}
	}
	return names
}

// claimer is as much of a resource server as bears on who holds what.
type claimer struct {
	object authz.ObjectRef
	// since is how old it is.
	since metav1.Time
	// held are the names of the form that was last accepted, and wanted those of the current one.
	held, wanted []string
	// usable says that nothing but a conflict could keep the current form from being accepted.
	usable bool
}

func (c *claimer) same(other *claimer) bool {
	return KeyOf(c.object) == KeyOf(other.object) && c.since.Equal(&other.since) && c.usable == other.usable &&
		slices.Equal(c.held, other.held) && slices.Equal(c.wanted, other.wanted)
}

func (c *claimer) holds(names claims, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(name string) bool { return KeyOf(names[name].object) != KeyOf(c.object) })
}

// settleNames says who holds what: whoever was accepted with a name, and of those that claim a free one the oldest. What
// an acceptable form no longer names is free at once. Letting go makes further names free and takes none away, so that
// whoever was acceptable stays so, and there is an end.
func settleNames(claimers []claimer) claims {
	slices.SortFunc(claimers, func(a, b claimer) int {
		return cmp.Or(a.since.Compare(b.since.Time), compareRefs(a.object, b.object))
	})
	for {
		names := claimNames(claimers)
		if !letGo(claimers, names) {
			return names
		}
	}
}

func claimNames(claimers []claimer) claims {
	names := claims{}
	for i := range claimers {
		c := &claimers[i]
		for _, name := range c.held {
			names.take(name, claimant{object: c.object, since: c.since, accepted: true})
		}
	}
	for i := range claimers {
		c := &claimers[i]
		for _, name := range c.wanted {
			names.take(name, claimant{object: c.object, since: c.since})
		}
	}
	return names
}

// letGo frees what acceptable forms no longer name, and says whether that was anything.
func letGo(claimers []claimer, names claims) bool {
	freed := false
	for i := range claimers {
		c := &claimers[i]
		if !c.usable || !c.holds(names, c.wanted) {
			continue
		}
		kept := slices.DeleteFunc(slices.Clone(c.held), func(name string) bool { return !slices.Contains(c.wanted, name) })
		freed = freed || len(kept) < len(c.held)
		c.held = kept
	}
	return freed
}

func withoutGeneration(ref authz.ObjectRef) authz.ObjectRef {
	ref.Generation = 0
	return ref
}
