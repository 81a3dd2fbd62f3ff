// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"time"
)

// Took spells a time with three digits.
func Took(d time.Duration) string {
	switch {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < 10*time.Millisecond:
		return digits(float64(d)/float64(time.Microsecond)) + " µs"
	default:
		return digits(float64(d)/float64(time.Millisecond)) + " ms"
	}
}

// Ratio spells how many times as much one is as the other.
func Ratio(a, b float64) string { return Number(a/b) + " ×" }

// Number spells a figure with one digit after the point, or none where three stand before it.
func Number(f float64) string {
	switch {
	case f == math.Trunc(f):
		return fmt.Sprintf("%.0f", f)
	case f < 99.95:
		return fmt.Sprintf("%.1f", f)
	default:
		return fmt.Sprintf("%.0f", f)
	}
}

// digits is Number with one digit more.
func digits(f float64) string {
	switch {
	case f < 9.995:
		return fmt.Sprintf("%.2f", f)
	case f < 99.95:
		return fmt.Sprintf("%.1f", f)
	default:
		return fmt.Sprintf("%.0f", f)
	}
}

// Bytes spells a number of bytes with three digits.
func Bytes(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return digits(float64(n)/1e3) + " KB"
	default:
		return digits(float64(n)/1e6) + " MB"
	}
}
