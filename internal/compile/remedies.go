// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"errors"
	"strings"

	"behalf.dev/behalf/internal/condition"
)

// remedyOf helps with the slips that people make in their first expressions.
func remedyOf(expression string, err error) string {
	var wrong *condition.Error
	switch {
	case !errors.As(err, &wrong):
		return "correct it"
	case strings.HasPrefix(wrong.Message, "the expression yields "):
		return "compare it, for example context.purpose == 'support'"
	case strings.HasPrefix(wrong.Message, "Syntax error") && assigns(expression):
		return "did you mean ==?"
	default:
		return "correct it"
	}
}

// assigns says whether an expression has a single '=' outside of its texts.
func assigns(expression string) bool {
	var quote byte
	for i := 0; i < len(expression); i++ {
		c := expression[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case strings.IndexByte("=!<>", c) >= 0 && strings.HasPrefix(expression[i+1:], "="):
			i++
		case c == '=':
			return true
		}
	}
	return false
}
