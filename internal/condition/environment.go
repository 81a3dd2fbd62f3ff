// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"
	"slices"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"github.com/google/cel-go/interpreter"
)

// dialect is the CEL of conditions: what can be written, and how it is run.
type dialect struct {
	env *cel.Env
	// words reads our own types.
	words *vocabulary
	// functions are all that there are.
	functions interpreter.Dispatcher
	// steps makes the parts of an expression that CEL runs. All expressions share it: a program of CEL's own would hold
	// every function of the environment once more.
	steps interpreter.Interpreter
}

// theDialect is built once: it is immutable, and the same for every expression.
var theDialect = sync.OnceValues(newDialect)

func newDialect() (*dialect, error) {
	words, err := newVocabulary()
	if err != nil {
		return nil, fmt.Errorf("building the condition environment: %w", err)
	}
	env, err := newEnvironment(words)
	if err != nil {
		return nil, fmt.Errorf("building the condition environment: %w", err)
	}
	functions, err := bound(env)
	if err != nil {
		return nil, fmt.Errorf("building the condition environment: %w", err)
	}
	labelShared(functions)
	adapter, provider := env.CELTypeAdapter(), env.CELTypeProvider()
	attributes := interpreter.NewAttributeFactory(env.Container, adapter, provider, interpreter.EnableErrorOnBadPresenceTest(true))
	steps := interpreter.NewInterpreter(functions, env.Container, provider, adapter, attributes)
	return &dialect{env: env, words: words, functions: functions, steps: steps}, nil
}

// newEnvironment declares the variables of DESIGN section 5. Of the libraries that it links, rules let expressions use only
// what functions lists; docs/adr/0012 has the reasons.
func newEnvironment(words *vocabulary) (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(words),
		cel.CustomTypeProvider(words),
		cel.StdLib(),
		cel.OptionalTypes(),
		// optMap and optFlatMap write what they stand on twice: a chain of them is exponentially long.
		cel.ClearMacros(),
		cel.Macros(cel.StandardMacros...),
		ext.Bindings(ext.BindingsVersion(0)),
		ext.Lists(),
		ext.Math(),
		ext.Network(),
		ext.Sets(),
		ext.Strings(ext.StringsVersion(5)),
		ext.TwoVarComprehensions(),
		cel.CrossTypeNumericComparisons(true),
		cel.EnableErrorOnBadPresenceTest(true),
		cel.DefaultUTCTimeZone(true),
		cel.Variable("subject", subjectType),
		cel.Variable("actor", actorType),
		cel.Variable("chain", cel.ListType(actorType)),
		cel.Variable("audience", cel.StringType),
		cel.Variable("scope", cel.StringType),
		cel.Variable("resource", resourceType),
		cel.Variable("context", jsonObject),
		cel.Variable("now", cel.TimestampType),
	}
	return cel.NewCustomEnv(slices.Concat(options, listLibrary(), patternLibrary(), urlLibrary())...)
}

// bound finds the functions of the environment.
func bound(env *cel.Env) (interpreter.Dispatcher, error) {
	functions := interpreter.NewDispatcher()
	for _, function := range env.Functions() {
		bindings, err := function.Bindings()
		if err != nil {
			return nil, fmt.Errorf("binding %s(): %w", function.Name(), err)
		}
		if err := functions.Add(bindings...); err != nil {
			return nil, fmt.Errorf("binding %s(): %w", function.Name(), err)
		}
	}
	return functions, nil
}
