// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
)

// server is one ResourceServer of the World.
type server struct {
	findings
	name types.NamespacedName
	// inForce is the form that a bundle is made of: the current one, the one that was last accepted, or none.
	inForce *form
	standIn bool
}

// settleServers settles which form of each ResourceServer is in force, the oldest first.
func (idx *index) settleServers(current []*v1alpha1.ResourceServer, last map[types.NamespacedName]v1alpha1.ResourceServer) []*server {
	c := serverClaims{audiences: claims{}, hosts: claims{}}
	servers := make([]*server, 0, len(current))
	for _, rs := range current {
		now := idx.shape(rs)
		conflicts := c.claim(now, rs.CreationTimestamp)
		s := &server{findings: now.findings, name: types.NamespacedName{Namespace: rs.Namespace, Name: rs.Name}}
		s.problems = append(s.problems, conflicts...)
		if now.usable && len(conflicts) == 0 {
			s.inForce = now
		} else if before, ok := last[s.name]; ok && before.UID == rs.UID {
			s.inForce = idx.standIn(&before, c)
			s.standIn = s.inForce != nil
		}
		servers = append(servers, s)
	}
	return servers
}

// standIn is the earlier form of a ResourceServer, if it can still be in force. What is wrong with it is not reported:
// its owner has the current form to mend.
func (idx *index) standIn(before *v1alpha1.ResourceServer, c serverClaims) *form {
	f := idx.shape(before)
	if conflicts := c.claim(f, before.CreationTimestamp); !f.usable || len(conflicts) > 0 {
		return nil
	}
	return f
}
