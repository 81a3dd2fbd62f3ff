// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	exprpb "google.golang.org/genproto/googleapis/api/expr/v1alpha1"
	"google.golang.org/protobuf/proto"
)

// maxChecked is the largest checked expression, in bytes; the largest expression stays well below.
const maxChecked = 256 << 10

// The backstop, should the static cost be wrong: see docs/adr/0009.
const (
	// cheap is the highest cost that is not watched.
	cheap = 20_000
	// patience is about fifty times what an expression at CostLimit takes, so that a slow machine never decides.
	patience = time.Second
	// turnsPerCheck is how often a loop turns between two looks at the clock.
	turnsPerCheck = 64
)

// ErrNotCanonical says that bytes decode to an expression but are not those that Compile gives for it.
var ErrNotCanonical = errors.New("the checked expression is not what a type check gives")

// Program is a condition ready to be evaluated, by any number of goroutines at once.
type Program struct {
	program cel.Program
	cost    uint64
	// limit of time; zero where the cost is too low to bother.
	limit time.Duration
	// places spells the fields that the expression reads, by id, for messages.
	places map[int64]string
}

// Load plans a checked expression. It trusts neither the types nor the cost that the bytes claim: it checks again, holds
// the result to the same rules as Compile, and refuses bytes that differ in anything from what that gives.
func Load(checked []byte) (program *Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			program, err = nil, fmt.Errorf("loading condition: panic: %v", r)
		}
	}()
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("loading condition: %w", err)
	}
	tree, err := recheck(env, checked)
	if err != nil {
		return nil, fmt.Errorf("loading condition: %w", err)
	}
	cost, err := judge(env, tree)
	if err != nil {
		return nil, fmt.Errorf("loading condition: %w", err)
	}
	planned, err := plan(env, tree)
	if err != nil {
		return nil, fmt.Errorf("loading condition: %w", err)
	}
	return &Program{program: planned, cost: cost, limit: limitOf(cost), places: places(tree.NativeRep())}, nil
}

// plan makes an expression ready. Constants are worked out here, so that one that errs (duration('soon')) is found now.
//
// Cost is not counted at run time: that makes each step about ten times dearer, and the static bound is enough for input
// that passed Check. Loops can be interrupted (docs/adr/0009).
func plan(env *cel.Env, tree *cel.Ast) (cel.Program, error) {
	planned, err := env.Program(tree, cel.EvalOptions(cel.OptOptimize), cel.InterruptCheckFrequency(turnsPerCheck))
	if err != nil {
		return nil, fmt.Errorf("planning: %w", err)
	}
	return planned, nil
}

func recheck(env *cel.Env, raw []byte) (*cel.Ast, error) {
	if len(raw) > maxChecked {
		return nil, fmt.Errorf("%d bytes, more than %d", len(raw), maxChecked)
	}
	message := &exprpb.CheckedExpr{}
	if err := proto.Unmarshal(raw, message); err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	claimed, err := cel.CheckedExprToAstWithSource(message, nil)
	if err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	tree, err := check(env, claimed)
	if err != nil {
		return nil, fmt.Errorf("checking: %w", err)
	}
	again, err := encode(tree)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(raw, again) {
		return nil, ErrNotCanonical
	}
	return tree, nil
}

func limitOf(cost uint64) time.Duration {
	if cost <= cheap {
		return 0
	}
	return patience
}

func (p *Program) run(in *activation) (ref.Val, error) {
	if p.limit == 0 {
		value, _, err := p.program.Eval(in)
		return value, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.limit)
	defer cancel()
	value, _, err := p.program.ContextEval(ctx, in)
	return value, err
}

// Cost is the static estimate, as at Compile.
func (p *Program) Cost() uint64 { return p.cost }

// Eval says whether the condition holds. The input must have passed Check. Where there is an error the bool is false and
// means nothing: whether an error counts as met is for the caller to say.
func (p *Program) Eval(in *Input) (held bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			held, err = false, &failure{kind: "it panicked"}
		}
	}()
	value, err := p.run((*activation)(in))
	if err != nil {
		return false, p.failed(err)
	}
	result, ok := value.(types.Bool)
	if !ok {
		return false, &failure{kind: "it yielded something that is not a bool"}
	}
	return bool(result), nil
}
