// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"maps"

	"github.com/google/cel-go/common/ast"
)

// maxTypeDepth is how deep the types of an expression may lie in one another. What it takes to check them grows with the third
// power of that: lists within lists, 200 deep, took seconds (THREATS 40).
const maxTypeDepth = 32

// depths bounds how deep types lie in one another, before they are known. Variables of the environment are as deep as
// chain, a list of actors.
type depths struct {
	// deepest is the first expression that lies too deep.
	deepest ast.Expr
}

const variableDepth = 2

// wraps are the functions whose results lie deeper than what they are given; "of" is that of optional.of().
var wraps = map[string]int{"of": 1, "split": 1, "findAll": 1}

func (d *depths) of(e ast.Expr, scope map[string]int) int {
	depth := d.kind(e, scope)
	if depth > maxTypeDepth && d.deepest == nil {
		d.deepest = e
	}
	return depth
}

func (d *depths) kind(e ast.Expr, scope map[string]int) int {
	switch e.Kind() {
	case ast.IdentKind:
		if depth, ok := scope[e.AsIdent()]; ok {
			return depth
		}
		return variableDepth
	case ast.SelectKind:
		return d.of(e.AsSelect().Operand(), scope)
	case ast.CallKind:
		return d.call(e.AsCall(), scope)
	case ast.ListKind:
		return 1 + d.most(e.AsList().Elements(), scope)
	case ast.MapKind:
		return 1 + d.entries(e.AsMap().Entries(), scope)
	case ast.ComprehensionKind:
		return d.comprehension(e.AsComprehension(), scope)
	default:
		return 1
	}
}

func (d *depths) call(c ast.CallExpr, scope map[string]int) int {
	depth := wraps[c.FunctionName()] + d.most(operandsOf(c), scope)
	if c.FunctionName() == "dyn" {
		return 1 // which hides the type
	}
	return depth
}

func (d *depths) most(list []ast.Expr, scope map[string]int) int {
	most := 0
	for _, e := range list {
		most = max(most, d.of(e, scope))
	}
	return most
}

func (d *depths) entries(list []ast.EntryExpr, scope map[string]int) int {
	most := 0
	for _, entry := range list {
		pair := entry.AsMapEntry()
		most = max(most, d.of(pair.Key(), scope), d.of(pair.Value(), scope))
	}
	return most
}

func (d *depths) comprehension(c ast.ComprehensionExpr, scope map[string]int) int {
	inner := maps.Clone(scope)
	if isBind(c) {
		inner[c.AccuVar()] = d.of(c.AccuInit(), scope)
		return d.of(c.Result(), inner)
	}
	over := d.of(c.IterRange(), scope)
	inner[c.IterVar()], inner[c.IterVar2()], inner[c.AccuVar()] = over, over, 0
	return d.of(c.LoopStep(), inner)
}
