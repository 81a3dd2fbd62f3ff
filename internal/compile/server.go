// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
)

// server is one ResourceServer of the World.
type server struct {
	name types.NamespacedName
	uid  types.UID
	claimer
	// now is its current form.
	now *form
	// before is how it was when it was last accepted, nil where that is not known, and earlier its form once that was asked
	// for.
	before  *v1alpha1.ResourceServer
	earlier *form

	// What follows is settled with all others.

	// conflicts are what the current form claims and others hold.
	conflicts []Problem
	// inForce is the form that a bundle is made of: the current one, the one that was last accepted, or none.
	inForce *form
	standIn bool
}

func (v *view) readServer(rs *v1alpha1.ResourceServer) *server {
	s := &server{name: types.NamespacedName{Namespace: rs.Namespace, Name: rs.Name}, uid: rs.UID, now: v.shape(rs)}
	s.claimer = claimer{
		object: withoutGeneration(s.now.object), since: rs.CreationTimestamp,
		wanted: namesOf(&rs.Spec), usable: s.now.usable,
	}
	return s
}

// remember takes the form that was last accepted, which is another one's where the object was made anew since.
func (s *server) remember(last *v1alpha1.ResourceServer) {
	if last != nil && last.UID != s.uid {
		last = nil
	}
	if last == s.before {
		return
	}
	s.before, s.earlier, s.held = last, nil, nil
	if last != nil {
		s.held = namesOf(&last.Spec)
	}
}

// decide says which form is in force, and whether that or anything that stands in its way is another than before. The view
// is for reading an earlier form, of which nothing that is wrong is reported: its owner has the current one to mend.
func (s *server) decide(names claims, v *view) bool {
	conflicts, inForce := s.conflicts, s.inForce
	s.choose(names, v)
	return s.inForce != inForce || !slices.Equal(s.conflicts, conflicts)
}

func (s *server) choose(names claims, v *view) {
	s.conflicts = s.conflictsIn(names)
	s.inForce, s.standIn = nil, false
	switch {
	case s.now.usable && len(s.conflicts) == 0:
		s.inForce = s.now
	case s.before != nil:
		if s.earlier == nil {
			s.earlier = v.shape(s.before)
		}
		if s.earlier.usable && s.holds(names, namesOf(s.earlier.spec)) {
			s.inForce, s.standIn = s.earlier, true
		}
	}
}

func (s *server) conflictsIn(names claims) []Problem {
	own := findings{object: s.now.object}
	by := claimant{object: s.object, since: s.since}
	if audience := s.now.policy.Audience; audience != "" {
		if holder, held := names.other(audienceName(audience), s.object); held {
			own.conflictf("spec.audience", "%s and holds the audience %q; name another audience, or have that one give it up",
				holder.precedes(by), audience)
		}
	}
	for i, host := range s.now.spec.Hosts {
		if holder, held := names.other(hostName(host), s.object); held {
			own.conflictf(fmt.Sprintf("spec.hosts[%d]", i), "%s and holds the host %q; name another host, or have that one give it up",
				holder.precedes(by), host)
		}
	}
	return own.problems
}
