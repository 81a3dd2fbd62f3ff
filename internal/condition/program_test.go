// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"bytes"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"behalf.dev/behalf/internal/authz"
)

// checkedOf gives the checked form of an expression, or of one that Compile refuses, as somebody with the signing key could.
func checkedOf(tb testing.TB, expression string) []byte {
	tb.Helper()
	d, err := theDialect()
	if err != nil {
		tb.Fatal(err)
	}
	tree, issues := d.env.Compile(expression)
	if issues.Err() != nil {
		tb.Fatal(issues.Err())
	}
	raw, err := encode(tree)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// mustLoad gives an expression as the engine has it.
func mustLoad(tb testing.TB, expression string) *Program {
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
	return program
}

// THREATS 33, 40
func TestWhatABundleClaimsIsHeldToTheSameRulesAsWhatPeopleWrite(t *testing.T) {
	for _, c := range []struct{ name, expression, want string }{
		{"nothing", "", "Syntax error"},
		{"far too much", strings.Repeat("(", MaxExpression+1), "2049 characters, more than 2048"},
		{"something that cannot be read", "subject.id ==", "Syntax error"},
		{"a field that there is not", "subject.nmae == 'x'", "undefined field 'nmae'"},
		{"no bool", "subject.id", "a condition is a bool"},
		{"too much", "sets.equivalent(context.a.split(''), context.b.split(''))", "the limit is 1638400000"},
		{"a constant that is none", "now == timestamp('soon')", "a constant in the expression is wrong"},
		{"a function that is not allowed", "now.getHours('UTC') == 1", "time zone"},
		{"a pattern that is no constant", "subject.id.matches(scope)", "must be a constant"},
	} {
		var checked []byte
		if d, err := theDialect(); err == nil {
			if _, issues := d.env.Compile(c.expression); issues.Err() == nil {
				checked = checkedOf(t, c.expression)
			}
		}
		if _, err := Load(c.expression, checked); err == nil || !strings.Contains(err.Error(), "loading condition: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// THREATS 33: what is evaluated is what people read.
func TestACheckedFormThatIsNotThatOfItsTextIsNotLoaded(t *testing.T) {
	const expression = "subject.id == 'alice'"
	good := checkedOf(t, expression)
	if _, err := Load(expression, good); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1
	for name, checked := range map[string][]byte{
		"nothing":              nil,
		"another expression":   checkedOf(t, "subject.id != 'alice'"),
		"another constant":     checkedOf(t, "subject.id == 'alicf'"),
		"a bit":                flipped,
		"less":                 good[:len(good)-1],
		"more":                 append(bytes.Clone(good), 0),
		"an unknown field":     append(bytes.Clone(good), 0xfa, 0x3f, 0x01, 'x'),
		"the same thing twice": append(bytes.Clone(good), good...),
	} {
		if _, err := Load(expression, checked); !errors.Is(err, ErrNotCanonical) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Load("  subject.id=='alice' // as ever", good); err != nil {
		t.Errorf("written another way: %v", err)
	}
}

func TestAPanicIsAnError(t *testing.T) {
	if held, err := (&Program{}).Eval(newInput()); held || !errors.Is(err, ErrEvaluating) {
		t.Errorf("a program of nothing holds: %t, %v", held, err)
	}
	for _, expression := range []string{"subject.id == 'alice'", "subject.groups.exists(g, g == 'x')"} {
		if held, err := mustLoad(t, expression).Eval(&Input{}); held || !errors.Is(err, ErrEvaluating) {
			t.Errorf("without a subject, %s holds: %t, %v", expression, held, err)
		}
	}
}

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
	if _, ok := words.FindStructFieldType("behalf.Nothing", "id"); ok {
		t.Error("an unknown type has a field")
	}
	for _, target := range []any{nil, (*authz.Subject)(nil), &authz.Actor{}} {
		if _, ok := subjectFields["id"].read(target); ok {
			t.Errorf("%T has the id of a subject", target)
		}
		if _, ok := subjectFields["authTime"].read(target); ok {
			t.Errorf("%T has signed in", target)
		}
	}
	if got, ok := actor.(*object); !ok || !types.IsError(got.Get(types.Int(1))) || got.IsSet(types.Int(1)) != types.False {
		t.Error("it has a field by number")
	}
}

func TestAProgramThatIsInUseIsGivenAgain(t *testing.T) {
	const expression = "subject.id == 'somebody of whom there is one'"
	checked := checkedOf(t, expression)
	used := mustLoad(t, expression)
	if again := mustLoad(t, expression); again != used {
		t.Error("it is loaded twice")
	}
	if other := mustLoad(t, " "+expression); other == used {
		t.Error("another text has the same positions")
	}
	if _, err := Load(expression, checked[1:]); !errors.Is(err, ErrNotCanonical) {
		t.Errorf("with another form: %v", err)
	}
	runtime.KeepAlive(used)
}

// What nobody uses is forgotten: conditions come and go for as long as an authorizer runs.
func TestAProgramThatIsNotInUseIsForgotten(t *testing.T) {
	const expression = "subject.id == 'somebody who is forgotten'"
	from := originOf(expression, checkedOf(t, expression))
	mustLoad(t, expression)
	for range 100 {
		runtime.GC()
		if _, known := loaded.byOrigin.Load(from); !known {
			return
		}
		runtime.Gosched()
	}
	t.Error("it is kept")
}

func TestThereAreNoOtherVariables(t *testing.T) {
	in := (*activation)(newInput())
	if got, ok := in.ResolveName("nothing"); ok || in.Parent() != nil {
		t.Errorf("got %v", got)
	}
	m := newMeter(newInput(), &limit{})
	if got, ok := m.ResolveName("nothing"); ok || m.Parent() != nil {
		t.Errorf("got %v", got)
	}
}
