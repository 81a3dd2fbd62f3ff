// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/common/types"
)

// ErrEvaluating is what every error of an evaluation is about. The error itself is an *Error, which says where in the
// expression it arose, of what kind it was and, where that is known, which field of the request was read: all of that
// stands in the expression. CEL's own messages quote values of the request, which are not for everybody who reads a denial.
var ErrEvaluating = errors.New("evaluating condition")

// fault is why a part of a condition came to no answer, and at which expression of it. The zero fault is none. It is
// small and made of nothing, so that an expression which asks for one thing or another pays nothing for the first.
type fault struct {
	kind kind
	at   int32
}

// kind of fault.
type kind uint8

const (
	fine kind = iota
	noKey
	noField
	wrongType
	outOfBounds
	noDivision
	outOfRange
	noConversion
	noOptional
	noEntry
	overspent
	overtime
	panicked
	unforeseen
)

var kinds = [...]string{
	noKey:        "no such key",
	noField:      "the request lacks a field",
	wrongType:    "a value is of another type than the expression needs",
	outOfBounds:  "an index is out of bounds",
	noDivision:   "a division by zero",
	outOfRange:   "a number out of range",
	noConversion: "a value that cannot be converted",
	noOptional:   "an optional value that is not there",
	noEntry:      "a list is empty",
	overspent:    fmt.Sprintf("it costs more than %d for this request, which is as much as any condition may", CostLimit),
	overtime:     "it took longer than any condition may",
	panicked:     "it panicked",
	unforeseen:   "it cannot be evaluated for this request",
}

// begins says of what kind CEL's errors are, by how their messages begin.
var begins = []struct {
	prefix string
	kind   kind
}{
	{"no such key", noKey},
	{errAbsent.Error(), noField},
	{"no such overload", wrongType},
	{"found no matching overload", wrongType},
	{"unsupported index type", wrongType},
	{"unsupported key type", wrongType},
	{"unexpected type", wrongType},
	{"got '", wrongType},
	{"invalid qualifier type", wrongType},
	{"unsupported comprehension range", wrongType},
	{"cannot initialize optional", wrongType},
	{"join: invalid input", wrongType},
	{"no such attribute", noField},
	{"no such field", noField},
	{"index out of bounds", outOfBounds},
	{"index out of range", outOfBounds},
	{"index '", outOfBounds},
	{"invalid substring range", outOfBounds},
	{"cannot slice", outOfBounds},
	{"division by zero", noDivision},
	{"modulus by zero", noDivision},
	{"integer overflow", outOfRange},
	{"unsigned integer overflow", outOfRange},
	{"duration overflow", outOfRange},
	{"timestamp overflow", outOfRange},
	{"range", outOfRange},
	{"NaN values cannot be ordered", outOfRange},
	{"math.bitShift", outOfRange},
	{"type conversion error", noConversion},
	{"IP ", noConversion},
	{"IPv4-mapped IPv6", noConversion},
	{"CIDR ", noConversion},
	{"optional.none() dereference", noOptional},
	{"min of", noEntry},
	{"max of", noEntry},
	{"math.@m", noEntry},
}

func faultOf(err *types.Err) fault {
	return fault{kindOf(err.Error()), int32(err.NodeID())} //nolint:gosec // CEL counts expressions from 1, and an expression is short
}

func kindOf(message string) kind {
	for _, known := range begins {
		if strings.HasPrefix(message, known.prefix) {
			return known.kind
		}
	}
	return unforeseen
}
