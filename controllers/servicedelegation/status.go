// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package servicedelegation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/controllers/workloads"
)

// maxNamed is how many excess scopes a message names.
const maxNamed = 3

// derive says whether what is declared has effect, whether running pods stay within it, whether it is enforced everywhere, and
// whether its review is due.
func derive(delegation *v1alpha1.ServiceDelegation, outcome conditions.Outcome, within metav1.Condition, now time.Time) conditions.Verdict {
	well, next := review(delegation.Spec.ReviewBy, outcome, now)
	judged := []metav1.Condition{conditions.Accepted(outcome)}
	if outcome.Report.Accepted {
		judged = append(judged, withinPolicy(outcome.Report.Effective, outcome.Report.Excess))
	}
	told := len(judged)
	judged = append(judged, conditions.Enforced(outcome))
	// Ready sums up without what running pods do: they are other objects. Where a pipeline waits for it before it applies the
	// Deployment that goes back within the bounds, it would wait for ever.
	all := slices.Insert(conditions.Conclude(well, judged...), told, within)
	return conditions.Verdict{Known: true, Conditions: all, Next: next}
}

// within says whether running pods stay within what is declared and has effect.
func within(s workloads.Standing, known bool) metav1.Condition {
	const kind = v1alpha1.ConditionWorkloadsWithinBounds
	switch {
	case !known:
		return conditions.Unsaid(kind)
	case s.Outside == 0:
		return conditions.True(kind, v1alpha1.ReasonWithinBounds, "No running pod of the service account asks for more than it is given.")
	}
	return conditions.False(kind, outside(s), fmt.Sprintf("%s for more than the service account is given: %s. The first: %s.",
		pods(s.Outside), some(s), s.Problem))
}

func outside(s workloads.Standing) string {
	if s.Undeclared {
		return v1alpha1.ReasonOutsideBounds
	}
	return v1alpha1.ReasonOutsidePolicy
}

func pods(n int) string {
	if n == 1 {
		return "1 running pod asks"
	}
	return fmt.Sprintf("%d running pods ask", n)
}

// some names the first pods, and counts the rest.
func some(s workloads.Standing) string {
	text := strings.Join(s.Named, ", ")
	if more := s.Outside - len(s.Named); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// review is the summary of a declaration with which all else is well, and when it changes by time alone.
func review(by *metav1.Time, outcome conditions.Outcome, now time.Time) (well metav1.Condition, next time.Time) {
	switch {
	case by == nil:
		return conditions.Ready(outcome), time.Time{}
	case now.Before(by.Time):
		return conditions.Ready(outcome), by.Time
	default:
		return conditions.True(v1alpha1.ConditionReady, v1alpha1.ReasonReviewOverdue,
			"Accepted and enforced; somebody should have looked at it again by "+by.UTC().Format(time.RFC3339)+"."), time.Time{}
	}
}

// withinPolicy names the first few declared scopes without effect.
func withinPolicy(effective []v1alpha1.AudienceScopes, excess []v1alpha1.ExcessScope) metav1.Condition {
	if len(excess) == 0 {
		return conditions.True(v1alpha1.ConditionWithinPolicy, v1alpha1.ReasonWithinPolicy, "Every declared scope has effect.")
	}
	named := make([]string, 0, maxNamed)
	for _, e := range excess[:min(len(excess), maxNamed)] {
		named = append(named, spell(e))
	}
	message := fmt.Sprintf("%d of %d declared scopes %s no effect: %s",
		len(excess), len(excess)+count(effective), have(len(excess)), strings.Join(named, "; "))
	if more := len(excess) - maxNamed; more > 0 {
		message += fmt.Sprintf("; and %d more", more)
	}
	return conditions.False(v1alpha1.ConditionWithinPolicy, v1alpha1.ReasonExcess, message+". See status.excess.")
}

func have(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

func spell(e v1alpha1.ExcessScope) string {
	text := fmt.Sprintf("%s#%s", e.Audience, e.Scope)
	if e.To != nil {
		text += fmt.Sprintf(" onward to %s/%s", e.To.Namespace, e.To.ServiceAccount)
	}
	return text + " (" + e.Reason + ")"
}

func count(audiences []v1alpha1.AudienceScopes) int {
	n := 0
	for _, a := range audiences {
		n += len(a.Scopes)
	}
	return n
}

// listed is as much as a status takes: the API server refuses more, and the whole status with it. What is left out is
// counted in WithinPolicy.
func listed(excess []v1alpha1.ExcessScope) []v1alpha1.ExcessScope {
	var fitting []v1alpha1.ExcessScope
	length := 0
	for _, e := range excess[:min(len(excess), v1alpha1.MaxExcess)] {
		e.Message = conditions.Clip(e.Message, v1alpha1.MaxExcessMessage)
		if length += len(e.Audience) + len(e.Scope) + len(e.Message); length > v1alpha1.MaxExcessText {
			break
		}
		fitting = append(fitting, e)
	}
	return fitting
}
