// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/parser"
)

// loop is what a macro has made of all, exists, exists_one, filter, map, transformList and their like, taken apart again.
// Trees come from the parser alone, and people can write no loop but by a macro.
type loop struct {
	over ast.Expr
	// key and value are the variables; where there is but one, it is value, and stands for the keys of a map.
	key, value string
	// question is what the macro asks of each entry; nil where it asks nothing.
	question ast.Expr
	// entry is what it gathers in a list; nil where it gathers nothing.
	entry ast.Expr
	// step is what is run at each turn: question and entry, with what the macro adds.
	step ast.Expr
}

// isBind says whether a comprehension is cel.bind(), which names a value and turns not at all.
func isBind(c ast.ComprehensionExpr) bool { return c.AccuVar() != parser.HiddenAccumulatorName }

// makesMap says whether a comprehension is one of those that make a map.
func makesMap(c ast.ComprehensionExpr) bool { return c.AccuInit().Kind() == ast.MapKind }

func takeApart(c ast.ComprehensionExpr) loop {
	l := loop{over: c.IterRange(), value: c.IterVar(), step: c.LoopStep()}
	if c.HasIterVar2() {
		l.key, l.value = c.IterVar(), c.IterVar2()
	}
	args := l.step.AsCall().Args()
	switch l.step.AsCall().FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr:
		l.question = args[1]
	case operators.Conditional:
		l.question, l.entry = args[0], gathers(args[1])
	default:
		l.entry = gathers(l.step)
	}
	return l
}

// gathers gives x of result + [x], and nil of result + 1.
func gathers(addition ast.Expr) ast.Expr {
	added := addition.AsCall().Args()[1]
	if added.Kind() != ast.ListKind {
		return nil
	}
	return added.AsList().Elements()[0]
}

// written are the expressions that a person wrote into the macro, beside what it goes over.
func (l loop) written() []ast.Expr {
	var list []ast.Expr
	if l.question != nil {
		list = append(list, l.question)
	}
	if l.entry != nil {
		list = append(list, l.entry)
	}
	return list
}
