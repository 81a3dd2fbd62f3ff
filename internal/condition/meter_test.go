// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// everyGroup lists the groups twenty times for each of them.
const everyGroup = "[subject.groups.map(x, [subject.groups, subject.groups, subject.groups, subject.groups, subject.groups, subject.groups, " +
	"subject.groups, subject.groups, subject.groups, subject.groups, subject.groups, subject.groups, subject.groups, subject.groups, " +
	"subject.groups, subject.groups, subject.groups, subject.groups, subject.groups, subject.groups])]"

// dear are expressions that cost little on everyday requests and far too much at the bounds (THREATS 40).
var dear = map[string]string{
	"all the groups, many times":           everyGroup + ".all(z, [1, 2, 3, 4, 5, 6, 7, 8, 9].all(w, z == z))",
	"the whole context for each group":     "subject.groups.all(g, context == context)",
	"the whole context for each entry":     "context.list.all(i, [context, i] == [context, i])",
	"claims among claims":                  "sets.contains(subject.claims.a, context.b)",
	"claims in claims":                     "subject.claims.a.exists(x, x in context.b)",
	"groups beside groups beside groups":   "subject.groups.all(g, subject.groups.all(h, subject.groups.all(i, g != 'x' || h != i)))",
	"a text in pieces, and each made long": "context.text.split('').map(x, x + context.other).exists(x, x == 'a')",
	"a text for each group":                "subject.groups.map(g, context.text + g).exists(g, g == 'x')",
	"a text that grows":                    repeatedly("[subject.id]", ".map(a, a + a)", 15, ".all(z, z != 'x')"),
	"a text in place of nothing":           "context.text.replace('', context.text).size() > 1",
	"a text in a text":                     "context.text.indexOf(context.late) > 0",
	"a pattern of many parts":              "context.text.matches('" + strings.Repeat("(a|b)*", 40) + "')",
	"loops within loops":                   "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, subject.groups.all(c, [1,2,3,4,5,6,7,8,9,10].all(d, a + b + d > 0))))",
	"a map put in order for each group":    "subject.groups.all(g, context.wide.all(k, k != g))",
	"a sum for each entry":                 "context.list.all(i, context.numbers.map(n, n * 2.0).sum() > 0.0)",
	"what stands in lists of lists":        "context.lists.flatten().distinct().size() > 0",
}

// largest is a request at the bounds.
func largest() *Input {
	in := newInput()
	in.Subject.ID, in.Subject.Groups = strings.Repeat("i", MaxName), nil
	var list []any
	for i := range MaxEntries {
		name := fmt.Sprintf("%0*d", 100, i)
		in.Subject.Groups = append(in.Subject.Groups, name)
		list = append(list, "x"+name[1:])
	}
	wide := map[string]any{}
	for i := range MaxEntries {
		wide[fmt.Sprintf("%020d", i)] = true
	}
	in.Context = map[string]any{
		"list": list, "text": strings.Repeat("ab", MaxText/2), "other": strings.Repeat("ab", MaxText/2), "late": strings.Repeat("ab", MaxText/4) + "b",
		"numbers": repeatedEntry(MaxEntries, 1.0), "lists": repeatedEntry(40, repeatedEntry(40, 1.0)), "wide": wide,
		"b": repeatedEntry(250, repeatedEntry(10, 1.0)),
	}
	in.Subject.Claims["a"] = append(repeatedEntry(249, repeatedEntry(10, 2.0)), repeatedEntry(10, 1.0))
	in.Chain = make([]authz.Actor, MaxChain)
	return in
}

// modest is a request that has a little of everything that largest has.
func modest() *Input {
	in := newInput()
	in.Context = map[string]any{
		"list": []any{"a", "b"}, "text": "abab", "other": "ba", "late": "b", "numbers": []any{1.0, 2.0}, "lists": []any{[]any{1.0}},
		"wide": map[string]any{"k": true}, "b": []any{[]any{1.0}},
	}
	in.Subject.Claims["a"] = []any{[]any{1.0}}
	return in
}

// THREATS 40: the meter stops them before they cost much, whatever the request; nothing else does.
func TestWhatIsDearAtTheBoundsIsStoppedThere(t *testing.T) {
	const most = 64 << 20 // bytes in all, most of them garbage at once
	if err := largest().Check(Everything); err != nil {
		t.Fatal(err)
	}
	for name, expression := range dear {
		program := unhurried(t, expression)
		if program.Cost() <= CostLimit {
			t.Errorf("%s is estimated at %d", name, program.Cost())
		}
		if held, err := program.Eval(modest()); err != nil {
			t.Errorf("%s, modestly: %t, %v", name, held, err)
		}
		before := allocated()
		held, err := program.Eval(largest())
		if held || !errors.Is(err, ErrEvaluating) || !strings.Contains(err.Error(), "it costs more than 400000 for this request") ||
			!strings.Contains(err.Error(), "line 1, column ") {
			t.Errorf("%s, at the bounds: %t, %v", name, held, err)
		}
		if bytes := allocated() - before; bytes > most {
			t.Errorf("%s allocates %d bytes until it is stopped", name, bytes)
		}
	}
}

func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// unhurried gives a program of its own, that may take its time: the machine may have other things to do.
func unhurried(t *testing.T, expression string) *Program {
	t.Helper()
	program, err := load(expression, checkedOf(t, expression))
	if err != nil {
		t.Fatal(err)
	}
	l := meteredLeaf(t, program)
	l.limit = &limit{l.limit.cost, time.Hour}
	return program
}

// meteredLeaf gives the leaf that runs all of an expression.
func meteredLeaf(t *testing.T, program *Program) *leaf {
	t.Helper()
	l, ok := program.fact.(*leaf)
	if !ok || l.limit == nil {
		t.Fatalf("%T runs it", program.fact)
	}
	return l
}

// THREATS 40
func TestWhatOutlastsItsTimeIsStopped(t *testing.T) {
	program := unhurried(t, "context.list.exists(t, t in subject.groups)")
	l := meteredLeaf(t, program)
	if held, err := program.Eval(largest()); held || err != nil {
		t.Fatalf("in time: %t, %v", held, err)
	}
	l.limit = &limit{l.limit.cost, -time.Hour} // over before it begins
	if held, err := program.Eval(largest()); held || !errors.Is(err, ErrEvaluating) || !strings.Contains(err.Error(), "it took longer than any condition may") {
		t.Errorf("late: %t, %v", held, err)
	}
}

// THREATS 40: an error would be swallowed here.
func TestWhatIsStoppedIsNoErrorThatAConditionCanPassOver(t *testing.T) {
	for _, expression := range []string{
		"subject.groups.all(g, context == context) || true",
		"!(subject.groups.all(g, context == context) && false)",
		"[1, 2].exists(x, subject.groups.all(g, context == context) || x == 2)",
	} {
		if held, err := unhurried(t, expression).Eval(largest()); held || err == nil {
			t.Errorf("%s: %t, %v", expression, held, err)
		}
	}
}

// BenchmarkDear shows what a unit of cost is, in ns.
func BenchmarkDear(b *testing.B) {
	d, err := theDialect()
	if err != nil {
		b.Fatal(err)
	}
	in := largest()
	for _, expression := range []string{
		"context.list.exists(t, t in subject.groups)",
		"context.text.matches('(a|b)*c(a|b)*d')",
		"subject.groups.all(g, g != 'x')",
		"subject.groups.distinct().size() > 3",
		"context.text.split('').size() > 3",
		"context.numbers.map(n, n * 2.0).sum() > 3.0",
		"isIP(context.text)",
		"context.text.indexOf('abb') > 3",
	} {
		b.Run(expression, func(b *testing.B) {
			program := mustLoad(b, expression)
			_, charged, _ := instrument(b, d, expression).run(b, in)
			for b.Loop() {
				if _, err := program.Eval(in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(charged), "ns/unit")
			b.ReportMetric(float64(program.Cost()), "estimate")
		})
	}
}
