// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/parser"
)

// accumulator is the variable that macros hide their result in. Nobody can write it.
const accumulator = parser.HiddenAccumulatorName

func isHidden(name string) bool {
	return strings.HasPrefix(name, "@") || name == parser.AccumulatorName
}

// comprehension takes only the loops that the standard macros make. A forged one could grow its accumulator by itself,
// and the estimator would not see it.
func (w *walker) comprehension(e ast.Expr) error {
	loop := e.AsComprehension()
	if loop.HasIterVar2() || loop.AccuVar() != accumulator || isHidden(loop.IterVar()) {
		return w.refuse(e, "malformed loop")
	}
	written, ok := macroParts(loop)
	if !ok {
		return w.refuse(e, "malformed loop")
	}
	for _, frame := range []ast.Expr{loop.AccuInit(), loop.LoopCondition(), loop.LoopStep(), loop.Result()} {
		if err := w.frame(frame, written); err != nil {
			return err
		}
	}
	if err := w.all(written); err != nil {
		return err
	}
	return w.expression(loop.IterRange())
}

// frame takes note of the ids of what a macro adds around the expressions that were written.
func (w *walker) frame(e ast.Expr, written []ast.Expr) error {
	if slices.Contains(written, e) {
		return nil
	}
	if err := w.once(e); err != nil {
		return err
	}
	var parts []ast.Expr
	switch e.Kind() {
	case ast.CallKind:
		parts = e.AsCall().Args()
	case ast.ListKind:
		parts = e.AsList().Elements()
	}
	for _, part := range parts {
		if err := w.frame(part, written); err != nil {
			return err
		}
	}
	return nil
}

// macroParts recognises all, exists, exists_one, map and filter, and gives the expressions within that a person wrote.
func macroParts(loop ast.ComprehensionExpr) ([]ast.Expr, bool) {
	for _, recognise := range []func(ast.ComprehensionExpr) ([]ast.Expr, bool){allParts, existsParts, existsOneParts, listParts} {
		if written, ok := recognise(loop); ok {
			return written, true
		}
	}
	return nil, false
}

// allParts: true; while not false; and.
func allParts(loop ast.ComprehensionExpr) ([]ast.Expr, bool) {
	going, ok := call(loop.LoopCondition(), operators.NotStrictlyFalse, 1)
	if !ok || !isAccumulator(going[0]) || !isLiteral(loop.AccuInit(), types.True) || !isAccumulator(loop.Result()) {
		return nil, false
	}
	step, ok := call(loop.LoopStep(), operators.LogicalAnd, 2)
	if !ok || !isAccumulator(step[0]) {
		return nil, false
	}
	return step[1:], true
}

// existsParts: false; while not true; or.
func existsParts(loop ast.ComprehensionExpr) ([]ast.Expr, bool) {
	going, ok := call(loop.LoopCondition(), operators.NotStrictlyFalse, 1)
	if !ok || !isLiteral(loop.AccuInit(), types.False) || !isAccumulator(loop.Result()) {
		return nil, false
	}
	if not, ok := call(going[0], operators.LogicalNot, 1); !ok || !isAccumulator(not[0]) {
		return nil, false
	}
	step, ok := call(loop.LoopStep(), operators.LogicalOr, 2)
	if !ok || !isAccumulator(step[0]) {
		return nil, false
	}
	return step[1:], true
}

// existsOneParts: 0; where it holds, add 1; equals 1.
func existsOneParts(loop ast.ComprehensionExpr) ([]ast.Expr, bool) {
	if !isLiteral(loop.AccuInit(), types.Int(0)) || !isLiteral(loop.LoopCondition(), types.True) {
		return nil, false
	}
	result, ok := call(loop.Result(), operators.Equals, 2)
	if !ok || !isAccumulator(result[0]) || !isLiteral(result[1], types.Int(1)) {
		return nil, false
	}
	step, ok := call(loop.LoopStep(), operators.Conditional, 3)
	if !ok || !isAccumulator(step[2]) {
		return nil, false
	}
	count, ok := call(step[1], operators.Add, 2)
	if !ok || !isAccumulator(count[0]) || !isLiteral(count[1], types.Int(1)) {
		return nil, false
	}
	return step[:1], true
}

// listParts, of map and filter: []; perhaps where it holds, add one entry.
func listParts(loop ast.ComprehensionExpr) ([]ast.Expr, bool) {
	init := loop.AccuInit()
	if init.Kind() != ast.ListKind || init.AsList().Size() != 0 || !isLiteral(loop.LoopCondition(), types.True) || !isAccumulator(loop.Result()) {
		return nil, false
	}
	step, ok := call(loop.LoopStep(), operators.Conditional, 3)
	if !ok {
		return appendedEntry(loop.LoopStep())
	}
	entry, ok := appendedEntry(step[1])
	if !ok || !isAccumulator(step[2]) {
		return nil, false
	}
	return []ast.Expr{entry[0], step[0]}, true
}

func appendedEntry(e ast.Expr) ([]ast.Expr, bool) {
	add, ok := call(e, operators.Add, 2)
	if !ok || !isAccumulator(add[0]) || add[1].Kind() != ast.ListKind {
		return nil, false
	}
	list := add[1].AsList()
	if list.Size() != 1 || len(list.OptionalIndices()) != 0 {
		return nil, false
	}
	return list.Elements(), true
}

func call(e ast.Expr, function string, args int) ([]ast.Expr, bool) {
	if e.Kind() != ast.CallKind {
		return nil, false
	}
	c := e.AsCall()
	if c.IsMemberFunction() || c.FunctionName() != function || len(c.Args()) != args {
		return nil, false
	}
	return c.Args(), true
}

func isAccumulator(e ast.Expr) bool {
	return e.Kind() == ast.IdentKind && e.AsIdent() == accumulator
}

func isLiteral(e ast.Expr, want any) bool {
	return e.Kind() == ast.LiteralKind && e.AsLiteral() == want
}
