// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"strings"
	"sync"
	"testing"
)

func TestMapsAreGoneThroughInTheOrderOfTheirKeys(t *testing.T) {
	in := newInput()
	in.Context = map[string]any{"e": 1.0, "d": 1.0, "c": 1.0, "b": 1.0, "a": map[string]any{"z": 1.0, "y": 1.0, "x": 1.0}}
	for _, expression := range []string{
		"context.map(k, k) == ['a', 'b', 'c', 'd', 'e']",
		"context.a.map(k, k) == ['x', 'y', 'z']",
		"context.filter(k, k != 'b')[1] == 'c'",
		"{'c': 1, 'b': 1, 'a': 1}.map(k, k) == ['a', 'b', 'c']",
		"{'c': scope, 'b': scope, 'a': scope}.map(k, k) == ['a', 'b', 'c']",
		"[{'c': 1, 'b': 1, 'a': 1}].map(m, m.map(k, k))[0] == ['a', 'b', 'c']",
		"{3: 1, 1: 1, 2: 1, dyn('b'): 1, 'a': 1, 2.5: 1, 2u: 1, 1u: 1, 1.5: 1, true: 1, false: 1}.map(k, k) == [false, true, 1.5, 2.5, 1, 2, 3, 'a', 'b', 1u, 2u]",
	} {
		program := mustLoad(t, expression)
		for range 50 { // Go's own order is another at every time
			if held, err := program.Eval(in); !held || err != nil {
				t.Errorf("%s: %t, %v", expression, held, err)
				break
			}
		}
	}
}

// CEL writes into an error that all evaluations share; the race detector sees it.
func TestSharedErrorsSayWhereEachArose(t *testing.T) {
	in := newInput()
	var all sync.WaitGroup
	for expression, where := range map[string]string{
		"resource.properties.size.matches('3')":                       "line 1, column 33: a value is of another type",
		"true && resource.properties.size.matches('3')":               "line 1, column 41: a value is of another type",
		"timestamp(9223372036854775807 - size(subject.groups)) > now": "line 1, column 10: a number out of range",
		"now < timestamp(9223372036854775807 - size(chain))":          "line 1, column 16: a number out of range",
	} {
		program := mustLoad(t, expression)
		all.Go(func() {
			for range 100 {
				if _, err := program.Eval(in); err == nil || !strings.Contains(err.Error(), where) {
					t.Errorf("%s: got %v, want %s", expression, err, where)
					return
				}
			}
		})
	}
	all.Wait()
}
