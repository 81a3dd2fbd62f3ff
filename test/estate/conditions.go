// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"fmt"
	"regexp"
	"strconv"

	"behalf.dev/behalf/internal/authz"
)

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
	// Recent: the subject signed in less than so many seconds ago. It takes arithmetic, where the others compare.
	Recent
)

// Condition is one condition by its form and value, for engines that have it as data.
type Condition struct {
	Form  Form
	Value string
}

// Seconds is the value as a number; 0 where it is none.
func (c Condition) Seconds() int {
	n, err := strconv.Atoi(c.Value)
	if err != nil {
		return 0
	}
	return n
}

// condition gives the one with a number. In most estates the first is about the owner and the others take turns between
// purpose and region.
func (s Size) condition(n int) Condition {
	switch {
	case s.Arithmetic && n%2 == 0:
		return Condition{Recent, strconv.Itoa(3600 + n)}
	case s.Arithmetic:
		return Condition{Recent, strconv.Itoa(36000 + n)}
	case n == 0:
		return Condition{Form: Owner}
	case n%2 == 1:
		return Condition{Purpose, fmt.Sprintf("purpose-%d", n)}
	default:
		return Condition{Region, fmt.Sprintf("region-%d", n)}
	}
}

// conditionOf gives the condition of a delegation's Permit.
func (e *Estate) conditionOf(i int) (Condition, bool) {
	if e.Conditions == 0 {
		return Condition{}, false
	}
	return e.condition(i % e.Conditions), true
}

// Expression is the condition in CEL.
func (c Condition) Expression() string {
	switch c.Form {
	case Purpose:
		return fmt.Sprintf("context.purpose == '%s'", c.Value)
	case Region:
		return fmt.Sprintf("resource.properties.region == '%s'", c.Value)
	case Recent:
		return fmt.Sprintf("now - subject.authTime < duration('%ss')", c.Value)
	case Owner:
	}
	return "resource.properties.owner == subject.id"
}

var expressions = map[Form]*regexp.Regexp{
	Owner:   regexp.MustCompile(`^resource\.properties\.owner == subject\.id()$`),
	Purpose: regexp.MustCompile(`^context\.purpose == '(.*)'$`),
	Region:  regexp.MustCompile(`^resource\.properties\.region == '(.*)'$`),
	Recent:  regexp.MustCompile(`^now - subject\.authTime < duration\('([0-9]+)s'\)$`),
}

// ReadCondition is the inverse of Expression.
func ReadCondition(expression string) (Condition, error) {
	for form, reads := range expressions {
		if found := reads.FindStringSubmatch(expression); found != nil {
			return Condition{form, found[1]}, nil
		}
	}
	return Condition{}, fmt.Errorf("%q is of no form that an estate has", expression)
}

// meet changes a request so that the condition holds. Who owns the resource, and signed in lately, does so already.
func (c Condition) meet(r *authz.Request) {
	switch c.Form {
	case Purpose:
		r.Context["purpose"] = c.Value
	case Region:
		r.Resource.Properties["region"] = c.Value
	case Owner, Recent:
	}
}
