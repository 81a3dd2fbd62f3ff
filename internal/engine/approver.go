// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "behalf.dev/behalf/internal/authz"

// approvedByItself says whether the approver could be somebody for whom or through whom the request is made: the subject,
// or a service account of the chain (THREATS 42).
func (s *grantSearch) approvedByItself(g *loadedGrant) bool {
	subject := &s.req.Subject
	return authz.CouldBe(g.approver, subject.Username) || authz.CouldBe(g.approver, subject.ID) || s.inChain(g.approver)
}

func (s *grantSearch) inChain(approver string) bool {
	actor, ok := authz.ActorOf(approver)
	if !ok {
		return false
	}
	for i := range s.depth() {
		if *s.at(i) == actor {
			return true
		}
	}
	return false
}
