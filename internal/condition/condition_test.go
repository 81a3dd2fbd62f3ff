// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
)

var now = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

func newInput() *Input {
	return &Input{
		Subject: &authz.Subject{
			Issuer: "corp", ID: "alice", Username: "alice@example.com", Groups: []string{"customers", "north"},
			Claims: map[string]any{"department": "north", "level": 3.0, "manager": nil}, AuthTime: now.Add(-30 * time.Minute), Session: "s-1",
		},
		Actor:    authz.Actor{Namespace: "support", ServiceAccount: "portal"},
		Chain:    []authz.Actor{{Namespace: "routing", ServiceAccount: "router"}, {Namespace: "support", ServiceAccount: "portal"}},
		Audience: "https://tickets.example", Scope: "tickets:read",
		Resource: &authz.Resource{Type: "ticket", ID: "acme/42", Properties: map[string]any{
			"owner": "alice", "team": []any{"north", "south"}, "size": 3.0, "open": true, "nested": map[string]any{"a": []any{1.0}},
		}},
		Context: map[string]any{"purpose": "support", "items": []any{map[string]any{"price": 5.0}, map[string]any{"price": 7.5}}},
		Now:     now,
	}
}

// bare is a request that brings as little as one can.
func bare() *Input {
	return &Input{Subject: &authz.Subject{ID: "alice"}, Resource: &authz.Resource{}, Now: now}
}

// answer of a condition.
type answer string

const (
	holds  answer = "holds"
	unmet  answer = "does not hold"
	failed answer = "errs"
)

func ask(tb testing.TB, expression string, in *Input) (answer, error) {
	tb.Helper()
	compiled, err := Compile(expression)
	if err != nil {
		tb.Fatalf("compiling %s: %v", expression, err)
	}
	program, err := Load(expression, compiled.Checked)
	if err != nil {
		tb.Fatalf("loading %s: %v", expression, err)
	}
	if program.Cost() != compiled.Cost {
		tb.Errorf("%s costs %d when compiled and %d when loaded", expression, compiled.Cost, program.Cost())
	}
	held, err := program.Eval(in)
	switch {
	case err != nil && held:
		tb.Errorf("%s holds and errs", expression)
		return failed, err
	case err != nil:
		return failed, err
	case held:
		return holds, nil
	default:
		return unmet, nil
	}
}

func TestWhatConditionsRead(t *testing.T) {
	for expression, want := range map[string]answer{
		"subject.id == 'alice' && subject.issuer == 'corp' && subject.username == 'alice@example.com'": holds,
		"'customers' in subject.groups":                                     holds,
		"'agents' in subject.groups":                                        unmet,
		"subject.groups == ['customers', 'north']":                          holds,
		"subject.claims.department == 'north'":                              holds,
		"subject.claims['department'] == 'north'":                           holds,
		"subject.claims == {'department': 'north'}":                         unmet,
		"subject.claims.manager == null":                                    holds,
		"subject.claims.level >= 3":                                         holds,
		"subject.session == 's-1'":                                          holds,
		"now - subject.authTime <= duration('30m')":                         holds,
		"now - subject.authTime < duration('30m')":                          unmet,
		"subject.authTime == timestamp('2026-06-01T09:30:00Z')":             holds,
		"actor.namespace == 'support' && actor.serviceAccount == 'portal'":  holds,
		"chain[0].serviceAccount == 'router' && size(chain) == 2":           holds,
		"chain.exists(a, a.namespace == 'routing')":                         holds,
		"chain.all(a, a.namespace == 'routing')":                            unmet,
		"chain.map(a, a.serviceAccount) == ['router', 'portal']":            holds,
		"actor in chain && chain[1] == actor && chain[0] != actor":          holds,
		"audience == 'https://tickets.example' && scope.endsWith(':read')":  holds,
		"resource.type == 'ticket' && resource.id.startsWith('acme/')":      holds,
		"resource.id.split('/')[1] == '42'":                                 holds,
		"resource.properties.owner == subject.id":                           holds,
		"resource.properties.size == 3 && resource.properties.size < 4":     holds,
		"resource.properties.open == true":                                  holds,
		"resource.properties.nested.a[0] == 1":                              holds,
		"resource.properties.team.exists(t, t in subject.groups)":           holds,
		"sets.intersects(resource.properties.team, subject.groups)":         holds,
		"sets.contains(subject.groups, ['north'])":                          holds,
		"context.purpose == 'support'":                                      holds,
		"context.purpose.matches('^s[a-z]+$')":                              holds,
		"context.items.all(i, i.price < 10)":                                holds,
		"context.items.exists_one(i, i.price > 7)":                          holds,
		"context.items.filter(i, i.price > 7).size() == 1":                  holds,
		"context.items.map(i, i.price > 7, i.price)[0] == 7.5":              holds,
		"context.?items[?1].?price.orValue(0) == 7.5":                       holds,
		"now.getHours() == 10 && now.getDayOfWeek() == 1":                   holds,
		"now >= timestamp('2026-06-01T10:00:00Z')":                          holds,
		"string(resource.properties.size) == '3'":                           holds,
		"subject.username.lowerAscii().indexOf('@') == 5":                   holds,
		"[1, 2, 3].map(x, x * 2).exists(x, x == 6)":                         holds,
		"dyn(actor).namespace == 'support' && !has(dyn(actor).nothing)":     holds,
		"dyn(subject) == dyn(subject) && dyn(subject) != dyn(resource)":     holds,
		"has({'a': 1}.a) && {'a': 1}['a'] == 1":                             holds,
		"{'owner': resource.properties.owner}['owner'] == subject.id":       holds,
		"size(subject.username) > 3 && subject.username.size() > 3":         holds,
		"matches(subject.id, '^a')":                                         holds,
		"{'a': [now]}.a[0] == now && [subject][0].id == 'alice'":            holds,
		"int(string(resource.properties.size)) == 3":                        holds,
		"string(now) == '2026-06-01T10:00:00Z' && bool('true')":             holds,
		"has(subject.claims.manager) && !has(subject.claims.boss)":          holds,
		"has(context.purpose) == true && has(context.nothing) == false":     holds,
		"context.items[0].open || context.items[1].price == 7.5":            holds,
		"(subject.id == 'alice' ? actor : chain[0]).namespace == 'support'": holds,
	} {
		if got, err := ask(t, expression, newInput()); got != want {
			t.Errorf("%s %s (%v), want: %s", expression, got, err, want)
		}
	}
}

func TestWhatARequestLacksIsAnError(t *testing.T) {
	for expression, want := range map[string]answer{
		"subject.session == 's-1'":                             failed,
		"subject.username == ''":                               failed,
		"subject.issuer == ''":                                 failed,
		"subject.authTime < now":                               failed,
		"actor.namespace == ''":                                failed,
		"resource.id == ''":                                    failed,
		"resource.properties.owner == subject.id":              failed,
		"context.purpose == 'support'":                         failed,
		"context['purpose'] == 'support'":                      failed,
		"chain[0] == actor":                                    failed,
		"subject.claims.department != 'north'":                 failed,
		"!(subject.claims.department == 'north')":              failed,
		"dyn(subject).session == 's'":                          failed,
		"has(subject.session)":                                 unmet,
		"has(subject.authTime)":                                unmet,
		"has(subject.username)":                                unmet,
		"has(resource.id)":                                     unmet,
		"has(resource.properties.owner)":                       unmet,
		"has(context.purpose)":                                 unmet,
		"has(actor.namespace)":                                 unmet,
		"has(dyn(subject).session)":                            unmet,
		"has(subject.id) && has(subject.groups)":               holds,
		"size(subject.groups) == 0 && size(chain) == 0":        holds,
		"subject.groups.all(g, g == 'x')":                      holds,
		"subject.?session.orValue('none') == 'none'":           holds,
		"resource.properties.?owner.orValue('x') == 'x'":       holds,
		"subject.id in resource.properties.?team.orValue([])":  unmet,
		"!has(context.purpose) || context.purpose == 'x'":      holds,
		"subject.id == 'alice' || context.purpose == 'x'":      holds,
		"subject.id == 'bob' && context.purpose == 'x'":        unmet,
		"subject.id == 'bob' || context.purpose == 'x'":        failed,
		"audience == '' && scope == ''":                        holds,
		"context.?purpose.hasValue()":                          unmet,
		"context.?purpose.or(optional.of('x')).value() == 'x'": holds,
	} {
		if got, err := ask(t, expression, bare()); got != want {
			t.Errorf("%s %s (%v), want: %s", expression, got, err, want)
		}
	}
}

func TestARequestOfTheWrongTypesErrs(t *testing.T) {
	for _, expression := range []string{
		"context.purpose > 3", "context.items.all(i, i > 3)", "context.purpose.exists(c, c == 's')", "resource.properties.size.startsWith('3')",
		"subject.claims.department + 1 == 2", "context.purpose == 'support' && resource.properties.size", "subject.claims.level",
	} {
		compiled, err := Compile(expression)
		if err != nil {
			continue // so much the better
		}
		program, err := Load(expression, compiled.Checked)
		if err != nil {
			t.Fatal(err)
		}
		if held, err := program.Eval(newInput()); held || err == nil {
			t.Errorf("%s holds: %t, %v", expression, held, err)
		}
	}
}

func TestRefusedExpressionsSayWhereAndWhy(t *testing.T) {
	for _, c := range []struct {
		expression, message string
		line, column        int
	}{
		{"subject.nmae == 'x'", "undefined field 'nmae'", 1, 8},
		{"actor.name == 'x'", "undefined field 'name'", 1, 6},
		{"true &&\n  resource.owner == 'x'", "undefined field 'owner'", 2, 11},
		{"chain.exists(a, a.nmae == 'x')", "undefined field 'nmae'", 1, 18},
		{"foo == 1", "undeclared reference to 'foo'", 1, 1},
		{"subject.id == 1", "no matching overload for '_==_'", 1, 12},
		{"subject.id ==", "Syntax error", 1, 14},
		{"", "Syntax error", 1, 1},
		{"subject.id", "the expression yields string, and a condition is a bool", 1, 1},
		{"context.flag", "the expression yields dyn, and a condition is a bool", 1, 1},
		{"behalf.Actor{namespace: 'x'} == actor", "conditions read objects and do not make them", 1, 13},
		{"google.protobuf.Timestamp{} == now", "conditions read objects and do not make them", 1, 26},
		{"subject.id.reverse() == 'b'", "reverse() cannot be used in conditions", 1, 19},
		{"strings.quote(subject.id) == 'b'", "strings.quote() cannot be used in conditions", 1, 14},
		{"'%s'.format([subject.id]) == 'b'", "format() cannot be used in conditions", 1, 12},
		{"lists.range(3)[0] == 0", "lists.range() cannot be used in conditions", 1, 12},
		{"[2, 1].sort()[0] == 1", "sort() cannot be used in conditions", 1, 12},
		{"[2, 1].sortBy(x, -x)[0] == 1", "@sortByAssociatedKeys() cannot be used in conditions", 1, 14},
		{"[[1]].flatten(3) == [1]", "flatten() cannot be used in conditions", 1, 14},
		{"context.transformMap(k, v, v) == context", "transformMap() and transformMapEntry() cannot be used in conditions", 1, 21},
		{"context.transformMapEntry(k, v, {k: v}) == context", "transformMap() and transformMapEntry() cannot be used in conditions", 1, 26},
		{"context == {'a': [b'a']}", "bytes cannot be used in conditions", 1, 19},
		{"cel.bind(a, b'a', context.a == 1)", "bytes cannot be used in conditions", 1, 13},
		{"subject.id.find(scope) == 'a'", "the pattern of find() must be a constant", 1, 16},
		{"subject.id.findAll('(') == []", "the pattern of findAll(): error parsing regexp", 1, 19},
		{"ip('300.1.1.1') == ip('1.1.1.1')", "invalid ip argument", 1, 4},
		{"type(context) == map", "type() cannot be used in conditions", 1, 5},
		{"bytes('a') == bytes('a')", "bytes() cannot be used in conditions", 1, 6},
		{"context.a == b'a'", "bytes cannot be used in conditions; a request has none", 1, 14},
		{"now.getHours('Europe/Berlin') == 3", "getHours() with a time zone reads the machine's time zone database; conditions count in UTC", 1, 13},
		{"now.getSeconds('UTC') == 3", "getSeconds() with a time zone", 1, 15},
		{"context.a.optMap(x, x) == optional.of(1)", "undeclared reference to 'optMap'", 1, 17},
		{"subject.id.matches(context.pattern)", "the pattern of matches() must be a constant", 1, 19},
		{"subject.id.matches('(')", "the pattern of matches(): error parsing regexp", 1, 19},
		{"subject.id.matches('" + strings.Repeat("a", 257) + "')", "the pattern of matches() has 257 bytes, more than 256", 1, 19},
		{"subject.id.matches('((a{100}){10})')", "instructions, more than 512", 1, 19},
		{"subject.id.matches('a{1001}')", "the pattern of matches(): error parsing regexp", 1, 19},
		{"now - subject.authTime < duration('soon')", "a constant in the expression is wrong: type conversion error from 'string' to 'google.protobuf.Duration'", 1, 34},
		{"true || " + strings.Repeat(" ", MaxExpression) + "true", "the expression has 2060 characters, more than 2048", 0, 0},
	} {
		_, err := Compile(c.expression)
		if err == nil {
			t.Errorf("%.80s compiles", c.expression)
			continue
		}
		refused := asError(err)
		if !strings.Contains(refused.Message, c.message) || refused.Line != c.line || refused.Column != c.column {
			t.Errorf("%.80s: got %+v, want %q at %d:%d", c.expression, refused, c.message, c.line, c.column)
		}
	}
	_, err := Compile("subject.nmae == 'x'")
	if want := "line 1, column 8: undefined field 'nmae'"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	_, err = Compile(strings.Repeat("(", MaxExpression+1))
	if want := "the expression has 2049 characters, more than 2048"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestEqualExpressionsHaveEqualBytes(t *testing.T) {
	want, err := Compile("subject.id == 'alice' && context.items.all(i, i.price < 10)")
	if err != nil {
		t.Fatal(err)
	}
	for _, expression := range []string{
		"subject.id == 'alice' && context.items.all(i, i.price < 10)",
		"  subject.id=='alice'\n&& context.items.all( i ,i.price<10 ) // comment",
	} {
		for range 20 {
			got, err := Compile(expression)
			if err != nil || !bytes.Equal(got.Checked, want.Checked) || got.Cost != want.Cost {
				t.Fatalf("%q gives other bytes (%v)", expression, err)
			}
		}
	}
}

func BenchmarkEval(b *testing.B) {
	for _, expression := range []string{
		"resource.properties.owner == subject.id", "context.purpose == 'support' && 'north' in subject.groups",
		"now - subject.authTime < duration('1h')", "chain.exists(a, a.namespace == 'routing')",
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
			in := newInput()
			b.ReportAllocs()
			for b.Loop() {
				if held, err := program.Eval(in); !held || err != nil {
					b.Fatal(held, err)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, expression := range []string{
		"resource.properties.owner == subject.id",
		"has(context.ticket) && context.ticket.startsWith('CASE-') && resource.properties.items.exists(i, i.price < 10)",
	} {
		checked := checkedOf(b, expression)
		for _, c := range []struct {
			name string
			load func(string, []byte) (*Program, error)
		}{{"anew", load}, {"in use", Load}} {
			b.Run(expression+"/"+c.name, func(b *testing.B) {
				used := mustLoad(b, expression)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := c.load(expression, checked); err != nil {
						b.Fatal(err)
					}
				}
				runtime.KeepAlive(used)
			})
		}
	}
}
