// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
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

// take claims a name. It gives the holder, if that is another one.
func (c claims) take(name string, by claimant) (holder claimant, taken bool) {
	holder, taken = c[name]
	if !taken {
		c[name] = by
		return by, false
	}
	return holder, KeyOf(holder.object) != KeyOf(by.object)
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

// settleNames says who holds what: whoever was accepted with a name, and of those that claim a free one the oldest. What
// an acceptable form no longer names is free at once. Letting go makes further names free and takes none away, so that
// whoever was acceptable stays so, and there is an end.
func settleNames(servers []*server) claims {
	for {
		names := claimNames(servers)
		if !letGo(servers, names) {
			return names
		}
	}
}

func claimNames(servers []*server) claims {
	names := claims{}
	for _, s := range servers {
		for _, name := range s.held {
			names.take(name, claimant{object: s.object, since: s.since, accepted: true})
		}
	}
	for _, s := range servers {
		for _, name := range namesOf(s.now.spec) {
			names.take(name, claimant{object: s.object, since: s.since})
		}
	}
	return names
}

// letGo frees what acceptable forms no longer name, and says whether that was anything.
func letGo(servers []*server, names claims) bool {
	freed := false
	for _, s := range servers {
		wanted := namesOf(s.now.spec)
		if !s.now.usable || !s.holds(names, wanted) {
			continue
		}
		kept := slices.DeleteFunc(slices.Clone(s.held), func(name string) bool { return !slices.Contains(wanted, name) })
		freed = freed || len(kept) < len(s.held)
		s.held = kept
	}
	return freed
}

func (s *server) holds(names claims, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(name string) bool { return KeyOf(names[name].object) != KeyOf(s.object) })
}

// conflicts are what the current form claims and others hold.
func (s *server) conflicts(names claims) []Problem {
	own := findings{object: s.object}
	by := claimant{object: s.object, since: s.since}
	if audience := s.now.policy.Audience; audience != "" {
		if holder, taken := names.take(audienceName(audience), by); taken {
			own.conflictf("spec.audience", "%s and holds the audience %q; name another audience, or have that one give it up",
				holder.precedes(by), audience)
		}
	}
	for i, host := range s.now.spec.Hosts {
		if host == "" {
			continue
		}
		if holder, taken := names.take(hostName(host), by); taken {
			own.conflictf(fmt.Sprintf("spec.hosts[%d]", i), "%s and holds the host %q; name another host, or have that one give it up",
				holder.precedes(by), host)
		}
	}
	return own.problems
}

func withoutGeneration(ref authz.ObjectRef) authz.ObjectRef {
	ref.Generation = 0
	return ref
}
