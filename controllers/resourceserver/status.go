// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package resourceserver

import (
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/conditions"
)

// derive says whether every authorizer that serves the resource server has its bundle, and whether it denies yet.
func derive(server *v1alpha1.ResourceServer, outcome conditions.Outcome, now time.Time) conditions.Verdict {
	well, next := conditions.DryRun(server.Spec.Enforcement, outcome, now)
	return conditions.Verdict{
		Known:      true,
		Conditions: conditions.Conclude(well, conditions.Accepted(outcome), conditions.Enforced(outcome)),
		Next:       next,
	}
}
