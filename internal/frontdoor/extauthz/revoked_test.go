// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package extauthz_test

import (
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/frontdoor/doortest"
	"behalf.dev/behalf/internal/token/tokentest"
)

// THREATS 19: the actor's token was stolen before its revocation; alice signed in after.
func TestAStolenActorTokenIsRevokedByItsOwnTimeOfIssue(t *testing.T) {
	w := doortest.New(t)
	w.Revocations.Entries = append(w.Revocations.Entries, bundle.Revocation{
		Source:       authz.ObjectRef{Kind: "DelegationRevocation", Name: "portal-was-robbed"},
		Actor:        &bundle.Service{Namespace: "support", Name: "portal"},
		IssuedBefore: doortest.Now.Add(-10 * time.Minute).Unix(),
	})
	issued := func(ago time.Duration) string {
		return w.Cluster.Sign(t, tokentest.With(w.Cluster.ServiceAccount(doortest.Now, doortest.Portal, doortest.UID, doortest.Tickets),
			map[string]any{"iat": doortest.Now.Add(-ago).Unix(), "nbf": doortest.Now.Add(-ago).Unix()}))
	}
	r := request(t, w)
	r.GetAttributes().GetRequest().GetHttp().Headers["behalf-actor-token"] = issued(30 * time.Minute)
	wantDenied(t, check(t, w.Judge(t), r), 403, authz.LegRevocation, authz.ReasonRevoked)

	r.GetAttributes().GetRequest().GetHttp().Headers["behalf-actor-token"] = issued(10 * time.Minute)
	if response := check(t, w.Judge(t), r); response.GetOkResponse() == nil {
		t.Errorf("response = %v, want an allow of a token issued since", response)
	}
}
