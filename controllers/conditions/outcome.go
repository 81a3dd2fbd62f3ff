// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package conditions derives what Behalf says about an object from what became of it, and writes that down only where it
// differs from what stands there. The derivation is pure and never reads what was written before, but for the time of the
// last transition.
package conditions

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/internal/compile"
)

// Outcome is what became of one object.
type Outcome struct {
	// Report of the compiler. Report.Object tells the generation.
	Report compile.Report
	// Problems of the object, in the order of their fields.
	Problems []compile.Problem
	// Standings of the bundles that the object landed in.
	Standings []Standing
}

// Standing is how far one bundle has come at the authorizers that are to enforce it.
type Standing struct {
	// Bundle is its name: namespace/name of a resource server, or trust or revocations.
	Bundle string
	// Revision is what has to be acknowledged.
	Revision int64
	// Connected is the number of authorizers that may serve it and are connected.
	Connected int
	// LastGone is when the last of those that are not was lost; zero where none is known.
	LastGone time.Time
	// Acked is how many hold the revision, those that are gone and still count included.
	Acked int
	// Lagging are those that have not acknowledged the revision, sorted.
	Lagging []string
	// Refusals are those of them that refused what they were sent.
	Refusals []Refusal
}

// Refusal is one authorizer's negative acknowledgement.
type Refusal struct {
	Authorizer string
	Message    string
}

// True is a condition that holds. Merge fills in generation and time.
func True(kind, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

// False is a condition that does not hold.
func False(kind, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

// Unsaid is a condition of which there is no word yet. What stands there is left as it is: a manager that starts must not
// take back what the one before it said, only to say it again.
func Unsaid(kind string) metav1.Condition { return metav1.Condition{Type: kind} }

// Unknown is a condition of which nobody can tell yet.
func Unknown(kind, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionUnknown, Reason: reason, Message: message}
}
