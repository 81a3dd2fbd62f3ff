// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"context"
	"errors"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// ErrEvaluating is the error of every evaluation. It says what kind of error it was, and where that is known which field
// of the request was read: both stand in the expression. CEL's own messages quote values of the request, which are not
// for everybody who reads a denial.
var ErrEvaluating = errors.New("evaluating condition")

// failure is an evaluation that did not come to an answer.
type failure struct{ kind, place string }

// Error never quotes the request.
func (f *failure) Error() string {
	if f.place == "" {
		return ErrEvaluating.Error() + ": " + f.kind
	}
	return ErrEvaluating.Error() + ": " + f.kind + ": " + f.place
}

// Unwrap lets errors.Is find ErrEvaluating.
func (f *failure) Unwrap() error { return ErrEvaluating }

const noSuchKey = "no such key"

// kinds of error, by how CEL's messages begin.
var kinds = []struct{ prefix, kind string }{
	{noSuchKey, noSuchKey},
	{errAbsent.Error(), errAbsent.Error() + " a field"},
	{"no such overload", "a value is of another type than the expression needs"},
	{"found no matching overload", "a value is of another type than the expression needs"},
	{"unsupported index type", "a value is of another type than the expression needs"},
	{"unsupported key type", "a value is of another type than the expression needs"},
	{"unexpected type", "a value is of another type than the expression needs"},
	{"got '", "a value is of another type than the expression needs"},
	{"no such attribute", "no such field"},
	{"no such field", "no such field"},
	{"index out of bounds", "an index is out of bounds"},
	{"index out of range", "an index is out of bounds"},
	{"index '", "an index is out of bounds"},
	{"division by zero", "a division by zero"},
	{"modulus by zero", "a division by zero"},
	{"integer overflow", "a number out of range"},
	{"unsigned integer overflow", "a number out of range"},
	{"range", "a number out of range"},
	{"type conversion error", "a value that cannot be converted"},
	{"optional.none() dereference", "an optional value that is not there"},
}

func (p *Program) failed(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &failure{kind: "it took longer than any condition may"}
	}
	text := err.Error()
	for _, known := range kinds {
		if strings.HasPrefix(text, known.prefix) {
			return &failure{known.kind, p.place(known.kind, err)}
		}
	}
	return &failure{kind: "it cannot be evaluated for this request"}
}

// place is known for a key that is missing: CEL labels other errors with whatever expression met them first.
func (p *Program) place(kind string, err error) string {
	if labelled, ok := errors.AsType[*types.Err](err); ok && kind == noSuchKey {
		return p.places[labelled.NodeID()]
	}
	return ""
}

// places spells the field selections of an expression, by id.
func places(tree *ast.AST) map[int64]string {
	found := map[int64]string{}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if path := spell(e); e.Kind() == ast.SelectKind && path != "" {
			found[e.ID()] = path
		}
	}))
	return found
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
