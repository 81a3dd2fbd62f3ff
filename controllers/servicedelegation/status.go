// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package servicedelegation

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/conditions"
)

// maxNamed is how many excess scopes a message names.
const maxNamed = 3

// derive says whether what is declared has effect, whether it is enforced everywhere, and whether its review is due.
func derive(delegation *v1alpha1.ServiceDelegation, outcome conditions.Outcome, now time.Time) conditions.Verdict {
	well, next := review(delegation.Spec.ReviewBy, outcome, now)
	judged := []metav1.Condition{conditions.Accepted(outcome)}
	if outcome.Report.Accepted {
		judged = append(judged, withinPolicy(outcome.Report.Effective, outcome.Report.Excess))
	}
	judged = append(judged, conditions.Enforced(outcome))
	return conditions.Verdict{Known: true, Conditions: conditions.Conclude(well, judged...), Next: next}
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
