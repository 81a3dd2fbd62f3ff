// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
)

// DryRun is the summary of an object that denies nothing until a stated time, with that time; the plain one otherwise.
func DryRun(enforcement v1alpha1.Enforcement, o Outcome, now time.Time) (well metav1.Condition, next time.Time) {
	if enforcement.Mode != v1alpha1.EnforcementDryRun || enforcement.Until == nil || !now.Before(enforcement.Until.Time) {
		return Ready(o), time.Time{}
	}
	until := enforcement.Until.Time
	return True(v1alpha1.ConditionReady, v1alpha1.ReasonDryRun,
		"Dry run until "+until.UTC().Format(time.RFC3339)+": what it denies is recorded and let through."), until
}
