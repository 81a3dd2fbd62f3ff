// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"slices"
	"strings"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
)

// owned are the types that this package's users write. Others belong to somebody else and are left as they are.
var owned = []string{
	v1alpha1.ConditionAccepted, v1alpha1.ConditionWithinPolicy, v1alpha1.ConditionWorkloadsWithinBounds, v1alpha1.ConditionKeysFetched,
	v1alpha1.ConditionEnforced, v1alpha1.ConditionStalled, v1alpha1.ConditionReady,
}

// Merge gives the conditions to write: the derived ones, for this generation, with the last of them, Ready, behind those of
// other writers. The time of the last transition moves with the status only. Where a derived one is Unsaid, what stood there
// stays as it is.
func Merge(existing, derived []metav1.Condition, generation int64, now metav1.Time) []metav1.Condition {
	merged := make([]metav1.Condition, 0, len(existing)+len(derived))
	for _, c := range derived {
		if c.Status == "" {
			if old := find(existing, c.Type); old != nil {
				merged = append(merged, *old)
			}
			continue
		}
		c.ObservedGeneration = generation
		c.Message = Clip(c.Message, v1alpha1.MaxConditionMessage)
		c.LastTransitionTime = now
		if old := find(existing, c.Type); old != nil && old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		merged = append(merged, c)
	}
	foreign := slices.DeleteFunc(slices.Clone(existing), func(c metav1.Condition) bool { return slices.Contains(owned, c.Type) })
	return slices.Insert(merged, max(0, len(merged)-1), foreign...)
}

func find(conditions []metav1.Condition, kind string) *metav1.Condition {
	i := slices.IndexFunc(conditions, func(c metav1.Condition) bool { return c.Type == kind })
	if i < 0 {
		return nil
	}
	return &conditions[i]
}

// Clip shortens a text to so many bytes, at the border of a character: what a schema bounds in characters it bounds too. The
// API server would refuse a longer text, and the whole status with it.
func Clip(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strings.TrimSpace(text[:cut]) + "…"
}

// warning says whether a condition is worth a Warning event. Who lags changes all the time, and what is pending is no fault.
func warning(c metav1.Condition) bool {
	return c.Status == metav1.ConditionFalse && c.Reason != v1alpha1.ReasonLagging && c.Reason != v1alpha1.ReasonPending
}

// counterpart says whether the warning is about something that another object is missing for: one that may be on its way.
func counterpart(c metav1.Condition) bool {
	return warning(c) && (c.Reason == v1alpha1.ReasonExcess || c.Reason == v1alpha1.ReasonNoEffect)
}

// Changed are the derived conditions whose status or reason is not what stood there before, or whose message is not where
// the condition is a warning. Ready and Stalled repeat another one, so they count only where nothing else changed. What is
// outside its bounds is told by events on the workloads themselves.
func Changed(before, after []metav1.Condition) []metav1.Condition {
	var own, summary []metav1.Condition
	for _, c := range after {
		if old := find(before, c.Type); old != nil && old.Status == c.Status && old.Reason == c.Reason &&
			(!warning(c) || old.Message == Clip(c.Message, v1alpha1.MaxConditionMessage)) {
			continue
		}
		switch c.Type {
		case v1alpha1.ConditionReady:
			summary = append(summary, c)
		case v1alpha1.ConditionStalled, v1alpha1.ConditionWorkloadsWithinBounds:
		default:
			own = append(own, c)
		}
	}
	if len(own) > 0 {
		return own
	}
	return summary
}
