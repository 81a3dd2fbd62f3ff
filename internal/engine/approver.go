// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "strings"

// approvedByItself says whether the approver could be somebody for whom or through whom the request is made: the subject,
// or a service account of the chain. The approver's name is the API server's and the subject's is the issuer's, so the two
// may differ in case and in what the API server puts before (oidc:alice, https://idp.example#alice); where they could be
// one person they count as one (THREATS 42).
func (s *grantSearch) approvedByItself(g *loadedGrant) bool {
	subject := &s.req.Subject
	return couldBe(g.approver, subject.Username) || couldBe(g.approver, subject.ID) || s.inChain(g.approver)
}

const serviceAccountPrefix = "system:serviceaccount:"

func (s *grantSearch) inChain(approver string) bool {
	account, ok := strings.CutPrefix(approver, serviceAccountPrefix)
	if !ok {
		return false
	}
	namespace, name, _ := strings.Cut(account, ":")
	for i := range s.depth() {
		if a := s.at(i); a.Namespace == namespace && a.ServiceAccount == name {
			return true
		}
	}
	return false
}

// couldBe says whether a user name is a name, whatever the case and whatever stands before it up to ':', '#' or '/'.
func couldBe(username, name string) bool {
	if name == "" {
		return false
	}
	for {
		if strings.EqualFold(username, name) {
			return true
		}
		at := strings.IndexAny(username, ":#/")
		if at < 0 {
			return false
		}
		username = username[at+1:]
	}
}
