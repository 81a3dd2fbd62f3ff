// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	exprpb "google.golang.org/genproto/googleapis/api/expr/v1alpha1"
	"google.golang.org/protobuf/proto"

	"behalf.dev/behalf/internal/authz"
)

func decoded(tb testing.TB, expression string) *exprpb.CheckedExpr {
	tb.Helper()
	compiled, err := Compile(expression)
	if err != nil {
		tb.Fatal(err)
	}
	message := &exprpb.CheckedExpr{}
	if err := proto.Unmarshal(compiled.Checked, message); err != nil {
		tb.Fatal(err)
	}
	return message
}

func encoded(tb testing.TB, message *exprpb.CheckedExpr) []byte {
	tb.Helper()
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// forge checks and encodes an expression that Compile would refuse, as somebody with the signing key could.
func forge(tb testing.TB, expression string, change func(*exprpb.Expr)) []byte {
	tb.Helper()
	env, err := environment()
	if err != nil {
		tb.Fatal(err)
	}
	parsed, issues := env.Parse(expression)
	if issues.Err() != nil {
		tb.Fatal(issues.Err())
	}
	message, err := cel.AstToParsedExpr(parsed)
	if err != nil {
		tb.Fatal(err)
	}
	change(message.GetExpr())
	tree, issues := env.Check(cel.ParsedExprToAst(message))
	if issues.Err() != nil {
		tb.Fatal(issues.Err())
	}
	raw, err := encode(tree)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func asIs(*exprpb.Expr) {}

// growing makes the loop of map() append its own result, so that it doubles with each turn.
func growing(e *exprpb.Expr) {
	step := e.GetCallExpr().GetArgs()[0].GetComprehensionExpr().GetLoopStep()
	step.GetCallExpr().GetArgs()[1] = &exprpb.Expr{Id: 90, ExprKind: &exprpb.Expr_IdentExpr{IdentExpr: &exprpb.Expr_Ident{Name: "@result"}}}
}

func loopOf(e *exprpb.Expr) *exprpb.Expr_Comprehension {
	if call := e.GetCallExpr(); call != nil {
		return call.GetArgs()[0].GetComprehensionExpr()
	}
	return e.GetComprehensionExpr()
}

// THREATS 33, 40
func TestForgedExpressionsAreNotLoaded(t *testing.T) {
	const loop = "[1, 2].map(x, x) == [1]"
	for _, c := range []struct {
		name    string
		checked []byte
		want    string
	}{
		{"nothing", nil, "loading condition"},
		{"not a protobuf", []byte("condition"), "decoding"},
		{"far too much", make([]byte, maxChecked+1), "bytes, more than"},
		{"an expression that costs too much", forge(t, "subject.groups.exists(g, subject.groups.exists(h, h == g))", asIs), "the limit is 400000"},
		{"a function that is not allowed", forge(t, "now.getHours('UTC') == 1", asIs), "time zone"},
		{"a pattern that is not a constant", forge(t, "subject.id.matches(scope)", asIs), "must be a constant"},
		{"an expression that is no bool", forge(t, "subject.id", asIs), "a condition is a bool"},
		{"a message", forge(t, "google.protobuf.Timestamp{} == now", asIs), "do not make them"},
		{"a loop that doubles its result", forge(t, loop, growing), "malformed loop"},
		{"a loop with another accumulator", forge(t, "[1, 2].all(x, true)", func(e *exprpb.Expr) {
			l := loopOf(e)
			l.AccuVar = "other"
			l.GetLoopCondition().GetCallExpr().GetArgs()[0].GetIdentExpr().Name = "other"
			l.GetLoopStep().GetCallExpr().GetArgs()[0].GetIdentExpr().Name = "other"
			l.GetResult().GetIdentExpr().Name = "other"
		}), "malformed loop"},
		{"a loop over two variables", forge(t, loop, func(e *exprpb.Expr) { loopOf(e).IterVar2 = "y" }), "malformed loop"},
		{"a loop whose variable hides the accumulator", forge(t, "[1, 2].map(x, 1) == [1]", func(e *exprpb.Expr) { loopOf(e).IterVar = "@result2" }), "malformed loop"},
		{"a loop that looks at its accumulator", forge(t, "[1, 2].all(x, x == 1)", func(e *exprpb.Expr) {
			loopOf(e).GetLoopStep().GetCallExpr().GetArgs()[1].GetCallExpr().GetArgs()[0].GetIdentExpr().Name = "@result"
			loopOf(e).GetLoopStep().GetCallExpr().GetArgs()[1].GetCallExpr().GetArgs()[1].ExprKind = &exprpb.Expr_ConstExpr{
				ConstExpr: &exprpb.Constant{ConstantKind: &exprpb.Constant_BoolValue{BoolValue: true}},
			}
		}), "malformed expression tree"},
		{"an id that stands twice", forge(t, "subject.id == 'a' || subject.id == 'b'", func(e *exprpb.Expr) {
			args := e.GetCallExpr().GetArgs()
			args[1].GetCallExpr().GetArgs()[1].Id = args[0].GetCallExpr().GetArgs()[1].GetId()
		}), "malformed expression tree"},
		{"an id of zero", forge(t, "subject.id == 'a'", func(e *exprpb.Expr) { e.GetCallExpr().GetArgs()[1].Id = 0 }), "loading condition"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(c.checked)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestBytesThatDifferInAnythingAreNotLoaded(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*exprpb.CheckedExpr)
	}{
		{"another type", func(m *exprpb.CheckedExpr) {
			m.GetTypeMap()[m.GetExpr().GetId()] = &exprpb.Type{TypeKind: &exprpb.Type_Dyn{}}
		}},
		{"a type for nothing", func(m *exprpb.CheckedExpr) {
			m.GetTypeMap()[99] = &exprpb.Type{TypeKind: &exprpb.Type_Primitive{Primitive: exprpb.Type_BOOL}}
		}},
		{"another function", func(m *exprpb.CheckedExpr) {
			m.GetReferenceMap()[m.GetExpr().GetId()] = &exprpb.Reference{OverloadId: []string{"not_equals"}}
		}},
		{"a reference for nothing", func(m *exprpb.CheckedExpr) { m.GetReferenceMap()[99] = &exprpb.Reference{Name: "now"} }},
		{"source positions", func(m *exprpb.CheckedExpr) { m.SourceInfo = &exprpb.SourceInfo{Location: "x"} }},
		{"another version", func(m *exprpb.CheckedExpr) { m.ExprVersion = "2" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			message := decoded(t, "subject.id == 'alice'")
			c.change(message)
			if _, err := Load(encoded(t, message)); !errors.Is(err, ErrNotCanonical) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAPanicIsAnError(t *testing.T) {
	compiled, err := Compile("subject.id == 'alice'")
	if err != nil {
		t.Fatal(err)
	}
	program, err := Load(compiled.Checked)
	if err != nil {
		t.Fatal(err)
	}
	if held, err := (&Program{}).Eval(newInput()); held || err == nil {
		t.Errorf("a program of nothing holds: %t, %v", held, err)
	}
	if held, err := program.Eval(&Input{}); held || err == nil {
		t.Errorf("without a subject it holds: %t, %v", held, err)
	}
}

func TestOnlyTheLoopsOfMacrosAreTaken(t *testing.T) {
	yes, one := literal(&exprpb.Constant{ConstantKind: &exprpb.Constant_BoolValue{BoolValue: true}}), literal(&exprpb.Constant{ConstantKind: &exprpb.Constant_Int64Value{Int64Value: 1}})
	for _, c := range []struct {
		expression string
		change     func(*exprpb.Expr_Comprehension)
	}{
		{"[1].all(x, true)", func(l *exprpb.Expr_Comprehension) { l.GetAccuInit().ExprKind = yes; l.GetResult().ExprKind = yes }},
		{"[1].all(x, true)", func(l *exprpb.Expr_Comprehension) { l.GetLoopStep().GetCallExpr().Function = "_||_" }},
		{"[1].all(x, true)", func(l *exprpb.Expr_Comprehension) { l.GetLoopStep().GetCallExpr().GetArgs()[0].ExprKind = yes }},
		{"[1].exists(x, true)", func(l *exprpb.Expr_Comprehension) { l.GetAccuInit().ExprKind = yes }},
		{"[1].exists(x, true)", func(l *exprpb.Expr_Comprehension) { l.GetLoopStep().GetCallExpr().Function = "_&&_" }},
		{"[1].exists(x, true)", func(l *exprpb.Expr_Comprehension) { l.GetLoopCondition().GetCallExpr().GetArgs()[0].ExprKind = yes }},
		{"[1].exists_one(x, true)", func(l *exprpb.Expr_Comprehension) { l.GetAccuInit().ExprKind = one }},
		{"[1].exists_one(x, true)", func(l *exprpb.Expr_Comprehension) { l.GetResult().GetCallExpr().Function = "_!=_" }},
		{"[1].exists_one(x, true)", func(l *exprpb.Expr_Comprehension) { l.GetLoopStep().GetCallExpr().GetArgs()[2].ExprKind = one }},
		{"[1].exists_one(x, true)", func(l *exprpb.Expr_Comprehension) {
			l.GetLoopStep().GetCallExpr().GetArgs()[1].GetCallExpr().Function = "_*_"
		}},
		{"[1].exists_one(x, true)", func(l *exprpb.Expr_Comprehension) { l.GetLoopStep().ExprKind = one }},
		{"[1].map(x, true) == []", func(l *exprpb.Expr_Comprehension) {
			l.GetLoopCondition().GetConstExpr().ConstantKind = &exprpb.Constant_BoolValue{}
		}},
		{"[1].map(x, true) == []", func(l *exprpb.Expr_Comprehension) {
			list := l.GetLoopStep().GetCallExpr().GetArgs()[1].GetListExpr()
			list.Elements = append(list.Elements, &exprpb.Expr{Id: 91, ExprKind: yes})
		}},
		{"[1].filter(x, true) == []", func(l *exprpb.Expr_Comprehension) {
			l.GetLoopStep().GetCallExpr().GetArgs()[2].ExprKind = &exprpb.Expr_ListExpr{ListExpr: &exprpb.Expr_CreateList{}}
		}},
		{"[1].filter(x, true) == []", func(l *exprpb.Expr_Comprehension) {
			l.GetLoopStep().GetCallExpr().GetArgs()[1].GetCallExpr().GetArgs()[1].GetListExpr().Elements = nil
		}},
	} {
		checked := forge(t, c.expression, func(e *exprpb.Expr) { c.change(loopOf(e)) })
		if _, err := Load(checked); err == nil || !strings.Contains(err.Error(), "malformed loop") {
			t.Errorf("a changed %s: got %v", c.expression, err)
		}
	}
}

func literal(c *exprpb.Constant) *exprpb.Expr_ConstExpr { return &exprpb.Expr_ConstExpr{ConstExpr: c} }

func TestObjectsKeepToThemselves(t *testing.T) {
	words, err := newVocabulary()
	if err != nil {
		t.Fatal(err)
	}
	actor := words.NativeToValue(&authz.Actor{Namespace: "a", ServiceAccount: "b"})
	if got := actor.ConvertToType(actorType); got != actor {
		t.Errorf("as itself it is %v", got)
	}
	if got := actor.ConvertToType(types.TypeType); got != ref.Val(actorType) {
		t.Errorf("its type is %v", got)
	}
	if got := actor.ConvertToType(types.StringType); !types.IsError(got) {
		t.Errorf("as a string it is %v", got)
	}
	if got, err := actor.ConvertToNative(reflect.TypeFor[*authz.Actor]()); err != nil || got != actor.Value() {
		t.Errorf("natively it is %v, %v", got, err)
	}
	if _, err := actor.ConvertToNative(reflect.TypeFor[string]()); !errors.Is(err, errNoConversion) {
		t.Errorf("natively a string: %v", err)
	}
	if got := words.NewValue("behalf.Actor", nil); !types.IsError(got) {
		t.Errorf("a new one is %v", got)
	}
	if names, ok := words.FindStructFieldNames("behalf.Actor"); !ok || !reflect.DeepEqual(names, []string{"namespace", "serviceAccount"}) {
		t.Errorf("its fields are %v", names)
	}
	if _, ok := words.FindStructFieldNames("behalf.Nothing"); ok {
		t.Error("an unknown type has fields")
	}
	if got, ok := actor.(*object); !ok || !types.IsError(got.Get(types.Int(1))) || got.IsSet(types.Int(1)) != types.False {
		t.Error("it has a field by number")
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"resource.properties.owner == subject.id", "context.items.all(i, i.price < 10)", "subject.?session.orValue('x') == 'x'",
		"[[[1]]].map(x, x.map(y, y))[0] == []", "context.a.matches('(a*)*b')", "now - subject.authTime < duration('1h')",
		"'a' + 'b' == 'ab' ? true : 1/0 == 0", "subject.groups.exists_one(g, g == g)", "{'a': {'b': [1]}}.a.b[0] == 1", "-9223372036854775808 % -1 == 0",
		"chain.map(a, [a, a]).exists(x, x[0] == actor)", "has(context.a.b.c)", "((((true))))", "'\\u0000' == b'\\xff'", "subject.id.split('').size() > 1",
	} {
		f.Add(seed)
	}
	inputs := []*Input{newInput(), bare()}
	f.Fuzz(func(t *testing.T, expression string) {
		compiled, err := Compile(expression)
		if err != nil {
			return
		}
		if compiled.Cost > CostLimit {
			t.Fatalf("%q costs %d", expression, compiled.Cost)
		}
		program, err := Load(compiled.Checked)
		if err != nil {
			t.Fatalf("%q compiles and does not load: %v", expression, err)
		}
		for _, in := range inputs {
			if held, err := program.Eval(in); held && err != nil {
				t.Fatalf("%q holds and errs: %v", expression, err)
			}
		}
	})
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"subject.id == 'alice'", "context.items.all(i, i.price < 10)", "subject.groups.map(g, g + 'x') == []"} {
		compiled, err := Compile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(compiled.Checked)
	}
	f.Add(forge(f, "[1, 2].map(x, x) == [1]", growing))
	f.Add(forge(f, "subject.groups.exists(g, subject.groups.exists(h, h == g))", asIs))
	in := newInput()
	f.Fuzz(func(t *testing.T, checked []byte) {
		program, err := Load(checked)
		if err != nil {
			return
		}
		if program.Cost() > CostLimit {
			t.Fatalf("it costs %d", program.Cost())
		}
		if held, err := program.Eval(in); held && err != nil {
			t.Fatalf("it holds and errs: %v", err)
		}
	})
}
