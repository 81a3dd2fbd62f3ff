// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"maps"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// Bounds and prices of what an expression is made of beside functions.
const (
	// maxNodes is how many values, written out, a value that an expression builds may hold.
	maxNodes = 1 << 24
	// making a list or a map, with a unit for every entry.
	makingList, makingMap = 10, 30
	// starting a loop, and what it does at each turn beside what a person wrote.
	startingLoop, turning = 10, 8
	// ordering a map by its keys, for every entry.
	ordering = 8
)

// bill is what an expression costs.
type bill struct {
	// total is at the bounds of the input.
	total uint64
	// base is that part of total which is the same for every input, unless a loop turns.
	base uint64
}

func (b bill) plus(c bill) bill { return bill{plus(b.total, c.total), plus(b.base, c.base)} }

// or is what one of two costs. Its base is charged whichever it is, so the two parts are the dearer ones each.
func (b bill) or(c bill) bill {
	base := max(b.base, c.base)
	return bill{plus(base, max(b.total-b.base, c.total-c.base)), base}
}

func flat(cost uint64) bill { return bill{cost, cost} }

// locals are the variables of the loops around an expression.
type locals map[string]*extent

// estimate is what an expression costs at the bounds of the input, and how its cost is told from an input.
type estimate struct {
	tree *ast.AST
	bill bill
	// prices are those of its calls whose cost is told from an input, by id.
	prices map[int64]*price
	// turns is what a turn of a loop costs beside that, by the id of its step.
	turns map[int64]uint64
	// ranges are what its loops go over, by id.
	ranges map[int64]bool

	// towering is the first expression that builds more than maxNodes.
	towering ast.Expr
	// dearest is the call that costs the most, with the loops around it; it is the whole where there is no call.
	dearest     ast.Expr
	dearestCost uint64
	// often is how often the loops around can turn.
	often uint64
}

func newEstimate(tree *ast.AST) *estimate {
	s := &estimate{tree: tree, prices: map[int64]*price{}, turns: map[int64]uint64{}, ranges: map[int64]bool{}, dearest: tree.Expr(), often: 1}
	s.bill, _ = s.of(tree.Expr(), locals{})
	return s
}

// of bounds an expression: what it costs, and its value.
func (s *estimate) of(e ast.Expr, scope locals) (bill, *extent) {
	cost, bound := s.kind(e, scope)
	if bound.nodes > maxNodes && s.towering == nil {
		s.towering = e
	}
	return cost, bound
}

func (s *estimate) kind(e ast.Expr, scope locals) (bill, *extent) {
	switch e.Kind() {
	case ast.LiteralKind:
		return bill{}, literalExtent(e)
	case ast.IdentKind:
		return flat(1), s.ident(e, scope)
	case ast.SelectKind:
		return s.selected(e, scope)
	case ast.CallKind:
		return s.call(e, scope)
	case ast.ListKind:
		elements := e.AsList().Elements()
		cost, bounds := s.all(elements, scope)
		return cost.plus(flat(makingList + uint64(len(elements)))), holding(bounds, len(elements))
	case ast.MapKind:
		return s.entries(e.AsMap().Entries(), scope)
	default: // a comprehension: rules let nothing else by
		return s.comprehension(e, scope)
	}
}

func literalExtent(e ast.Expr) *extent {
	text, _ := e.AsLiteral().(types.String)
	return scalar(uint64(len(text)))
}

func (s *estimate) all(list []ast.Expr, scope locals) (bill, []*extent) {
	var sum bill
	bounds := make([]*extent, len(list))
	for i, e := range list {
		cost, bound := s.of(e, scope)
		sum, bounds[i] = sum.plus(cost), bound
	}
	return sum, bounds
}

func (s *estimate) entries(list []ast.EntryExpr, scope locals) (bill, *extent) {
	var parts []ast.Expr
	for _, entry := range list {
		parts = append(parts, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
	}
	cost, bounds := s.all(parts, scope)
	return cost.plus(flat(makingMap + 4*uint64(len(list)))), holding(bounds, len(list))
}

func (s *estimate) ident(e ast.Expr, scope locals) *extent {
	if local, ok := scope[e.AsIdent()]; ok {
		return local
	}
	return declared(s.tree.GetType(e.ID()))
}

func (s *estimate) selected(e ast.Expr, scope locals) (bill, *extent) {
	cost, operand := s.of(e.AsSelect().Operand(), scope)
	cost = cost.plus(flat(1))
	if e.AsSelect().IsTestOnly() {
		return cost, scalar(0)
	}
	return cost, operand.field(e.AsSelect().FieldName())
}

func (s *estimate) call(e ast.Expr, scope locals) (bill, *extent) {
	c := e.AsCall()
	if c.FunctionName() == operators.Conditional {
		return s.choice(c.Args(), scope)
	}
	cost, bounds := s.all(operandsOf(c), scope)
	if c.FunctionName() == operators.OptSelect {
		name, _ := literalText(c.Args()[1])
		return cost.plus(flat(1)), wrapped(bounds[0].field(name))
	}
	p := s.price(e)
	more := p.surcharge(values(bounds))
	s.note(e, plus(p.base, more))
	if p.more != nil {
		s.prices[e.ID()] = p
	}
	return cost.plus(bill{total: plus(p.base, more), base: p.base}), p.result(bounds)
}

func values(bounds []*extent) []extent {
	list := make([]extent, len(bounds))
	for i, bound := range bounds {
		list[i] = *bound
	}
	return list
}

// choice costs what its question does, and the dearer of its answers.
func (s *estimate) choice(args []ast.Expr, scope locals) (bill, *extent) {
	asked, _ := s.of(args[0], scope)
	one, bound := s.of(args[1], scope)
	other, otherBound := s.of(args[2], scope)
	return asked.plus(one.or(other)).plus(flat(1)), either(bound, otherBound)
}

// price of a call: of several overloads, which one it is the types at run time say. Most have the same.
func (s *estimate) price(e ast.Expr) *price {
	var p *price
	seen := map[*price]bool{}
	for _, overload := range s.tree.GetOverloadIDs(e.ID()) {
		if q := functions[overload]; !seen[q] {
			seen[q], p = true, p.or(q)
		}
	}
	if runPattern[e.AsCall().FunctionName()] == nil {
		return p
	}
	pattern, _ := patternOf(e)
	steps, _ := instructions("", pattern) // rules have seen it
	return &price{p.base, matching(steps).more, p.gives}
}

func (s *estimate) note(e ast.Expr, cost uint64) {
	if all := times(cost, s.often); all > s.dearestCost {
		s.dearest, s.dearestCost = e, all
	}
}

func (s *estimate) comprehension(e ast.Expr, scope locals) (bill, *extent) {
	c := e.AsComprehension()
	if isBind(c) {
		return s.bind(c, scope)
	}
	l := takeApart(c)
	cost, over := s.of(l.over, scope)
	body, entry := s.turn(l, over, scope)
	body = body.plus(flat(turning))
	s.turns[l.step.ID()], s.ranges[l.over.ID()] = body.base, true
	cost = cost.plus(flat(startingLoop)).plus(bill{total: plus(s.sorting(l.over, over), times(over.entries, body.total))})
	if entry == nil {
		return cost, scalar(0)
	}
	return cost, repeated(over.entries, entry)
}

// turn bounds one turn; entry is nil where it gathers nothing.
func (s *estimate) turn(l loop, over *extent, scope locals) (cost bill, entry *extent) {
	inner := maps.Clone(scope)
	inner[l.value] = over.part()
	if l.key != "" {
		inner[l.key] = either(scalar(MaxText), over.part())
	}
	outer := s.often
	s.often = times(outer, over.entries)
	defer func() { s.often = outer }()
	cost, bounds := s.all(l.written(), inner)
	if l.entry != nil {
		entry = bounds[len(bounds)-1]
	}
	return cost, entry
}

// sorting is what it costs to put the keys of a map in order, where there may be one.
func (s *estimate) sorting(e ast.Expr, over *extent) uint64 {
	if s.tree.GetType(e.ID()).Kind() == types.ListKind {
		return 0
	}
	return orderedCost(over.entries, over.bytes)
}

func orderedCost(entries, bytes uint64) uint64 {
	return plus(times(ordering, entries), bytes/(bytesPerStep/ordering))
}

// bind costs what its value does, once at most, and what is made of it.
func (s *estimate) bind(c ast.ComprehensionExpr, scope locals) (bill, *extent) {
	cost, named := s.of(c.AccuInit(), scope)
	inner := maps.Clone(scope)
	inner[c.AccuVar()] = named
	result, bound := s.of(c.Result(), inner)
	return cost.plus(result).plus(flat(startingLoop)), bound
}
