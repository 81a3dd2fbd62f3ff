// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// Accepted says whether the object is part of what was compiled: what is wrong with it, field first, or what in it has no
// effect yet.
func Accepted(o Outcome) metav1.Condition {
	if !o.Report.Accepted {
		return False(v1alpha1.ConditionAccepted, o.Report.Reason, orElse(worst(o.Problems, compile.Error), o.Report.Message))
	}
	message := orElse(worst(o.Problems, compile.Warning), o.Report.Message)
	return True(v1alpha1.ConditionAccepted, v1alpha1.ReasonAccepted, message)
}

// worst is the first problem of that severity, with a count of the others.
func worst(problems []compile.Problem, severity compile.Severity) string {
	var first compile.Problem
	count := 0
	for _, p := range problems {
		if p.Severity != severity {
			continue
		}
		if count == 0 {
			first = p
		}
		count++
	}
	switch count {
	case 0:
		return ""
	case 1:
		return first.Field + ": " + first.Message
	default:
		return fmt.Sprintf("%s: %s (and %d more)", first.Field, first.Message, count-1)
	}
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
