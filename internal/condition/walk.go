// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"
	"maps"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// Bounds of what an expression builds and compares.
const (
	// maxNodes is how many values, written out, a value that an expression builds may hold.
	maxNodes = 1 << 24
	// bytesPerNode are compared in about the time in which the walk takes a step.
	bytesPerNode = 1024
	// spelling is what it costs, in steps, to write a value into an error.
	spelling = 4
)

// locals are the variables of the loops around an expression.
type locals map[string]*extent

// walks adds up what comparisons cost beyond CEL's estimate, which looks at the outermost list or map only (THREATS 40).
// A comparison cannot be stopped once it runs, and values that share their parts can be exponentially large to walk.
type walks struct {
	tree *ast.AST
	// cost of all comparisons; dearest is the one that costs the most.
	cost        uint64
	dearest     ast.Expr
	dearestCost uint64
	// towering is the first expression that builds more than maxNodes.
	towering ast.Expr
	// turns is how often the loops around can come by.
	turns uint64
}

func newWalks(tree *ast.AST) *walks {
	w := &walks{tree: tree, turns: 1}
	w.of(tree.Expr(), locals{})
	return w
}

// of bounds the value of an expression.
func (w *walks) of(e ast.Expr, scope locals) *extent {
	bound := w.kind(e, scope)
	if bound.nodes > maxNodes && w.towering == nil {
		w.towering = e
	}
	return bound
}

func (w *walks) kind(e ast.Expr, scope locals) *extent {
	switch e.Kind() {
	case ast.LiteralKind:
		return literalExtent(e)
	case ast.IdentKind:
		return w.ident(e, scope)
	case ast.SelectKind:
		return w.selected(e, scope)
	case ast.CallKind:
		return w.call(e, scope)
	case ast.ListKind:
		elements := e.AsList().Elements()
		return holding(w.all(elements, scope), len(elements))
	case ast.MapKind:
		return w.entries(e.AsMap().Entries(), scope)
	case ast.ComprehensionKind:
		return w.loop(e.AsComprehension(), scope)
	default:
		return given
	}
}

func literalExtent(e ast.Expr) *extent {
	switch v := e.AsLiteral().(type) {
	case types.String:
		return scalar(uint64(len(v)))
	case types.Bytes:
		return scalar(uint64(len(v)))
	default:
		return scalar(0)
	}
}

func (w *walks) all(list []ast.Expr, scope locals) []*extent {
	bounds := make([]*extent, len(list))
	for i, e := range list {
		bounds[i] = w.of(e, scope)
	}
	return bounds
}

func (w *walks) entries(list []ast.EntryExpr, scope locals) *extent {
	var parts []*extent
	for _, entry := range list {
		pair := entry.AsMapEntry()
		parts = append(parts, w.all([]ast.Expr{pair.Key(), pair.Value()}, scope)...)
	}
	return holding(parts, len(list))
}

func (w *walks) ident(e ast.Expr, scope locals) *extent {
	if local, ok := scope[e.AsIdent()]; ok {
		return local
	}
	return declared(w.tree.GetType(e.ID()))
}

func (w *walks) selected(e ast.Expr, scope locals) *extent {
	operand := w.of(e.AsSelect().Operand(), scope)
	if e.AsSelect().IsTestOnly() {
		return scalar(0)
	}
	return operand.field(e.AsSelect().FieldName())
}

// field is what a field gives: by its declaration where the value is certainly an object.
func (x *extent) field(name string) *extent {
	if f, ok := x.fields[name]; ok {
		return declared(f.celType)
	}
	return x.part()
}

func (w *walks) call(e ast.Expr, scope locals) *extent {
	c := e.AsCall()
	operands := c.Args()
	if c.IsMemberFunction() {
		operands = append([]ast.Expr{c.Target()}, operands...)
	}
	bounds := w.all(operands, scope)
	switch c.FunctionName() {
	case operators.Equals, operators.NotEquals:
		w.charge(e, pairwise(bounds[0], 1, bounds[1], 1), 1)
	case operators.In, operators.OldIn:
		w.charge(e, pairwise(bounds[0], bounds[1].entries, bounds[1], 1), bounds[1].entries)
	case "sets.contains", "sets.intersects", "sets.equivalent":
		a, b := bounds[0], bounds[1]
		w.charge(e, times(2, pairwise(a, b.entries, b, a.entries)), times(2, times(a.entries, b.entries)))
	case operators.Index, operators.OptIndex:
		w.charge(e, times(spelling, bounds[1].steps()), spelling)
		return bounds[0].part()
	}
	return passedOn(c, bounds)
}

// passedOn bounds the result of a function by what went in. Only a few pass on more than a scalar.
func passedOn(c ast.CallExpr, bounds []*extent) *extent {
	switch c.FunctionName() {
	case operators.Conditional:
		return either(bounds[1], bounds[2])
	case operators.OptSelect:
		name, _ := literalText(c.Args()[1])
		return wrapped(bounds[0].field(name))
	case "dyn", "value":
		return bounds[0]
	case "or", "orValue":
		return either(bounds[0], bounds[1])
	case "optional.of":
		return wrapped(bounds[0])
	case "split":
		return &extent{nodes: plus(bounds[0].bytes, 2), bytes: bounds[0].bytes, entries: plus(bounds[0].bytes, 1), each: scalar(bounds[0].bytes)}
	default:
		size := uint64(64) // a number or an instant as text
		for _, bound := range bounds {
			size = plus(size, bound.bytes)
		}
		return scalar(size)
	}
}

// loop multiplies what its body costs by its turns. The macros map and filter, which add to a list, give one as long.
func (w *walks) loop(loop ast.ComprehensionExpr, scope locals) *extent {
	over := w.of(loop.IterRange(), scope)
	inner := maps.Clone(scope)
	inner[loop.IterVar()] = over.part()
	outer := w.turns
	w.turns = times(outer, over.entries)
	defer func() { w.turns = outer }()
	if parts, ok := listParts(loop); ok {
		return repeated(over.entries, w.all(parts, inner)[0])
	}
	parts, _ := macroParts(loop)
	w.all(parts, inner)
	return scalar(0)
}

// steps of a walk over the whole value.
func (x *extent) steps() uint64 { return max(x.nodes, x.bytes/bytesPerNode) }

// pairwise bounds the steps of comparing: at most all of a, so often, and at most all of b, so often.
func pairwise(a *extent, often uint64, b *extent, oftenB uint64) uint64 {
	nodes := min(times(a.nodes, often), times(b.nodes, oftenB))
	return max(nodes, min(times(a.bytes, often), times(b.bytes, oftenB))/bytesPerNode)
}

// charge counts steps beyond those that CEL counts already.
func (w *walks) charge(e ast.Expr, steps, counted uint64) {
	if steps <= counted {
		return
	}
	cost := times(w.turns, steps-counted)
	w.cost = plus(w.cost, cost)
	if w.dearest == nil || cost > w.dearestCost {
		w.dearest, w.dearestCost = e, cost
	}
}

// refusal says which comparison makes an expression too dear.
func (w *walks) refusal(total uint64) string {
	return fmt.Sprintf("the expression could cost %s, and the limit is %d; most of it for this comparison of values whose size only the "+
		"request knows, or that hold lists or maps; where a text is meant, say so with string(), and compare its parts instead of the whole",
		figure(total), uint64(CostLimit))
}
