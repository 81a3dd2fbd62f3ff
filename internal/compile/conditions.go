// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"strings"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/condition"
)

// checker compiles each distinct expression once, for as long as some reading has it.
type checker struct {
	// beneath, if any, is asked first and never changed.
	beneath *checker
	known   map[string]verdict
}

type verdict struct {
	checked []byte
	err     error
}

func newChecker() *checker { return &checker{known: map[string]verdict{}} }

func (c *checker) lookUp(expression string) (verdict, bool) {
	if v, ok := c.known[expression]; ok || c.beneath == nil {
		return v, ok
	}
	return c.beneath.lookUp(expression)
}

func (c *checker) forget(expression string) { delete(c.known, expression) }

func (c *checker) check(expression string) verdict {
	if v, ok := c.lookUp(expression); ok {
		return v
	}
	var v verdict
	compiled, err := condition.Compile(expression)
	if err != nil {
		v.err = err
	} else {
		v.checked = compiled.Checked
	}
	c.known[expression] = v
	return v
}

// sound gives those of the conditions that compile, and notes the others with their consequence.
func (v *view) sound(f *findings, field string, conditions []v1alpha1.Condition, consequence string) []bundle.Condition {
	var sound []bundle.Condition
	for i, cond := range conditions {
		checked := v.check(cond.Expression)
		if checked.err != nil {
			f.invalidf(fmt.Sprintf("%s[%d].expression", field, i), "the expression does not compile: %v; %s",
				checked.err, remedyOf(cond.Expression, checked.err))
			f.until(consequence)
			continue
		}
		sound = append(sound, bundle.Condition{Expression: cond.Expression, Message: cond.Message, Checked: checked.checked})
	}
	return sortedSet(sound, compareConditions)
}

// conditionTable gathers the conditions of one bundle, each once.
type conditionTable struct {
	conditions []bundle.Condition
	index      map[conditionKey]int
}

type conditionKey struct{ expression, message string }

func tableOfConditions(lists [][]bundle.Condition) *conditionTable {
	var all []bundle.Condition
	for _, list := range lists {
		all = append(all, list...)
	}
	t := &conditionTable{conditions: sortedSet(all, compareConditions), index: map[conditionKey]int{}}
	for i, c := range t.conditions {
		t.index[conditionKey{c.Expression, c.Message}] = i
	}
	return t
}

// indexes of conditions that the table was made from, sorted.
func (t *conditionTable) indexes(conditions []bundle.Condition) []int {
	var indexes []int
	for _, c := range conditions {
		indexes = append(indexes, t.index[conditionKey{c.Expression, c.Message}])
	}
	return sortedSet(indexes, compareInts)
}

// compareConditions leaves Checked out: it follows from the expression.
func compareConditions(a, b bundle.Condition) int {
	if c := strings.Compare(a.Expression, b.Expression); c != 0 {
		return c
	}
	return strings.Compare(a.Message, b.Message)
}
