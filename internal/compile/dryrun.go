// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"

	"behalf.dev/behalf/api/v1alpha1"
)

// fault is what is wrong with one field below the one that was asked about; without a message nothing is.
type fault struct{ field, message string }

// dryRunUntil is when a dry run ends, in seconds; 0 enforces, as does whatever makes no sense.
func dryRunUntil(e v1alpha1.Enforcement) (int64, fault) {
	switch e.Mode {
	case v1alpha1.EnforcementEnforce, "":
		if e.Until != nil {
			return 0, fault{"until", "an end goes with mode DryRun; remove it or say DryRun"}
		}
		return 0, fault{}
	case v1alpha1.EnforcementDryRun:
		if e.Until.IsZero() {
			return 0, fault{"until", "a dry run needs an end; say until when"}
		}
		return endSeconds(e.Until), fault{}
	default:
		return 0, fault{"mode", fmt.Sprintf("%q is not known; say Enforce or DryRun", e.Mode)}
	}
}
