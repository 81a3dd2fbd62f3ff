// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// step is a step of CEL that something is done before, after or instead of.
type step struct {
	interpreter.InterpretableV2
	run func(frame *interpreter.ExecutionFrame) ref.Val
}

// Exec runs the step.
func (s *step) Exec(frame *interpreter.ExecutionFrame) ref.Val { return s.run(frame) }

// Eval runs the step.
func (s *step) Eval(activation interpreter.Activation) ref.Val {
	return s.run(interpreter.AsFrame(activation))
}
