// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package condition is the CEL in which conditions are written: what may be written, what it may cost, and its evaluation
// within that.
//
// Check holds the input to bounds. Compile and Load estimate what an expression costs at those bounds and refuse it above
// EstimateLimit. What could cost more than CostLimit is metered, and stopped there (docs/adr/0012).
package condition

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"google.golang.org/protobuf/proto"

	"behalf.dev/behalf/internal/authz"
)

// MaxExpression is the largest expression, in characters.
const MaxExpression = 2048

// MaxLoops is the largest number of loops in an expression, beside and within one another.
const MaxLoops = 16

// Input is what one request lets conditions read.
type Input struct {
	Subject *authz.Subject
	Actor   authz.Actor
	// Chain is every actor, nearest the subject first, the current one last.
	Chain    []authz.Actor
	Audience string
	Scope    string
	Resource *authz.Resource
	Context  map[string]any
	Now      time.Time
}

// Compiled is a checked expression as it travels in a bundle.
type Compiled struct {
	// Checked is the deterministic protobuf of the google.api.expr.v1alpha1.CheckedExpr, without source positions.
	Checked []byte
	// Cost is the static estimate at the bounds of the input.
	Cost uint64
}

// Error says where and why an expression was refused, or could not be evaluated.
type Error struct {
	// Line and Column count from 1; 0 where there is no position.
	Line, Column int
	Message      string
	// during says what was being done; nil at Compile.
	during error
}

// Error gives position and message.
func (e *Error) Error() string {
	text := e.Message
	if e.Line > 0 {
		text = fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, text)
	}
	if e.during != nil {
		text = fmt.Sprintf("%v: %s", e.during, text)
	}
	return text
}

// Unwrap lets errors.Is find ErrEvaluating.
func (e *Error) Unwrap() error { return e.during }

// Compile checks an expression: its types, its constants, that it keeps to what conditions may use, and its cost. An error is an *Error.
func Compile(expression string) (compiled *Compiled, err error) {
	defer func() {
		if r := recover(); r != nil {
			compiled, err = nil, &Error{Message: fmt.Sprintf("the expression cannot be judged: panic: %v", r)}
		}
	}()
	compiled, err = compile(expression)
	if err != nil {
		return nil, asError(err)
	}
	return compiled, nil
}

func compile(expression string) (*Compiled, error) {
	judged, err := newJudged(expression)
	if err != nil {
		return nil, err
	}
	if _, err := judged.plan(); err != nil {
		return nil, err
	}
	raw, err := encode(judged.tree)
	if err != nil {
		return nil, err
	}
	return &Compiled{Checked: raw, Cost: judged.estimate.bill.total}, nil
}

// judged is an expression that conditions may be.
type judged struct {
	dialect  *dialect
	tree     *cel.Ast
	estimate *estimate
}

func newJudged(expression string) (*judged, error) {
	if n := utf8.RuneCountInString(expression); n > MaxExpression {
		return nil, &Error{Message: fmt.Sprintf("the expression has %d characters, more than %d", n, MaxExpression)}
	}
	d, err := theDialect()
	if err != nil {
		return nil, err
	}
	parsed, issues := d.env.Parse(expression)
	if issues.Err() != nil {
		return nil, firstIssue(issues)
	}
	tree, err := d.check(parsed)
	if err != nil {
		return nil, err
	}
	estimate, err := judge(tree)
	if err != nil {
		return nil, err
	}
	return &judged{d, tree, estimate}, nil
}

// check checks the types of an expression. Loops are counted before, and how deep lists and maps lie in one another: what
// the check costs grows with the power of both.
func (d *dialect) check(tree *cel.Ast) (*cel.Ast, error) {
	if loops := loopsIn(tree.NativeRep().Expr()); loops > MaxLoops {
		return nil, &Error{Message: fmt.Sprintf("the expression has %d loops (all, exists, exists_one, filter, map, transformList, cel.bind), more than %d; "+
			"ask about the request more directly", loops, MaxLoops)}
	}
	depths := &depths{}
	depths.of(tree.NativeRep().Expr(), map[string]int{})
	if depths.deepest != nil {
		return nil, positionOf(depths.deepest.ID(), tree.NativeRep().SourceInfo()).refuse(
			fmt.Sprintf("lists, maps and loops lie in one another deeper than %d here; ask about the request more directly", maxTypeDepth))
	}
	checked, issues := d.env.Check(tree)
	if issues.Err() != nil {
		return nil, firstIssue(issues)
	}
	return checked, nil
}

func loopsIn(e ast.Expr) int {
	loops := 0
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			loops++
		}
	}))
	return loops
}

// firstIssue reports one problem at a time: the ones after it are often its consequences.
func firstIssue(issues *cel.Issues) *Error {
	first := issues.Errors()[0]
	return &Error{Line: max(first.Location.Line(), 1), Column: max(first.Location.Column()+1, 1), Message: first.Message}
}

func asError(err error) *Error {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused
	}
	return &Error{Message: err.Error()}
}

// encode leaves the source positions out: they would make equal expressions differ by their white space.
func encode(checked *cel.Ast) ([]byte, error) {
	message, err := cel.AstToCheckedExpr(checked)
	if err != nil {
		return nil, fmt.Errorf("encoding checked expression: %w", err)
	}
	message.SourceInfo = nil
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encoding checked expression: %w", err)
	}
	return raw, nil
}
