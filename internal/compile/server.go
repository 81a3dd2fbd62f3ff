// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
)

// server is one ResourceServer of the World.
type server struct {
	findings
	name types.NamespacedName
	// since is how old it is.
	since metav1.Time
	// now is its current form.
	now *form
	// before is how it was when it was last accepted, nil where that is not known, and held are the names of that form
	// that it has not given up.
	before *v1alpha1.ResourceServer
	held   []string
	// inForce is the form that a bundle is made of: the current one, the one that was last accepted, or none.
	inForce *form
	standIn bool
}

// settleServers settles which form of each ResourceServer is in force, the oldest first.
func (idx *index) settleServers(current []*v1alpha1.ResourceServer, last map[types.NamespacedName]v1alpha1.ResourceServer) ([]*server, claims) {
	servers := make([]*server, 0, len(current))
	for _, rs := range current {
		servers = append(servers, idx.readServer(rs, last))
	}
	names := settleNames(servers)
	for _, s := range servers {
		conflicts := s.conflicts(names)
		s.problems = append(s.problems, conflicts...)
		if s.now.usable && len(conflicts) == 0 {
			s.inForce = s.now
		} else if s.before != nil {
			s.inForce = idx.standIn(s, names)
			s.standIn = s.inForce != nil
		}
	}
	return servers, names
}

func (idx *index) readServer(rs *v1alpha1.ResourceServer, last map[types.NamespacedName]v1alpha1.ResourceServer) *server {
	s := &server{
		name:  types.NamespacedName{Namespace: rs.Namespace, Name: rs.Name},
		since: rs.CreationTimestamp,
		now:   idx.shape(rs),
	}
	s.findings = s.now.findings
	if before, ok := last[s.name]; ok && before.UID == rs.UID {
		s.before, s.held = &before, namesOf(&before.Spec)
	}
	return s
}

// standIn is the earlier form of a ResourceServer, if it can still be in force. What is wrong with it is not reported:
// its owner has the current form to mend.
func (idx *index) standIn(s *server, names claims) *form {
	f := idx.shape(s.before)
	if !f.usable || !s.holds(names, namesOf(f.spec)) {
		return nil
	}
	return f
}
