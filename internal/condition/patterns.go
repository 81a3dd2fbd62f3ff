// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// Bounds of a regular expression: its text, and the instructions of its automaton. Go matches in time that is linear in
// instructions times input, without backtracking.
const (
	maxPattern      = 256
	maxInstructions = 512
)

// patternLibrary has find and findAll, as Kubernetes has them. They are never run as they stand here: a pattern is a
// constant, and is compiled when its expression is loaded.
func patternLibrary() []cel.EnvOption {
	text, list := cel.StringType, cel.ListType(cel.StringType)
	never := cel.FunctionBinding(func(...ref.Val) ref.Val { return types.NoSuchOverloadErr() })
	return []cel.EnvOption{
		cel.Function("find", cel.MemberOverload("string_find_string", []*cel.Type{text, text}, text, never)),
		cel.Function("findAll",
			cel.MemberOverload("string_find_all_string", []*cel.Type{text, text}, list, never),
			cel.MemberOverload("string_find_all_string_int", []*cel.Type{text, text, cel.IntType}, list, never)),
	}
}

// runPattern is what each of them does with a pattern.
var runPattern = map[string]func(pattern *regexp.Regexp, text string, more []ref.Val) ref.Val{
	"matches": matches, "find": find, "findAll": findAll,
}

// compilePatterns gives calls whose pattern is compiled.
func compilePatterns(step interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := step.(interpreter.InterpretableCall)
	if !ok || runPattern[call.Function()] == nil {
		return step, nil
	}
	run, err := compilePattern(call)
	if err != nil {
		return nil, err
	}
	return interpreter.NewCall(call.ID(), call.Function(), call.OverloadID(), call.Args(), func(args ...ref.Val) ref.Val { return run(args) }), nil
}

func compilePattern(call interpreter.InterpretableCall) (func(args []ref.Val) ref.Val, error) {
	constant, ok := call.Args()[1].(interpreter.InterpretableConst)
	if !ok {
		return nil, fmt.Errorf("the pattern of %s() is no constant", call.Function())
	}
	pattern, err := regexp.Compile(fmt.Sprint(constant.Value().Value()))
	if err != nil {
		return nil, fmt.Errorf("the pattern of %s(): %w", call.Function(), err)
	}
	run := runPattern[call.Function()]
	return func(args []ref.Val) ref.Val {
		text, ok := args[0].(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(args[0])
		}
		return run(pattern, string(text), args[2:])
	}, nil
}

func matches(pattern *regexp.Regexp, text string, _ []ref.Val) ref.Val {
	return types.Bool(pattern.MatchString(text))
}

func find(pattern *regexp.Regexp, text string, _ []ref.Val) ref.Val {
	return types.String(pattern.FindString(text))
}

func findAll(pattern *regexp.Regexp, text string, more []ref.Val) ref.Val {
	most := types.Int(-1)
	if len(more) > 0 {
		limit, ok := more[0].(types.Int)
		if !ok {
			return types.MaybeNoSuchOverloadErr(more[0])
		}
		most = limit
	}
	return types.NewStringList(types.DefaultTypeAdapter, pattern.FindAllString(text, int(most)))
}

// patternOf gives the pattern of a call; ok is false where it is no constant.
func patternOf(e ast.Expr) (pattern string, ok bool) {
	return literalText(operandsOf(e.AsCall())[1])
}

// instructions counts those of a pattern's automaton.
func instructions(function, pattern string) (uint64, error) {
	if len(pattern) > maxPattern {
		return 0, fmt.Errorf("the pattern of %s() has %d bytes, more than %d", function, len(pattern), maxPattern)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, fmt.Errorf("the pattern of %s(): %w", function, err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, fmt.Errorf("the pattern of %s(): %w", function, err)
	}
	if len(program.Inst) > maxInstructions {
		return 0, fmt.Errorf("the pattern of %s() compiles to %d instructions, more than %d", function, len(program.Inst), maxInstructions)
	}
	return uint64(len(program.Inst)), nil
}
