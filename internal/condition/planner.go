// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"slices"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"
)

// planner turns a checked expression into facts. It knows what most conditions are made of, which is questions about one
// value of the request after another, and leaves the rest to CEL, part by part.
type planner struct {
	*dialect
	tree *ast.AST
	// options that CEL plans with, and what a part may cost; nil where that is not watched.
	options []interpreter.PlannerOption
	limit   *limit
	err     error
}

// cheap is the highest estimate that is not watched.
const cheap = 20_000

// patience is about fifty times what CostLimit takes, so that a slow machine never decides.
const patience = time.Second

// plan makes an expression ready. Constants are worked out here, so that one that errs (duration('soon')) is found now.
func (j *judged) plan() (fact, error) {
	estimate := j.estimate.bill.total
	p := j.planner(estimate > cheap)
	if estimate > CostLimit {
		return p.leaf(p.tree.Expr()), p.err // facts count nothing
	}
	return p.fact(p.tree.Expr()), p.err
}

func (j *judged) planner(watched bool) *planner {
	p := &planner{dialect: j.dialect, tree: j.tree.NativeRep()}
	patterns := compilePatterns
	if watched {
		p.limit = &limit{CostLimit - min(CostLimit, j.estimate.bill.base), patience}
		patterns = metering{j.dialect, j.estimate}.decorate
	}
	p.options = []interpreter.PlannerOption{
		interpreter.Optimize(), interpreter.CustomDecoratorV2(withAlternatives), interpreter.CustomDecoratorV2(patterns), settling,
	}
	return p
}

func (p *planner) fact(e ast.Expr) fact {
	if direct := p.direct(e); direct != nil {
		return direct
	}
	return p.leaf(e)
}

// direct gives nil for what it does not know.
func (p *planner) direct(e ast.Expr) fact {
	switch e.Kind() {
	case ast.LiteralKind:
		if value, ok := e.AsLiteral().(types.Bool); ok {
			return certain(value)
		}
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			return p.presence(e)
		}
		return p.truth(e)
	case ast.CallKind:
		return p.call(e)
	}
	return nil
}

func (p *planner) call(e ast.Expr) fact {
	c := e.AsCall()
	switch c.FunctionName() {
	case operators.LogicalAnd:
		return every(p.facts(flatten(e, operators.LogicalAnd, nil)))
	case operators.LogicalOr:
		return some(p.facts(flatten(e, operators.LogicalOr, nil)))
	case operators.LogicalNot:
		return not{p.fact(c.Args()[0])}
	case operators.Conditional:
		return choice{p.fact(c.Args()[0]), p.fact(c.Args()[1]), p.fact(c.Args()[2])}
	case operators.In:
		return p.membership(e)
	}
	return p.comparison(e)
}

func (p *planner) facts(list []ast.Expr) []fact {
	planned := make([]fact, len(list))
	for i, e := range list {
		planned[i] = p.fact(e)
	}
	return planned
}

// flatten makes one list of a && b && c.
func flatten(e ast.Expr, function string, into []ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != function {
		return append(into, e)
	}
	for _, arg := range e.AsCall().Args() {
		into = flatten(arg, function, into)
	}
	return into
}

// comparison is direct where both of its sides are.
func (p *planner) comparison(e ast.Expr) fact {
	operands := operandsOf(e.AsCall())
	if len(operands) != 2 {
		return nil
	}
	a, b := p.reader(operands[0]), p.reader(operands[1])
	if a == nil || b == nil {
		return nil
	}
	function := e.AsCall().FunctionName()
	switch function {
	case operators.Equals:
		return &same{a, b, p.words}
	case operators.NotEquals:
		return not{&same{a, b, p.words}}
	}
	if takes, ok := orders[function]; ok {
		return &ordered{a, b, takes, p.words, idOf(e)}
	}
	if has, ok := partOf[function]; ok {
		return &parted{a, b, has, idOf(e)}
	}
	return nil
}

func operandsOf(c ast.CallExpr) []ast.Expr {
	if c.IsMemberFunction() {
		return append([]ast.Expr{c.Target()}, c.Args()...)
	}
	return c.Args()
}

func (p *planner) membership(e ast.Expr) fact {
	args := e.AsCall().Args()
	wanted := p.reader(args[0])
	if wanted == nil {
		return nil
	}
	if isGroups(args[1]) {
		return &grouped{wanted}
	}
	if entries, ok := p.path(args[1]); ok {
		return &within{wanted, entries, p.words, idOf(e)}
	}
	if texts := literalTexts(args[1]); texts != nil {
		return &among{wanted, texts}
	}
	return nil
}

// literalTexts gives nil for anything but a list of at least one text and nothing else.
func literalTexts(e ast.Expr) []string {
	if e.Kind() != ast.ListKind || len(e.AsList().OptionalIndices()) > 0 {
		return nil
	}
	var texts []string
	for _, element := range e.AsList().Elements() {
		text, ok := literalText(element)
		if !ok {
			return nil
		}
		texts = append(texts, text)
	}
	return texts
}

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return string(text), ok
}

func isGroups(e ast.Expr) bool {
	return e.Kind() == ast.SelectKind && e.AsSelect().FieldName() == "groups" && isVariable(e.AsSelect().Operand(), "subject")
}

func isVariable(e ast.Expr, variable string) bool {
	return e.Kind() == ast.IdentKind && e.AsIdent() == variable
}

func (p *planner) presence(e ast.Expr) fact {
	selected := e.AsSelect()
	if n := requiredName(e); n != nil {
		return present{n.get}
	}
	if entries, ok := p.path(selected.Operand()); ok {
		return &keyed{entries, key{selected.FieldName(), idOf(e)}}
	}
	return nil
}

func (p *planner) truth(e ast.Expr) fact {
	if value, ok := p.path(e); ok {
		return truth{value, idOf(e)}
	}
	return nil
}

// reader gives nil for what is neither in the request nor a constant.
func (p *planner) reader(e ast.Expr) reader {
	if e.Kind() == ast.LiteralKind {
		return literalReader(e)
	}
	if e.Kind() == ast.IdentKind && plainNames[e.AsIdent()] != nil {
		return &name{get: plainNames[e.AsIdent()]}
	}
	if e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly() {
		if n := requiredName(e); n != nil {
			return n
		}
	}
	if value, ok := p.path(e); ok {
		return value
	}
	return nil
}

func literalReader(e ast.Expr) reader {
	switch value := e.AsLiteral().(type) {
	case types.Null:
		return &constant{}
	case types.Int, types.Uint:
		return &constant{datum{other: value}}
	default:
		return &constant{datumOf(value.Value())}
	}
}

// requiredName reads a text of one of our objects, which a request may lack.
func requiredName(e ast.Expr) *name {
	selected := e.AsSelect()
	if selected.Operand().Kind() != ast.IdentKind {
		return nil
	}
	get := fieldsOf[selected.Operand().AsIdent()][selected.FieldName()].name
	if get == nil {
		return nil
	}
	return &name{get: get, required: true, at: idOf(e)}
}

// path follows a chain of selections to one of the maps of the request.
func (p *planner) path(e ast.Expr) (*path, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return &path{root: contextOf}, isVariable(e, "context")
	case ast.SelectKind:
		return p.selected(e)
	case ast.CallKind:
		return p.indexed(e)
	default:
		return nil, false
	}
}

func (p *planner) selected(e ast.Expr) (*path, bool) {
	selected := e.AsSelect()
	if selected.IsTestOnly() {
		return nil, false
	}
	operand := selected.Operand()
	if operand.Kind() == ast.IdentKind && fieldsOf[operand.AsIdent()] != nil {
		root := fieldsOf[operand.AsIdent()][selected.FieldName()].entries
		return &path{root: root}, root != nil
	}
	return p.stepped(operand, key{selected.FieldName(), idOf(e)})
}

func (p *planner) indexed(e ast.Expr) (*path, bool) {
	c := e.AsCall()
	if c.FunctionName() != operators.Index {
		return nil, false
	}
	name, ok := literalText(c.Args()[1])
	if !ok {
		return nil, false
	}
	return p.stepped(c.Args()[0], key{name, idOf(e)})
}

func (p *planner) stepped(operand ast.Expr, next key) (*path, bool) {
	from, ok := p.path(operand)
	if !ok {
		return nil, false
	}
	return &path{from.root, append(slices.Clip(from.keys), next)}, true
}

func idOf(e ast.Expr) int32 { return int32(e.ID()) } //nolint:gosec // CEL counts expressions from 1, and an expression is short
