// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"

	"behalf.dev/behalf/internal/authz"
)

func TestCostIsEstimatedAtTheBoundsOfTheInput(t *testing.T) {
	for _, c := range []struct {
		expression string
		most       uint64
	}{
		{"subject.id == 'alice'", 10},
		{"context.purpose == 'support'", 10},
		{"resource.properties.owner == subject.id", 200},
		{"'x' in subject.groups", 300},
		{"subject.id in resource.properties.?team.orValue([])", 400},
		{"(has(context.team) ? context.team : []).exists(t, t == 'x')", 3_000},
		{"context.items.all(i, i.price < 10)", 2_000},
		{"chain.exists(a, a.namespace == 'x')", 500},
		{"subject.groups.map(g, g + 'x').exists(g, g == 'ax')", 50_000},
		{"resource.properties.team.exists(t, t in subject.groups)", 100_000},
		{"sets.intersects(resource.properties.team, subject.groups)", 100_000},
		{"context.email.matches('^[a-z]+@example')", 300_000},
		{"subject.username.matches('^[a-z.]+@(sales|support)[.]example[.]com$')", 40_000},
	} {
		compiled, err := Compile(c.expression)
		if err != nil {
			t.Errorf("%s: %v", c.expression, err)
			continue
		}
		if compiled.Cost > c.most {
			t.Errorf("%s is estimated at %d, want at most %d", c.expression, compiled.Cost, c.most)
		}
	}
}

// THREATS 40
func TestExpensiveExpressionsAreRefusedWithFigureAndLimit(t *testing.T) {
	double := "subject.id"
	for range MaxLoops {
		double = "[" + double + "].map(s, s + s)[0]"
	}
	nested := "true"
	for range 6 {
		nested = "[1,2,3,4,5,6,7,8,9,10].all(x, " + nested + ")"
	}
	for _, expression := range []string{
		"subject.groups.exists(g, subject.groups.exists(h, h == g))",
		"context.a.all(x, context.b.all(y, context.c.all(z, x == y)))",
		"context.a.contains(context.b)",
		"context.a.indexOf(context.b) > 0",
		"context.text.matches('" + strings.Repeat("(a|b)*", 40) + "')",
		"context.a.split('').map(x, x + context.b).exists(x, x == 'a')",
		"subject.groups.map(g, context.text + g).exists(g, g == 'x')",
		"sets.equivalent(context.a.split(''), context.b.split(''))",
		double + " == 'x'",
		nested,
	} {
		_, err := Compile(expression)
		if err == nil || !strings.Contains(err.Error(), "the limit is 400000") || !strings.Contains(err.Error(), "the expression could cost ") {
			t.Errorf("%.80s: got %v", expression, err)
		}
	}
}

// largest is a request at the bounds.
func largest() *Input {
	in := newInput()
	in.Subject.Groups = nil
	var list []any
	for i := range MaxEntries {
		name := fmt.Sprintf("%0*d", 200, i)
		in.Subject.Groups = append(in.Subject.Groups, name)
		list = append(list, "x"+name[1:])
	}
	in.Context = map[string]any{"list": list, "text": strings.Repeat("ab", MaxText/2), "other": strings.Repeat("ab", MaxText/2)}
	in.Chain = make([]authz.Actor, MaxChain)
	return in
}

// THREATS 40
func TestTheEstimateIsNeverBelowTheActualCost(t *testing.T) {
	in := largest()
	if err := in.Check(); err != nil {
		t.Fatal(err)
	}
	d, err := theDialect()
	if err != nil {
		t.Fatal(err)
	}
	for _, expression := range []string{
		"context.list.exists(t, t in subject.groups)",
		"sets.intersects(context.list, subject.groups)",
		"subject.groups.all(g, g != 'x')",
		"subject.groups.map(g, g + 'x').exists(g, g == 'ax')",
		"subject.groups.filter(g, g.startsWith('a')).size() == 1",
		"context.text == context.other",
		"context.text.contains('x')",
		"context.list == subject.groups",
		"chain.exists(a, a == actor)",
		"context.text.split('b').size() > 3",
		"context.list.exists_one(i, i.endsWith('1'))",
		"context.?list.orValue([]).all(i, i != 'a') && context.text.size() > 3",
	} {
		compiled, err := Compile(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		judged, err := newJudged(expression)
		if err != nil {
			t.Fatal(err)
		}
		tracked, err := d.env.Program(judged.tree, cel.CostLimit(1<<40))
		if err != nil {
			t.Fatal(err)
		}
		_, details, err := tracked.Eval((*activation)(in))
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if actual := details.ActualCost(); actual == nil || *actual > compiled.Cost {
			t.Errorf("%s costs %d and was estimated at %d", expression, *actual, compiled.Cost)
		}
	}
}

// THREATS 40
func BenchmarkTheDearestExpressions(b *testing.B) {
	in := largest()
	for _, expression := range []string{
		"context.list.exists(t, t in subject.groups)",
		"context.text.matches('(a|b)*c(a|b)*d')",
		"subject.groups.all(g, g != 'x')",
	} {
		b.Run(expression, func(b *testing.B) {
			compiled, err := Compile(expression)
			if err != nil {
				b.Fatal(err)
			}
			program, err := Load(expression, compiled.Checked)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(compiled.Cost), "cost")
			for b.Loop() {
				if _, err := program.Eval(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
