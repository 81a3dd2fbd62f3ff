// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// withAlternatives makes or() and orValue() look at what they are given only where the optional is empty. CEL's library of
// optionals does the same, for programs of its own only.
func withAlternatives(s interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := s.(interpreter.InterpretableCall)
	if !ok || call.Function() != "or" && call.Function() != "orValue" {
		return s, nil
	}
	a := &alternative{call.Args()[0], call.Args()[1], call.Function() == "orValue"}
	return &step{s, a.choose}, nil
}

type alternative struct {
	optional, other interpreter.InterpretableV2
	// unwrap says that the value is asked for, and not the optional.
	unwrap bool
}

func (a *alternative) choose(frame *interpreter.ExecutionFrame) ref.Val {
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
