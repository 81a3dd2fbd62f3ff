// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package delegationpolicy

import (
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/conditions"
)

// derive says whether the policy is in force on all resource servers that it names, and whether it denies yet.
func derive(policy *v1alpha1.DelegationPolicy, outcome conditions.Outcome, now time.Time) conditions.Verdict {
	well, next := conditions.DryRun(policy.Spec.Enforcement, outcome, now)
	return conditions.Verdict{
		Known:      true,
		Conditions: conditions.Conclude(well, conditions.Accepted(outcome), conditions.Enforced(outcome)),
		Next:       next,
	}
}
