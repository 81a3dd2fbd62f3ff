// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"fmt"
	"slices"

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
	switch n := count(problems, severity); n {
	case 0:
		return ""
	case 1:
		return spell(first(problems, severity))
	default:
		return fmt.Sprintf("%s (and %d more)", spell(first(problems, severity)), n-1)
	}
}

func count(problems []compile.Problem, severity compile.Severity) int {
	n := 0
	for _, p := range problems {
		if p.Severity == severity {
			n++
		}
	}
	return n
}

// first is the first problem of that severity; there is one.
func first(problems []compile.Problem, severity compile.Severity) compile.Problem {
	return problems[slices.IndexFunc(problems, func(p compile.Problem) bool { return p.Severity == severity })]
}

// spell is a problem with its field first; one about the whole object has none.
func spell(p compile.Problem) string {
	if p.Field == "" {
		return p.Message
	}
	return p.Field + ": " + p.Message
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
