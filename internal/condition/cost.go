// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"maps"
	"math"

	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
)

// estimator tells CEL's cost estimate how large things can get. It answers for what is read straight from the request, of
// which Check holds the size; what an expression makes itself, CEL counts, and what neither knows has no bound.
type estimator struct {
	// given are the expressions that read from the request.
	given map[int64]bool
	// looped are those of unknown type that are looped over or searched: only a list or a map can be.
	looped map[int64]bool
}

// optionalName is the name of the type optional<T>.
const optionalName = "optional_type"

var variables = map[string]bool{
	"subject": true, "actor": true, "chain": true, "audience": true, "scope": true, "resource": true, "context": true, "now": true,
}

func newEstimator(tree *ast.AST) *estimator {
	e := &estimator{given: map[int64]bool{}, looped: map[int64]bool{}}
	e.note(tree.Expr(), map[string]bool{})
	return e
}

// note visits an expression. Locals are the variables of the loops around it, and whether they stand for something given.
func (e *estimator) note(x ast.Expr, locals map[string]bool) {
	switch x.Kind() {
	case ast.IdentKind:
		local, ok := locals[x.AsIdent()]
		e.given[x.ID()] = local || (!ok && variables[x.AsIdent()])
	case ast.SelectKind:
		e.note(x.AsSelect().Operand(), locals)
		e.given[x.ID()] = e.given[x.AsSelect().Operand().ID()]
	case ast.CallKind:
		e.noteCall(x, locals)
	case ast.ListKind:
		e.noteAll(x.AsList().Elements(), locals)
	case ast.MapKind:
		for _, entry := range x.AsMap().Entries() {
			e.noteAll([]ast.Expr{entry.AsMapEntry().Key(), entry.AsMapEntry().Value()}, locals)
		}
	case ast.ComprehensionKind:
		e.noteLoop(x.AsComprehension(), locals)
	}
}

func (e *estimator) noteAll(list []ast.Expr, locals map[string]bool) {
	for _, x := range list {
		e.note(x, locals)
	}
}

func (e *estimator) noteCall(x ast.Expr, locals map[string]bool) {
	c := x.AsCall()
	from := c.Target()
	if c.IsMemberFunction() {
		e.note(from, locals)
	} else if len(c.Args()) > 0 {
		from = c.Args()[0]
	}
	e.noteAll(c.Args(), locals)
	switch c.FunctionName() {
	case operators.Index, operators.OptIndex, operators.OptSelect, "value":
		e.given[x.ID()] = e.given[from.ID()]
	case operators.In, operators.OldIn:
		e.noteLooped(c.Args()[1])
	case "sets.contains", "sets.intersects", "sets.equivalent":
		e.noteLooped(c.Args()[0])
		e.noteLooped(c.Args()[1])
	}
}

func (e *estimator) noteLoop(loop ast.ComprehensionExpr, locals map[string]bool) {
	e.note(loop.IterRange(), locals)
	e.noteLooped(loop.IterRange())
	inner := maps.Clone(locals)
	inner[loop.IterVar()] = e.given[loop.IterRange().ID()]
	inner[loop.AccuVar()] = false
	e.noteAll([]ast.Expr{loop.AccuInit(), loop.LoopCondition(), loop.LoopStep(), loop.Result()}, inner)
}

// noteLooped follows a range through the operators that pass on one of their operands.
func (e *estimator) noteLooped(x ast.Expr) {
	e.looped[x.ID()] = true
	if x.Kind() != ast.CallKind {
		return
	}
	c := x.AsCall()
	switch c.FunctionName() {
	case "orValue", "or", "value":
		e.noteLooped(c.Target())
		for _, arg := range c.Args() {
			e.noteLooped(arg)
		}
	case operators.Conditional:
		e.noteLooped(c.Args()[1])
		e.noteLooped(c.Args()[2])
	}
}

// EstimateSize bounds what is read from the request.
func (e *estimator) EstimateSize(node checker.AstNode) *checker.SizeEstimate {
	if !e.given[node.Expr().ID()] {
		return nil
	}
	return e.bound(node.Expr().ID(), node.Type())
}

func (e *estimator) bound(id int64, t *types.Type) *checker.SizeEstimate {
	switch t.Kind() {
	case types.StringKind:
		return upTo(MaxName)
	case types.StructKind:
		return upTo(1)
	case types.ListKind:
		if t.Parameters()[0].IsExactType(actorType) {
			return upTo(MaxChain)
		}
		return upTo(MaxEntries)
	case types.MapKind:
		return upTo(MaxEntries)
	case types.DynKind:
		if e.looped[id] {
			return upTo(MaxEntries)
		}
		return upTo(MaxText)
	case types.OpaqueKind:
		if t.TypeName() == optionalName {
			return e.bound(id, t.Parameters()[0])
		}
		return nil
	default:
		return nil
	}
}

func upTo(size uint64) *checker.SizeEstimate { return &checker.SizeEstimate{Max: size} }

// EstimateCallCost knows the functions whose cost or result CEL's own estimate leaves open, or takes too low.
func (e *estimator) EstimateCallCost(_, overload string, target *checker.AstNode, args []checker.AstNode) *checker.CallEstimate {
	switch overload {
	case overloads.MatchesString:
		return e.matching(*target, args[0])
	case overloads.Matches:
		return e.matching(args[0], args[1])
	case "optional_orValue_value", "optional_or_optional":
		return e.either(*target, args[0])
	case "optional_of":
		return e.same(args[0])
	case "optional_value":
		return e.same(*target)
	case overloads.StringToString:
		return e.same(args[0])
	case overloads.BytesToString:
		return e.spelt(args[0])
	case overloads.StringToInt, overloads.StringToUint, overloads.StringToDouble,
		overloads.StringToBool, overloads.StringToTimestamp, overloads.StringToDuration:
		return e.read(args[0])
	case overloads.BoolToString, overloads.IntToString, overloads.UintToString, overloads.DoubleToString,
		overloads.TimestampToString, overloads.DurationToString:
		return &checker.CallEstimate{CostEstimate: checker.FixedCostEstimate(4), ResultSize: upTo(64)}
	case overloads.SizeString, overloads.SizeStringInst:
		return e.measured(target, args)
	default:
		return nil
	}
}

// matching counts a quarter unit for every step of the automaton over every byte.
func (e *estimator) matching(text, pattern checker.AstNode) *checker.CallEstimate {
	literal, _ := literalText(pattern.Expr())
	steps, err := instructions(literal)
	if err != nil {
		return &checker.CallEstimate{CostEstimate: checker.UnknownCostEstimate()}
	}
	each := checker.SizeEstimate{Max: 1 + steps/4}
	cost := e.size(text).Add(checker.FixedSizeEstimate(1)).Multiply(each).AsCost()
	return &checker.CallEstimate{CostEstimate: cost.Add(checker.FixedCostEstimate(1))}
}

func (e *estimator) either(one, other checker.AstNode) *checker.CallEstimate {
	size := e.size(one).Union(e.size(other))
	return &checker.CallEstimate{CostEstimate: checker.FixedCostEstimate(1), ResultSize: &size}
}

func (e *estimator) same(node checker.AstNode) *checker.CallEstimate {
	size := e.size(node)
	return &checker.CallEstimate{CostEstimate: checker.FixedCostEstimate(1), ResultSize: &size}
}

func (e *estimator) read(node checker.AstNode) *checker.CallEstimate {
	size := e.size(node)
	return &checker.CallEstimate{CostEstimate: size.MultiplyByCostFactor(0.1).Add(checker.FixedCostEstimate(1)), ResultSize: &size}
}

// spelt reads bytes, which come from the expression itself only and cannot grow.
func (e *estimator) spelt(node checker.AstNode) *checker.CallEstimate {
	size := e.size(node)
	cost := upTo(min(size.Max, MaxExpression)).MultiplyByCostFactor(0.1)
	return &checker.CallEstimate{CostEstimate: cost.Add(checker.FixedCostEstimate(1)), ResultSize: &size}
}

func (e *estimator) measured(target *checker.AstNode, args []checker.AstNode) *checker.CallEstimate {
	if target == nil {
		target = &args[0]
	}
	return &checker.CallEstimate{CostEstimate: e.size(*target).MultiplyByCostFactor(0.1).Add(checker.FixedCostEstimate(1))}
}

func (e *estimator) size(node checker.AstNode) checker.SizeEstimate {
	if size := node.ComputedSize(); size != nil {
		return *size
	}
	if size := e.EstimateSize(node); size != nil {
		return *size
	}
	return checker.SizeEstimate{Max: math.MaxUint64}
}
