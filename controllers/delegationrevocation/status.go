// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package delegationrevocation

import "behalf.dev/behalf/controllers/conditions"

// derive says whether the revocation list with this revocation in it is enforced everywhere.
func derive(outcome conditions.Outcome) conditions.Verdict {
	return conditions.Verdict{
		Known:      true,
		Conditions: conditions.Conclude(conditions.Ready(outcome), conditions.Accepted(outcome), conditions.Enforced(outcome)),
	}
}
