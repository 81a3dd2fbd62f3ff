// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"

	"behalf.dev/behalf/internal/authz"
)

// ownApproval is what keeps a user from approving a grant that is for them, or is done by them. An authorizer counts no such
// approval, and knows more: the subject's user name and the chain, which come with a request only. Here it is told to whoever
// approves, as far as it can be: a grant names its subject by the id alone. The UID of a user may be that id, where the API
// server takes it from the same claim; no authorizer sees it.
func ownApproval(grant grantSpec, user authenticationv1.UserInfo) []problem {
	subject, actor := string(grant.Subject.ID), authz.Actor{
		Namespace: string(grant.Actor.Namespace), ServiceAccount: string(grant.Actor.ServiceAccount),
	}
	if authz.CouldBe(user.Username, subject) || authz.CouldBe(user.UID, subject) {
		return []problem{{field: approverField, message: fmt.Sprintf(
			"you, %s, could be the subject %q, and nobody approves what is done for them: have somebody else approve", user.Username, subject)}}
	}
	if self, ok := authz.ActorOf(user.Username); ok && self == actor {
		return []problem{{field: approverField, message: fmt.Sprintf(
			"you are the actor %s, and no service approves what it does itself: have somebody else approve", actor)}}
	}
	return nil
}
