// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// instrumented is an expression that is run to see what it costs, and not for its answer.
type instrumented struct {
	expression string
	estimate   *estimate
	extent     *extent
	metered    interpreter.InterpretableV2
	counted    interpreter.InterpretableV2
	counter    *counter
}

func instrument(tb testing.TB, d *dialect, expression string) *instrumented {
	tb.Helper()
	tree, issues := d.env.Compile(expression)
	if issues.Err() != nil {
		return nil
	}
	if err := (&rules{tree.NativeRep()}).expression(tree.NativeRep().Expr()); err != nil {
		return nil
	}
	found := newEstimate(tree.NativeRep())
	_, bound := found.of(tree.NativeRep().Expr(), locals{})
	if found.towering != nil {
		return nil
	}
	c := &counter{dialect: d}
	i := &instrumented{expression: expression, estimate: found, extent: bound, counter: c}
	plan := func(dec interpreter.InterpretableDecoratorV2) interpreter.InterpretableV2 {
		step, err := d.steps.NewInterpretable(tree.NativeRep(), interpreter.CustomDecoratorV2(withAlternatives), interpreter.CustomDecoratorV2(dec), settling)
		if err != nil {
			return nil
		}
		return step
	}
	if i.metered, i.counted = plan(metering{d, found}.decorate), plan(c.decorate); i.metered == nil || i.counted == nil {
		return nil
	}
	return i
}

// run gives the value, what the meter charged and what was counted.
func (i *instrumented) run(tb testing.TB, in *Input) (value ref.Val, charged, steps uint64) {
	tb.Helper()
	const plenty = math.MaxUint64 / 2
	m := &meter{in: in, left: plenty, until: time.Now().Add(time.Hour)}
	value = exec(tb, i.metered, m)
	i.counter.steps = 0
	exec(tb, i.counted, (*activation)(in))
	return value, plus(i.estimate.bill.base, plenty-m.left), i.counter.steps
}

func exec(tb testing.TB, step interpreter.InterpretableV2, scope cel.Activation) ref.Val {
	tb.Helper()
	frame, err := interpreter.NewExecutionFrame(scope)
	if err != nil {
		tb.Fatal(err)
	}
	defer frame.Close()
	return step.Exec(frame)
}

// THREATS 40
func TestTheEstimateIsNeverBelowWhatAnEvaluationCosts(t *testing.T) {
	const seed, expressions, requests, largeRequests = 2, 500, 12, 2
	t.Logf("seed %d", seed)
	d, err := theDialect()
	if err != nil {
		t.Fatal(err)
	}
	w, r := newWriter(seed), &requester{rand.New(rand.NewPCG(seed, 5))}
	tight := 0
	for tried := 0; tried < expressions; {
		write := pick(w.Rand, w.expression, w.nested, w.anything, w.anything)
		i := instrument(t, d, write())
		if i == nil {
			continue
		}
		tried++
		for n := range requests + largeRequests {
			in := r.input()
			if n >= requests {
				in = r.large()
				if err := in.Check(Everything); err != nil {
					t.Fatal(err)
				}
				if i.estimate.bill.total > 4*CostLimit {
					continue // it would take too long
				}
			}
			value, charged, steps := i.run(t, in)
			if steps > i.estimate.bill.total || charged > i.estimate.bill.total {
				t.Fatalf("%s\nestimated at %d, charged %d, counted %d", i.expression, i.estimate.bill.total, charged, steps)
			}
			if steps > 3*charged+20 {
				t.Fatalf("%s\ncounted %d and charged %d only", i.expression, steps, charged)
			}
			if size := gauge(value, math.MaxUint64); !types.IsError(value) && !size.within(i.extent) {
				t.Fatalf("%s\ngives %v\nof %+v, beyond %+v", i.expression, value, size, i.extent)
			}
			if 4*steps > i.estimate.bill.total {
				tight++
			}
		}
	}
	t.Logf("%d expressions, %d evaluations near their estimates", expressions, tight)
}
