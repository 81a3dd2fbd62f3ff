// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// Limits of what an expression may cost.
const (
	// CostLimit is the most that one evaluation may cost; it is stopped there (docs/adr/0012). One unit is some tens of ns.
	CostLimit = 400_000
	// EstimateLimit is the largest static estimate, at the bounds of the input. Beyond it an expression is refused.
	EstimateLimit = 4096 * CostLimit
)

// judge refuses a type-checked expression that uses what conditions may not, or that could cost too much.
func judge(checked *cel.Ast) (*estimate, error) {
	if got := checked.OutputType(); !got.IsExactType(cel.BoolType) {
		return nil, &Error{Line: 1, Column: 1, Message: fmt.Sprintf("the expression yields %s, and a condition is a bool", cel.FormatCELType(got))}
	}
	r := &rules{checked.NativeRep()}
	if err := r.expression(r.tree.Expr()); err != nil {
		return nil, err
	}
	found := newEstimate(r.tree)
	if found.towering != nil {
		return nil, r.refuse(found.towering, "this builds lists within lists beyond any use; ask about the request directly")
	}
	if found.bill.total > EstimateLimit {
		return nil, r.refuse(found.dearest, fmt.Sprintf("the expression could cost %s, and the limit is %d, most of it for this; "+
			"avoid loops within loops, texts built from texts, and comparing what may be a list or a map: where a text is meant, say so with string()",
			figure(found.bill.total), EstimateLimit))
	}
	return found, nil
}

// figure spells an estimate. A text or a list that has no bound gives a part of the largest number.
func figure(cost uint64) string {
	if cost > 1<<60 {
		return "any amount"
	}
	return fmt.Sprint(cost)
}

// rules visits the expressions that a person wrote.
type rules struct{ tree *ast.AST }

func (r *rules) expression(e ast.Expr) error {
	switch e.Kind() {
	case ast.IdentKind:
		return nil
	case ast.LiteralKind:
		return r.literal(e)
	case ast.SelectKind:
		return r.expression(e.AsSelect().Operand())
	case ast.CallKind:
		return r.call(e)
	case ast.ListKind:
		return r.all(e.AsList().Elements())
	case ast.MapKind:
		return r.entries(e.AsMap().Entries())
	case ast.ComprehensionKind:
		return r.comprehension(e)
	default:
		return r.refuse(e, "conditions read objects and do not make them")
	}
}

// literal refuses bytes. A request has none, and CEL panics where it looks for them in a set or a map.
func (r *rules) literal(e ast.Expr) error {
	if _, ok := e.AsLiteral().(types.Bytes); ok {
		return r.refuse(e, "bytes cannot be used in conditions; a request has none")
	}
	return nil
}

func (r *rules) call(e ast.Expr) error {
	function := e.AsCall().FunctionName()
	for _, overload := range r.tree.GetOverloadIDs(e.ID()) {
		if _, ok := functions[overload]; !ok {
			return r.refuse(e, notAllowed(function, overload))
		}
	}
	if runPattern[function] != nil {
		if err := r.pattern(e); err != nil {
			return err
		}
	}
	return r.all(operandsOf(e.AsCall()))
}

// pattern holds regular expressions to constants that were looked at here (THREATS 40).
func (r *rules) pattern(e ast.Expr) error {
	function := e.AsCall().FunctionName()
	pattern, ok := patternOf(e)
	if !ok {
		return r.refuse(e, fmt.Sprintf("the pattern of %s() must be a constant", function))
	}
	if _, err := instructions(function, pattern); err != nil {
		return r.refuse(e, err.Error())
	}
	return nil
}

func (r *rules) all(list []ast.Expr) error {
	for _, e := range list {
		if err := r.expression(e); err != nil {
			return err
		}
	}
	return nil
}

func (r *rules) entries(list []ast.EntryExpr) error {
	for _, entry := range list {
		pair := entry.AsMapEntry()
		if err := r.all([]ast.Expr{pair.Key(), pair.Value()}); err != nil {
			return err
		}
	}
	return nil
}

func (r *rules) comprehension(e ast.Expr) error {
	c := e.AsComprehension()
	switch {
	case isBind(c):
		return r.all([]ast.Expr{c.AccuInit(), c.Result()})
	case makesMap(c):
		return r.refuse(e, "transformMap() and transformMapEntry() cannot be used in conditions: ask about the entries")
	}
	l := takeApart(c)
	return r.all(append([]ast.Expr{l.over}, l.written()...))
}

// refuse gives the position.
func (r *rules) refuse(e ast.Expr, message string) error {
	return positionOf(e.ID(), r.tree.SourceInfo()).refuse(message)
}
