// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package canonical

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxValue is the longest value of a query parameter, a header or an argument that is taken, in bytes.
const MaxValue = 1024

var (
	errEmpty     = errors.New("is empty, which some take for absent")
	errTooLong   = fmt.Errorf("is longer than %d bytes", MaxValue)
	errEdge      = errors.New("begins or ends with a space, which some cut off")
	errInvisible = errors.New("has a character that cannot be seen, or bytes that are not UTF-8")
)

// Text gives a value back if nobody could take it for another. It refuses one that is empty, longer than MaxValue, with a
// space at its ends, or with anything that cannot be seen. What the error says follows the name of the value.
func Text(value string) (string, error) {
	switch {
	case value == "":
		return "", errEmpty
	case len(value) > MaxValue:
		return "", errTooLong
	case value[0] == ' ' || value[len(value)-1] == ' ':
		return "", errEdge
	case !visible(value):
		return "", errInvisible
	default:
		return value, nil
	}
}

func visible(text string) bool {
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return utf8.ValidString(text)
}

// sameName says whether there are servers that take two names of parameters or headers for one: whatever the case, and
// whatever stands where '-' or '_' may stand, for CGI and its heirs, PHP among them, know letters, digits and '_' only.
func sameName(a, b string) bool {
	for a != "" && b != "" {
		left, n := utf8.DecodeRuneInString(a)
		right, m := utf8.DecodeRuneInString(b)
		if folded(left) != folded(right) {
			return false
		}
		a, b = a[n:], b[m:]
	}
	return a == b
}

// folded is one character for all that sameName takes for one.
func folded(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
		return r
	case r >= 'A' && r <= 'Z':
		return r + 'a' - 'A'
	case r < utf8.RuneSelf:
		return '-'
	}
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		if next < utf8.RuneSelf {
			return folded(next)
		}
	}
	return r
}

// Name gives all spellings that sameName takes for one the same form: lower case, with '-'.
func Name(name string) string { return strings.Map(folded, name) }
