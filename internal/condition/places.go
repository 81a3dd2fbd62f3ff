// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"github.com/google/cel-go/common/ast"
)

// places is what the messages of a loaded condition say of the expressions in it. It is small, for there are many.
type places struct {
	// positions by id. What macros put in around what a person wrote stands where the macro does.
	positions []position
	// paths are the fields that are read, as they are spelt.
	paths []spelt
}

// position counts from 1; the zero position is unknown. The largest expression has fewer lines and columns than fit.
type position struct{ line, column uint16 }

type spelt struct {
	at   int32
	text string
}

func placesOf(tree *ast.AST) places {
	var p places
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		p.note(e, tree.SourceInfo())
	}))
	return p
}

func (p *places) note(e ast.Expr, source *ast.SourceInfo) {
	for int(e.ID()) >= len(p.positions) {
		p.positions = append(p.positions, position{})
	}
	p.positions[e.ID()] = positionOf(e.ID(), source)
	if e.Kind() != ast.SelectKind {
		return
	}
	if text := spell(e); text != "" {
		p.paths = append(p.paths, spelt{idOf(e), text})
	}
}

func positionOf(id int64, source *ast.SourceInfo) position {
	at := source.GetStartLocation(id)
	if at.Line() <= 0 {
		return position{}
	}
	return position{uint16(at.Line()), uint16(at.Column() + 1)} //nolint:gosec // MaxExpression bounds both
}

// refuse makes an error about what stands here.
func (p position) refuse(message string) *Error {
	return &Error{Line: int(p.line), Column: int(p.column), Message: message}
}

func (p *places) at(at int32) position {
	if at < 0 || int(at) >= len(p.positions) {
		return position{}
	}
	return p.positions[at]
}

func (p *places) path(at int32) string {
	for _, path := range p.paths {
		if path.at == at {
			return path.text
		}
	}
	return ""
}

// spell gives a chain of selections as written; empty where it begins with anything but a variable.
func spell(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.SelectKind:
		if operand := spell(e.AsSelect().Operand()); operand != "" {
			return operand + "." + e.AsSelect().FieldName()
		}
	}
	return ""
}
