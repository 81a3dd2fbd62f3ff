// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"testing"
)

func TestErrorsNeverQuoteTheRequest(t *testing.T) {
	for expression, want := range map[string]string{
		"context[subject.id] == 'x'":   "evaluating condition: no such key",
		"context.nothing == 'x'":       "evaluating condition: no such key: context.nothing",
		"int(subject.id) == 1":         "evaluating condition: a value that cannot be converted",
		"{'a': 1}[subject.id] == 1":    "evaluating condition: no such key",
		"timestamp(subject.id) == now": "evaluating condition: a value that cannot be converted",
	} {
		_, err := ask(t, expression, newInput())
		if !errors.Is(err, ErrEvaluating) || err.Error() != want {
			t.Errorf("%s: got %v, want %s", expression, err, want)
		}
	}
}

// THREATS 40
func TestALoopThatOutlastsItsTimeIsStopped(t *testing.T) {
	compiled, err := Compile("subject.groups.all(g, g != 'x')")
	if err != nil {
		t.Fatal(err)
	}
	program, err := Load(compiled.Checked)
	if err != nil {
		t.Fatal(err)
	}
	program.limit = -1 // over before it begins
	if held, err := program.Eval(largest()); held || !errors.Is(err, ErrEvaluating) {
		t.Errorf("it holds: %t, %v", held, err)
	}
}
