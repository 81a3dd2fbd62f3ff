// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
)

// environment is built once: it is immutable, and the same for every expression.
var environment = sync.OnceValues(newEnvironment)

// newEnvironment declares the variables of DESIGN section 5. Of the libraries that it links, judge lets expressions use
// only what allowed lists.
func newEnvironment() (*cel.Env, error) {
	words, err := newVocabulary()
	if err != nil {
		return nil, fmt.Errorf("building the condition environment: %w", err)
	}
	env, err := cel.NewCustomEnv(
		cel.CustomTypeAdapter(words),
		cel.CustomTypeProvider(words),
		cel.StdLib(),
		cel.OptionalTypes(),
		ext.Strings(ext.StringsVersion(5)),
		ext.Sets(),
		// optMap and optFlatMap would bring in bindings; has() and the optional operators suffice.
		cel.ClearMacros(),
		cel.Macros(cel.StandardMacros...),
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
	)
	if err != nil {
		return nil, fmt.Errorf("building the condition environment: %w", err)
	}
	return env, nil
}
