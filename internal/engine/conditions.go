// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/condition"
)

// verdict on a list of conditions.
type verdict uint8

const (
	// unmet: one of them does not hold.
	unmet verdict = iota
	// erred: none is known not to hold, and one cannot be evaluated.
	erred
	// met: all of them hold.
	met
)

// hurdle is what stood in the way, in words; of several the first in alphabet, so that order never matters.
type hurdle struct {
	unmet string
	erred string
}

// loadedCondition is one condition of the bundle, ready.
type loadedCondition struct {
	program *condition.Program
	says    string
}

func loadConditions(list []bundle.Condition) ([]loadedCondition, error) {
	loaded := make([]loadedCondition, len(list))
	for i := range list {
		program, err := condition.Load(list[i].Expression, list[i].Checked)
		if err != nil {
			return nil, fmt.Errorf("condition %d, %q: %w", i, clip(list[i].Expression), err)
		}
		loaded[i] = loadedCondition{program: program, says: list[i].Message}
		if loaded[i].says == "" {
			loaded[i].says = "it takes " + list[i].Expression
		}
	}
	return loaded, nil
}

// holds judges conditions that must all hold, and notes what stood in the way. One that does not hold settles it, whatever
// the others give and in whatever order they stand.
func (j *judgement) holds(conditions []int32, why *hurdle) verdict {
	if len(conditions) == 0 {
		return met
	}
	result, in := met, ""
	for _, i := range conditions {
		c := &j.served.policy.conditions[i]
		held, err := j.eval(c.program)
		switch {
		case err != nil:
			result, in = erred, first(in, fmt.Sprintf("%s (%v)", c.says, err))
		case !held:
			why.unmet = first(why.unmet, c.says)
			return unmet
		}
	}
	if result == erred {
		why.erred = first(why.erred, in)
	}
	return result
}

func (j *judgement) eval(p *condition.Program) (bool, error) {
	input, err := j.ask(p.Reads())
	if err != nil {
		return false, err
	}
	return p.Eval(input)
}

func first(a, b string) string {
	if a == "" || b < a {
		return b
	}
	return a
}
