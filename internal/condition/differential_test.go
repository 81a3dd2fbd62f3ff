// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// TestConditionsGiveWhatCELGives runs made-up expressions on made-up requests beside CEL's own programs.
func TestConditionsGiveWhatCELGives(t *testing.T) {
	const seed, expressions, requests = 1, 1_000, 210
	t.Logf("seed %d", seed)
	d, err := theDialect()
	if err != nil {
		t.Fatal(err)
	}
	w, r := newWriter(seed), &requester{rand.New(rand.NewPCG(seed, 4))}
	inputs := make([]*Input, 1_000)
	for i := range inputs {
		inputs[i] = r.input()
	}
	evaluated, outcomes, refused := 0, map[answer]int{}, 0
	for evaluated < expressions*requests {
		expression := w.expression()
		if _, err := Compile(expression); err != nil {
			refused++
			continue
		}
		program, plain, metered := mustLoad(t, expression), plainProgram(t, d, expression), meteredProgram(t, expression)
		for range requests {
			in := inputs[r.IntN(len(inputs))]
			got, gotKind := outcome(program.Eval(in))
			want, wantKind := plainly(plain, in)
			watched, watchedKind := outcome(metered.Eval(in))
			if got != want || gotKind != wantKind || watched != want || watchedKind != wantKind {
				t.Fatalf("%s\n%s (%s), metered %s (%s), CEL %s (%s)\nfor %+v\nsubject %#v\nresource %+v",
					expression, got, gotKind, watched, watchedKind, want, wantKind, in, in.Subject, in.Resource)
			}
			if again, againKind := outcome(program.Eval(anew(in))); again != got || againKind != gotKind {
				t.Fatalf("%s\n%s (%s), and then %s (%s)\nfor %+v", expression, got, gotKind, again, againKind, in)
			}
			evaluated++
			outcomes[got]++
		}
	}
	t.Logf("%d evaluations: %v; %d expressions refused", evaluated, outcomes, refused)
	for _, each := range []answer{holds, unmet, failed} {
		if outcomes[each] < evaluated/10 {
			t.Errorf("only %d of %d: %s", outcomes[each], evaluated, each)
		}
	}
}

func plainProgram(t *testing.T, d *dialect, expression string) cel.Program {
	t.Helper()
	tree, issues := d.env.Compile(expression)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	program, err := d.env.Program(tree, cel.EvalOptions(cel.OptOptimize), cel.CustomDecoratorV2(compilePatterns))
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// meteredProgram leaves all of an expression to CEL, with a meter.
func meteredProgram(t *testing.T, expression string) *Program {
	t.Helper()
	judged, err := newJudged(expression)
	if err != nil {
		t.Fatal(err)
	}
	p := judged.planner(true)
	return &Program{fact: p.leaf(p.tree.Expr())}
}

// outcome of an evaluation, and the kind of the error.
func outcome(held bool, err error) (answer, string) {
	switch wrong, _ := errors.AsType[*Error](err); {
	case err != nil && held:
		return "holds and errs", err.Error()
	case err != nil:
		return failed, kindIn(wrong.Message)
	case held:
		return holds, ""
	default:
		return unmet, ""
	}
}

// kindIn finds the kind in the message, which may name a field beside it.
func kindIn(message string) string {
	for _, kind := range kinds {
		if kind != "" && len(message) >= len(kind) && message[:len(kind)] == kind {
			return kind
		}
	}
	return message
}

func plainly(program cel.Program, in *Input) (answer, string) {
	value, _, err := program.Eval((*activation)(in))
	if err != nil {
		return failed, kinds[kindOf(err.Error())]
	}
	if value == types.True {
		return holds, ""
	}
	return unmet, ""
}

// anew is an equal request, whose maps were filled in another order.
func anew(in *Input) *Input {
	copied, subject, resource := *in, *in.Subject, *in.Resource
	subject.Claims, resource.Properties, copied.Context = anewMap(subject.Claims), anewMap(resource.Properties), anewMap(in.Context)
	copied.Subject, copied.Resource = &subject, &resource
	return &copied
}

func anewMap(entries map[string]any) map[string]any {
	if entries == nil {
		return nil
	}
	filled := map[string]any{}
	for _, key := range slices.Backward(slices.Sorted(maps.Keys(entries))) {
		filled[key] = entries[key]
		if inner, ok := entries[key].(map[string]any); ok {
			filled[key] = anewMap(inner)
		}
	}
	return filled
}
