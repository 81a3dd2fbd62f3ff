// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"strings"
	"testing"
)

// repeatedly applies a macro to its own result.
func repeatedly(start, macro string, times int, end string) string {
	return start + strings.Repeat(macro, times) + end
}

var towers = map[string]string{
	"a list that quadruples and is unequal":       repeatedly("[['a']]", ".map(a, [a, a, a, a])", 14, ".all(z, z != z)"),
	"a map that quadruples":                       repeatedly("[{'k': 'a'}]", ".map(a, {'k': a, 'l': a, 'm': a, 'n': a})", 14, ".all(z, dyn(z) == dyn(z))"),
	"a list that quadruples behind dyn()":         repeatedly("[dyn(['a'])]", ".map(a, dyn([a, a, a, a]))", 14, ".all(z, z == z)"),
	"a list that quadruples in an optional":       repeatedly("[['a']]", ".map(a, dyn([optional.of(a), optional.of(a), optional.of(a), optional.of(a)]))", 14, ".all(z, z == z)"),
	"a list that quadruples in a choice":          repeatedly("[dyn(['a'])]", ".map(a, true ? dyn([a, a, a, a]) : a)", 14, ".all(z, z == z)"),
	"a list that quadruples by filter and choice": repeatedly("[dyn(['a'])]", ".filter(a, true).map(a, optional.none().orValue([a, a, a, a, a, a, a, a]))", 7, ".all(z, z == z)"),
	"a list that quadruples, looked for":          repeatedly("[['a']]", ".map(a, [a, a, a, a])", 14, ".all(z, z in [z])"),
	"a list that quadruples, as a set":            repeatedly("[['a']]", ".map(a, [a, a, a, a])", 14, ".all(z, sets.contains([z], [z]))"),
	"a list that quadruples, intersected":         repeatedly("[['a']]", ".map(a, [a, a, a, a])", 14, ".all(z, sets.intersects([z], [z]))"),
	"a list that quadruples, as an equivalent":    repeatedly("[['a']]", ".map(a, [a, a, a, a])", 14, ".all(z, sets.equivalent([z], [z]))"),
	"a list that quadruples, as a key":            repeatedly("[dyn(['a'])]", ".map(a, dyn([a, a, a, a]))", 14, ".all(z, {'a': true}[z])"),
	"a list that quadruples, as a key if there":   repeatedly("[dyn(['a'])]", ".map(a, dyn([a, a, a, a]))", 14, ".all(z, context[?z].hasValue())"),
}

// THREATS 40
func TestValuesThatAreLargerToWalkThanToMakeAreRefused(t *testing.T) {
	for name, expression := range towers {
		_, err := Compile(expression)
		if err == nil || !strings.Contains(err.Error(), "line 1, column ") || !strings.Contains(err.Error(), "ask about the request directly") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// THREATS 40: what is checked grows with the power of how deep loops stand in one another, before any cost is known.
func TestTooManyLoopsAreRefusedBeforeTheirTypesAreChecked(t *testing.T) {
	for times, refused := range map[int]bool{MaxLoops - 1: false, MaxLoops: true, 100: true} {
		expression := repeatedly("subject.groups", ".map(a, a)", times, ".all(z, z == 'x')")
		_, err := Compile(expression)
		if got := err != nil && strings.Contains(err.Error(), "loops (all, exists, exists_one, filter, map, transformList, cel.bind), more than 16"); got != refused {
			t.Errorf("%d loops: got %v", times+1, err)
		}
	}
}

// THREATS 40
func TestListsAreNotJoined(t *testing.T) {
	for _, expression := range []string{
		"'x' in subject.groups + ['a']",
		"context.a + context.b == context.c",
		repeatedly("[['a']]", ".map(a, a + a)", 14, ".all(z, size(z) == 1)"),
		repeatedly("[context.l]", ".map(a, a + a)", 14, ".all(z, z == z)"),
	} {
		_, err := Compile(expression)
		if err == nil || !strings.Contains(err.Error(), "lists and bytes cannot be joined in conditions") {
			t.Errorf("%.60s: got %v", expression, err)
		}
	}
	for _, expression := range []string{"double(context.a) + double(context.b) < 3.0", "string(context.a) + string(context.b) == 'ab'", "context.a + 1 == 2"} {
		if _, err := Compile(expression); err != nil {
			t.Errorf("%s: %v", expression, err)
		}
	}
}

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
		{"(has(context.team) ? context.team : []).exists(t, t == 'x')", 8_000},
		{"context.items.all(i, i.price < 10)", 8_000},
		{"chain.exists(a, a.namespace == 'x')", 1_000},
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
func TestAComparisonCostsWhatItWalks(t *testing.T) {
	for _, c := range []struct {
		expression  string
		least, most uint64
	}{
		{"subject.id == resource.id", 1, 110},
		{"subject.claims.clearance >= resource.properties.level", 1, 4_000},
		{"resource.id in subject.claims.patients", 200, 1_500},
		{"resource.properties.region in [subject.claims.region, 'global']", 10_000, 40_000},
		{"'a' in subject.groups || subject.id in ['a', 'b']", 200, 500},
		{"sets.intersects(subject.groups, ['a', 'b'])", 500, 2_000},
		{"chain.exists(a, a == actor)", 64, 1_000},
		{"subject.groups.exists(g, g == resource.properties.owner)", 256, 30_000},
		{"resource.properties.teams.exists(t, string(t) in subject.claims.teams)", 65_000, 250_000},
		{"context.items.map(i, i.price).exists(p, p == 7)", 256, 10_000},
		{"context.a == context.b", MaxTotal / 16, 40_000},
		{"subject.claims == context", MaxTotal / 16, 40_000},
		{"[[1, 2], [3]] == [[1, 2], [3]]", 4, 100},
		{repeatedly("[['a']]", ".map(a, [a, a])", 10, ".all(z, z == z)"), 2_048, 20_000},
	} {
		compiled, err := Compile(c.expression)
		if err != nil {
			t.Errorf("%s: %v", c.expression, err)
			continue
		}
		if compiled.Cost < c.least || compiled.Cost > c.most {
			t.Errorf("%s is estimated at %d, want %d to %d", c.expression, compiled.Cost, c.least, c.most)
		}
	}
}

// THREATS 40
func TestExpensiveExpressionsAreRefusedWithFigureAndLimit(t *testing.T) {
	for _, c := range []struct{ expression, message string }{
		{"context.a.all(x, context.b.all(y, context.c.all(z, x == y)))", "line 1, column 54: the expression could cost 275400369164, and the limit is 1638400000"},
		{"sets.equivalent(context.a.split(''), context.b.split(''))", "line 1, column 16: the expression could cost 2147745803, and the limit is 1638400000"},
		{
			"subject.groups.all(a, subject.groups.all(b, subject.groups.all(c, subject.groups.all(d, a == b || c == d))))",
			"and the limit is 1638400000, most of it for this",
		},
		{repeatedly("[context.text]", ".map(a, a.replace('', a))", 6, ".all(z, z == 'x')"), "the expression could cost any amount, and the limit is 1638400000"},
	} {
		_, err := Compile(c.expression)
		if err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%.80s: got %v, want %s", c.expression, err, c.message)
		}
	}
}
