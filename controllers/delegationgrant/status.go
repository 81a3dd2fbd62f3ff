// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package delegationgrant

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/conditions"
)

// derive says whether the grant can be used: approved, within its time and known to every authorizer.
func derive(grant *v1alpha1.DelegationGrant, outcome conditions.Outcome, now time.Time) conditions.Verdict {
	enforced, settled := standing(grant, now)
	if !settled {
		enforced = conditions.Enforced(outcome)
	}
	verdict := conditions.Verdict{
		Known:      true,
		Conditions: conditions.Conclude(conditions.Ready(outcome), conditions.Accepted(outcome), enforced),
	}
	if now.Before(grant.Spec.NotAfter.Time) {
		verdict.Next = grant.Spec.NotAfter.Time
	}
	return verdict
}

// standing is what Enforced says of a grant that counts for nothing whatever authorizers do; settled is false for one that
// counts.
func standing(grant *v1alpha1.DelegationGrant, now time.Time) (state metav1.Condition, settled bool) {
	const kind = v1alpha1.ConditionEnforced
	switch {
	case grant.Spec.State == v1alpha1.GrantDenied:
		return conditions.False(kind, v1alpha1.ReasonDenied, "Denied by "+approver(grant)+"."), true
	case !now.Before(grant.Spec.NotAfter.Time):
		return conditions.False(kind, v1alpha1.ReasonExpired, "It ended at "+grant.Spec.NotAfter.UTC().Format(time.RFC3339)+"."), true
	case grant.Spec.State != v1alpha1.GrantApproved:
		return conditions.False(kind, v1alpha1.ReasonPending, "It waits for an approver."), true
	default:
		return metav1.Condition{}, false
	}
}

func approver(grant *v1alpha1.DelegationGrant) string {
	if grant.Spec.Approver == nil || grant.Spec.Approver.Username == "" {
		return "nobody that is known"
	}
	return string(grant.Spec.Approver.Username)
}
