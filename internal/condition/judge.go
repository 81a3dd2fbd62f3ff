// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// CostLimit is the largest static estimate. One unit is about 20 to 50 ns; field access, comparison and arithmetic are one
// unit each, texts count a tenth of their length, lists their entries.
const CostLimit = 400_000

// judge refuses a type-checked expression that uses what conditions may not, or that could cost too much. It gives the
// estimate.
func (d *dialect) judge(checked *cel.Ast) (uint64, error) {
	if got := checked.OutputType(); !got.IsExactType(cel.BoolType) {
		return 0, &Error{Line: 1, Column: 1, Message: fmt.Sprintf("the expression yields %s, and a condition is a bool", cel.FormatCELType(got))}
	}
	w := &walker{tree: checked.NativeRep(), seen: map[int64]bool{}}
	if err := w.expression(w.tree.Expr()); err != nil {
		return 0, err
	}
	estimate, err := d.env.EstimateCost(checked, newEstimator(w.tree))
	if err != nil {
		return 0, fmt.Errorf("estimating cost: %w", err)
	}
	walks := newWalks(w.tree)
	total := plus(estimate.Max, walks.cost)
	switch {
	case walks.towering != nil:
		return 0, w.refuse(walks.towering, "this builds lists within lists beyond any use; ask about the request directly")
	case total > CostLimit && walks.cost > CostLimit/2:
		return 0, w.refuse(walks.dearest, walks.refusal(total))
	case total > CostLimit:
		return 0, &Error{Message: fmt.Sprintf(
			"the expression could cost %s, and the limit is %d; avoid loops within loops and texts built from texts",
			figure(total), uint64(CostLimit))}
	}
	return total, nil
}

// figure spells an estimate; the largest number stands for one without a bound.
func figure(cost uint64) string {
	if cost == ^uint64(0) {
		return "any amount"
	}
	return fmt.Sprint(cost)
}

// walker visits the expressions that a person wrote; what macros add around them is matched as a whole.
type walker struct {
	tree *ast.AST
	seen map[int64]bool
}

func (w *walker) expression(e ast.Expr) error {
	if err := w.once(e); err != nil {
		return err
	}
	switch e.Kind() {
	case ast.LiteralKind:
		return w.literal(e)
	case ast.IdentKind:
		return w.ident(e)
	case ast.SelectKind:
		return w.expression(e.AsSelect().Operand())
	case ast.CallKind:
		return w.call(e)
	case ast.ListKind:
		return w.all(e.AsList().Elements())
	case ast.MapKind:
		return w.entries(e.AsMap().Entries())
	case ast.ComprehensionKind:
		return w.comprehension(e)
	default:
		return w.refuse(e, "conditions read objects and do not make them")
	}
}

// once holds the tree to unique ids. The checker, the estimator and the planner keep their findings by id: a forged tree
// in which an id stands twice could be judged as one thing and run as another.
func (w *walker) once(e ast.Expr) error {
	if e.ID() <= 0 || w.seen[e.ID()] {
		return w.refuse(e, "malformed expression tree")
	}
	w.seen[e.ID()] = true
	return nil
}

// literal refuses bytes. A request has none, and CEL panics where it looks for them in a set or a map.
func (w *walker) literal(e ast.Expr) error {
	if _, ok := e.AsLiteral().(types.Bytes); ok {
		return w.refuse(e, "bytes cannot be used in conditions; a request has none")
	}
	return nil
}

func (w *walker) ident(e ast.Expr) error {
	if isHidden(e.AsIdent()) {
		return w.refuse(e, "malformed expression tree")
	}
	return nil
}

func (w *walker) call(e ast.Expr) error {
	call := e.AsCall()
	for _, overload := range w.tree.GetOverloadIDs(e.ID()) {
		if !allowed[overload] {
			return w.refuse(e, notAllowed(call.FunctionName(), overload))
		}
	}
	if err := w.pattern(e); err != nil {
		return err
	}
	if call.IsMemberFunction() {
		if err := w.expression(call.Target()); err != nil {
			return err
		}
	}
	return w.all(call.Args())
}

func (w *walker) all(list []ast.Expr) error {
	for _, e := range list {
		if err := w.expression(e); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entries(list []ast.EntryExpr) error {
	for _, entry := range list {
		pair := entry.AsMapEntry()
		if err := w.all([]ast.Expr{pair.Key(), pair.Value()}); err != nil {
			return err
		}
	}
	return nil
}

// pattern holds regular expressions to constants that were looked at here (THREATS 40).
func (w *walker) pattern(e ast.Expr) error {
	call := e.AsCall()
	if call.FunctionName() != "matches" {
		return nil
	}
	pattern, ok := literalText(call.Args()[len(call.Args())-1])
	if !ok {
		return w.refuse(e, "the pattern of matches() must be a constant")
	}
	if _, err := instructions(pattern); err != nil {
		return w.refuse(e, err.Error())
	}
	return nil
}

func (w *walker) refuse(e ast.Expr, message string) error {
	return positionOf(e.ID(), w.tree.SourceInfo()).refuse(message)
}
