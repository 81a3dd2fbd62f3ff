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

// personal are the reasons that nothing but a person's edit makes go away. What another object or an authorizer may still
// mend is not among them, so that a pipeline which applies objects in any order sees progress and not failure.
var personal = []string{
	v1alpha1.ReasonInvalid, v1alpha1.ReasonConflict, v1alpha1.ReasonExpired, v1alpha1.ReasonDenied,
}

// Conclude sums up: Ready stands last and says what the first of the judged that does not hold says, or otherwise what
// well says. Stalled stands before it where only a person can mend it (kstatus would otherwise wait for ever).
func Conclude(well metav1.Condition, judged ...metav1.Condition) []metav1.Condition {
	ready := well
	for _, c := range judged {
		if c.Status != metav1.ConditionTrue {
			ready = metav1.Condition{Type: v1alpha1.ConditionReady, Status: c.Status, Reason: c.Reason, Message: c.Message}
			break
		}
	}
	all := slices.Clone(judged)
	if ready.Status == metav1.ConditionFalse && slices.Contains(personal, ready.Reason) {
		all = append(all, True(v1alpha1.ConditionStalled, ready.Reason, ready.Message))
	}
	return append(all, ready)
}

// Ready is the plain summary of an object with which all is well: it repeats the first of the compiler's warnings, since
// what they are about has no effect.
func Ready(o Outcome) metav1.Condition {
	n := count(o.Problems, compile.Warning)
	if n == 0 {
		return True(v1alpha1.ConditionReady, v1alpha1.ReasonReady, "Accepted and enforced.")
	}
	warnings := "1 warning"
	if n > 1 {
		warnings = fmt.Sprintf("%d warnings", n)
	}
	return True(v1alpha1.ConditionReady, v1alpha1.ReasonAcceptedWithWarnings,
		"Accepted and enforced, with "+warnings+": "+spell(first(o.Problems, compile.Warning)))
}
