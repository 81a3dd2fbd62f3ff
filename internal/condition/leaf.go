// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// leaf is a part of an expression that CEL runs.
type leaf struct {
	step interpreter.InterpretableV2
	at   int32
	// limit of what it may cost, and of the time that it may take; nil where it costs too little to be watched.
	limit *limit
}

type limit struct {
	cost uint64
	time time.Duration
}

func (p *planner) leaf(e ast.Expr) fact {
	part := ast.NewCheckedAST(ast.NewAST(e, p.tree.SourceInfo()), p.tree.TypeMap(), p.tree.ReferenceMap())
	step, err := p.steps.NewInterpretable(part, p.options...)
	if err != nil && p.err == nil {
		p.err = p.wrongConstant(err)
	}
	return &leaf{step: step, at: idOf(e), limit: p.limit}
}

func (l *leaf) holds(in *Input) (bool, fault) {
	switch value := l.run(in).(type) {
	case types.Bool:
		return bool(value), fault{}
	case *types.Err:
		return false, faultOf(value)
	default:
		return false, fault{wrongType, l.at}
	}
}

func (l *leaf) run(in *Input) ref.Val {
	var scope interpreter.Activation = (*activation)(in)
	if l.limit != nil {
		scope = newMeter(in, l.limit)
	}
	frame, err := interpreter.NewExecutionFrame(scope)
	if err != nil {
		return types.WrapErr(err)
	}
	defer frame.Close()
	return l.step.Exec(frame)
}

func (p *planner) wrongConstant(err error) error {
	var at position
	if labelled, ok := errors.AsType[*types.Err](err); ok {
		at = positionOf(labelled.NodeID(), p.tree.SourceInfo())
	}
	return at.refuse(fmt.Sprintf("a constant in the expression is wrong: %v", err))
}
