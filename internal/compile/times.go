// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"math"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Bundles hold whole seconds with 0 for none. A fraction is rounded to the side that lets less happen.

// endSeconds is when something ends: rounded down; 0 for none and for what lies before 1970.
func endSeconds(t *metav1.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(0, t.Unix())
}

// startSeconds is when something begins: rounded up; 0 for none.
func startSeconds(t *metav1.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(0, ceilSeconds(t.Time))
}

// revokedSeconds is before when something was issued: rounded up; 0, which is to say all, for none only.
func revokedSeconds(t *metav1.Time) int64 {
	if t == nil {
		return 0
	}
	return max(1, ceilSeconds(t.Time))
}

func ceilSeconds(t time.Time) int64 {
	if t.Nanosecond() > 0 && t.Unix() < math.MaxInt64 {
		return t.Unix() + 1
	}
	return t.Unix()
}
