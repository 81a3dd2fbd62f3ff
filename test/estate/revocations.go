// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// How many of each are revoked, beside one actor and one edge.
const (
	leavers      = 700
	sessions     = 150
	transactions = 50
	tokens       = 100
)

func leaver(i int) string      { return fmt.Sprintf("leaver-%03d", i) }
func lostSession(i int) string { return fmt.Sprintf("lost-session-%03d", i) }
func undone(i int) string      { return fmt.Sprintf("txn-undone-%03d", i) }
func stolen(i int) string      { return fmt.Sprintf("jti-stolen-%03d", i) }

// revokedActor is the last actor, and revokedEdge leads from the last but three to the next.
func (e *Estate) revokedActor() authz.Actor { return actorOf(e.Actors - 1) }

func (e *Estate) revokedEdge() (from, to authz.Actor) {
	return actorOf(max(e.Actors-kept, 0)), actorOf(max(e.Actors-kept+1, 0))
}

// revocations: some speak of all, and some of what was issued a minute before Now or earlier.
func (e *Estate) revocations() []v1alpha1.DelegationRevocation {
	before := metav1.NewTime(Now.Add(-time.Minute))
	var all []v1alpha1.DelegationRevocation
	add := func(spec v1alpha1.DelegationRevocationSpec) {
		if len(all)%2 == 1 {
			spec.IssuedBefore = &before
		}
		all = append(all, v1alpha1.DelegationRevocation{ObjectMeta: meta("", fmt.Sprintf("revocation-%04d", len(all))), Spec: spec})
	}
	for i := range leavers {
		add(v1alpha1.DelegationRevocationSpec{Subject: &v1alpha1.SubjectReference{Issuer: Issuer, ID: v1alpha1.SubjectID(leaver(i))}})
	}
	for i := range sessions {
		add(v1alpha1.DelegationRevocationSpec{Session: &v1alpha1.SessionReference{Issuer: Issuer, ID: lostSession(i)}})
	}
	for i := range transactions {
		add(v1alpha1.DelegationRevocationSpec{Transaction: undone(i)})
	}
	for i := range tokens {
		add(v1alpha1.DelegationRevocationSpec{Token: stolen(i)})
	}
	from, to := e.revokedEdge()
	add(v1alpha1.DelegationRevocationSpec{Actor: reference(e.revokedActor())})
	add(v1alpha1.DelegationRevocationSpec{Edge: &v1alpha1.Edge{From: reference(from), To: *reference(to)}})
	return all
}

func reference(a authz.Actor) *v1alpha1.ServiceAccountReference {
	return &v1alpha1.ServiceAccountReference{
		Namespace: v1alpha1.NamespaceName(a.Namespace), ServiceAccount: v1alpha1.ServiceAccountName(a.ServiceAccount),
	}
}
