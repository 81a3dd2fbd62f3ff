// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// alternative is or() and orValue(), which look at what they are given only where the optional is empty. CEL's library of
// optionals has the same, for programs of its own only.
type alternative struct {
	interpreter.InterpretableCall
	optional, other interpreter.InterpretableV2
	// unwrap says that the value is asked for, and not the optional.
	unwrap bool
}

func withAlternatives(step interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := step.(interpreter.InterpretableCall)
	if !ok || call.Function() != "or" && call.Function() != "orValue" {
		return step, nil
	}
	return &alternative{call, call.Args()[0], call.Args()[1], call.Function() == "orValue"}, nil
}

// Exec runs the step.
func (a *alternative) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	value := a.optional.Exec(frame)
	optional, ok := value.(*types.Optional)
	switch {
	case !ok:
		return types.MaybeNoSuchOverloadErr(value)
	case !optional.HasValue():
		return a.other.Exec(frame)
	case a.unwrap:
		return optional.GetValue()
	default:
		return optional
	}
}

// Eval runs the step.
func (a *alternative) Eval(activation interpreter.Activation) ref.Val {
	return a.Exec(interpreter.AsFrame(activation))
}
