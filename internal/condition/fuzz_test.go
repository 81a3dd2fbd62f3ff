// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"strings"
	"testing"
)

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"resource.properties.owner == subject.id", "context.items.all(i, i.price < 10)", "subject.?session.orValue('x') == 'x'",
		"[[[1]]].map(x, x.map(y, y))[0] == []", "context.a.matches('(a*)*b')", "now - subject.authTime < duration('1h')",
		"'a' + 'b' == 'ab' ? true : 1/0 == 0", "subject.groups.exists_one(g, g == g)", "{'a': {'b': [1]}}.a.b[0] == 1", "-9223372036854775808 % -1 == 0",
		"chain.map(a, [a, a]).exists(x, x[0] == actor)", "has(context.a.b.c)", "((((true))))", "'\\u0000' == b'\\xff'", "subject.id.split('').size() > 1",
	} {
		f.Add(seed)
	}
	// THREATS 40: loops within loops, ranges, texts built from texts, regular expressions, and what is larger to walk than to make
	for _, seed := range []string{
		"lists.range(1000000).all(x, lists.range(1000000).all(y, x < y))", "[1,2].all(x, [1,2].all(y, [1,2].all(z, x + y + z > 0)))",
		"'ab'.replace('', 'abab').replace('', 'abab').replace('', 'abab').size() > 1", "subject.id.split('').join(subject.id) == 'x'",
		"subject.username.matches('((a+)+)+$')", "subject.id.find('(a|aa){30}') == ''", "subject.id.findAll('').size() > 1",
		"cel.bind(a, [1], cel.bind(b, [a, a], cel.bind(c, [b, b], c == [])))", "context.exists(k, v, k == v)", "context.?a.?b.optMap(x, x)",
		"ip(scope) in [ip('::1')]", "url(scope).getHost() == ''", "math.greatest(1, 2.5) > math.abs(-9223372036854775807 - 1)", nested("[", 40, "1", "]") + " == []",
	} {
		f.Add(seed)
	}
	for _, seeds := range []map[string]string{towers, dear} {
		for _, seed := range seeds {
			f.Add(seed)
		}
	}
	inputs := []*Input{newInput(), bare()}
	f.Fuzz(func(t *testing.T, expression string) {
		compiled, err := Compile(expression)
		if err != nil {
			return
		}
		if compiled.Cost > EstimateLimit {
			t.Fatalf("%q costs %d", expression, compiled.Cost)
		}
		program, err := Load(expression, compiled.Checked)
		if err != nil {
			t.Fatalf("%q compiles and does not load: %v", expression, err)
		}
		for _, in := range inputs {
			mustAnswer(t, program, in)
		}
	})
}

func mustAnswer(t *testing.T, program *Program, in *Input) {
	t.Helper()
	held, err := program.Eval(in)
	if held && err != nil {
		t.Fatalf("it holds and errs: %v", err)
	}
	if err != nil && (!errors.Is(err, ErrEvaluating) || strings.Contains(err.Error(), kinds[panicked])) {
		t.Fatal(err)
	}
	if again, errAgain := program.Eval(in); again != held || (err == nil) != (errAgain == nil) {
		t.Fatalf("it gives %t (%v) and then %t (%v)", held, err, again, errAgain)
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"subject.id == 'alice'", "context.items.all(i, i.price < 10)", "subject.groups.map(g, g + 'x') == []",
		"subject.groups.exists(g, subject.groups.exists(h, h == g))", "context.purpose.matches('^a+$')",
	} {
		f.Add(seed, checkedOf(f, seed))
	}
	in := newInput()
	f.Fuzz(func(t *testing.T, expression string, checked []byte) {
		program, err := Load(expression, checked)
		if err != nil {
			return
		}
		if program.Cost() > EstimateLimit {
			t.Fatalf("it costs %d", program.Cost())
		}
		mustAnswer(t, program, in)
	})
}
