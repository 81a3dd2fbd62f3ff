// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package estate

import "fmt"

// Form is what kind of thing a condition asks.
type Form uint8

// The forms of conditions. All but the first ask for a value.
const (
	// Owner: resource.properties.owner is the subject.
	Owner Form = iota
	// Purpose: context.purpose is the value.
	Purpose
	// Region: resource.properties.region is the value.
	Region
)

// Condition is one condition by its form and value, for engines that have it as data.
type Condition struct {
	Form  Form
	Value string
}

// condition gives the one with a number: the first is about the owner, the others take turns.
func condition(n int) Condition {
	switch {
	case n == 0:
		return Condition{Form: Owner}
	case n%2 == 1:
		return Condition{Purpose, fmt.Sprintf("purpose-%d", n)}
	default:
		return Condition{Region, fmt.Sprintf("region-%d", n)}
	}
}

// Expression is the condition in CEL.
func (c Condition) Expression() string {
	switch c.Form {
	case Purpose:
		return fmt.Sprintf("context.purpose == '%s'", c.Value)
	case Region:
		return fmt.Sprintf("resource.properties.region == '%s'", c.Value)
	case Owner:
	}
	return "resource.properties.owner == subject.id"
}

// conditionOf gives the condition of a delegation's Permit.
func (e *Estate) conditionOf(i int) (Condition, bool) {
	if e.Conditions == 0 {
		return Condition{}, false
	}
	return condition(i % e.Conditions), true
}
