// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"strings"
	"testing"
)

// nested puts one thing into another, so often.
func nested(before string, times int, core, after string) string {
	return strings.Repeat(before, times) + core + strings.Repeat(after, times)
}

// THREATS 40: what it takes to check types grows with the power of how deep they lie in one another.
func TestWhatLiesTooDeepIsRefusedBeforeItsTypesAreChecked(t *testing.T) {
	const refusal = "lists, maps and loops lie in one another deeper than 32 here"
	for _, c := range []struct{ name, expression, where string }{
		{"lists", nested("[", 40, "1", "]") + " == []", "line 1, column 9"},
		{"maps", nested("{'a': ", 40, "1", "}") + " == {}", "line 1, column 49"},
		{"keys of maps", nested("{", 40, "1", ": 1}") + " == {}", "line 1, column 9"},
		{"optionals", nested("optional.of(", 40, "1", ")") + ".hasValue()", "line 1, column 120"},
		{"lists of loops", repeatedly("[[[[1]]]]", ".map(a, [[[[a]]]])", 8, " == []"), "line 1, column 109"},
		{"a list of a name for a list", "cel.bind(a, " + nested("[", 20, "1", "]") + ", " + nested("[", 20, "a", "]") + " == [])", "line 1, column 64"},
	} {
		_, err := Compile(c.expression)
		if err == nil || !strings.Contains(err.Error(), refusal) || !strings.HasPrefix(err.Error(), c.where) {
			t.Errorf("%s: got %v, want it at %s", c.name, err, c.where)
		}
	}
	for _, expression := range []string{
		nested("[", 30, "1", "]") + " == []",
		nested("[dyn(", 40, "1", ")]") + " == []",
		"context.?a" + strings.Repeat(".?a", 60) + ".hasValue()",
		strings.Repeat("subject.id == 'a' || ", 90) + "true",
		"subject.id" + strings.Repeat(".trim()", 60) + " == 'a'",
	} {
		if _, err := Compile(expression); err != nil {
			t.Errorf("%.40s: %v", expression, err)
		}
	}
}
