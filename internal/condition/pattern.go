// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"
	"regexp/syntax"
)

// Bounds of a regular expression: its text, and the instructions of its automaton. Go matches in time that is linear in
// instructions times input, without backtracking.
const (
	maxPattern      = 256
	maxInstructions = 512
)

// instructions counts those of a pattern's automaton.
func instructions(pattern string) (uint64, error) {
	if len(pattern) > maxPattern {
		return 0, fmt.Errorf("the pattern of matches() has %d bytes, more than %d", len(pattern), maxPattern)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, fmt.Errorf("the pattern of matches(): %w", err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, fmt.Errorf("the pattern of matches(): %w", err)
	}
	if len(program.Inst) > maxInstructions {
		return 0, fmt.Errorf("the pattern of matches() compiles to %d instructions, more than %d", len(program.Inst), maxInstructions)
	}
	return uint64(len(program.Inst)), nil
}
