// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/internal/authz"
)

// claims says who holds what only one may hold. Whoever is older claims first and goes on holding what it claimed even
// while it is not accepted, so that nobody can take an audience over by waiting for a slip of its owner.
type claims map[string]claimant

// claimant is an object that claims, with its age.
type claimant struct {
	object authz.ObjectRef
	since  metav1.Time
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
	if c.since.Equal(&other.since) {
		return c.object.String() + " is of the same age, comes first by its name"
	}
	return c.object.String() + " is older"
}

// serverClaims are those of resource servers.
type serverClaims struct{ audiences, hosts claims }

// claim takes the audience and hosts of a form, and notes what an older resource server holds.
func (c serverClaims) claim(f *form, since metav1.Time) (conflicts []Problem) {
	own := findings{object: f.object}
	by := claimant{object: f.object, since: since}
	if f.policy.Audience != "" {
		if holder, taken := c.audiences.take(f.policy.Audience, by); taken {
			own.conflictf("spec.audience", "%s and holds the audience %q; name another audience, or have that one give it up",
				holder.precedes(by), f.policy.Audience)
		}
	}
	for i, host := range f.spec.Hosts {
		if host == "" {
			continue
		}
		if holder, taken := c.hosts.take(host, by); taken {
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
