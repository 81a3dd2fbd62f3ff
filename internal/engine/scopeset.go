// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math/bits"

	"behalf.dev/behalf/internal/bundle"
)

// scopeSet is a set of the scopes of one resource server, by their numbers. bundle.MaxScopes of them fit.
type scopeSet uint64

var _ [64 - bundle.MaxScopes]struct{} // more would not fit

func (s scopeSet) with(scope int32) scopeSet { return s | 1<<scope }

func (s scopeSet) has(scope int32) bool { return s&(1<<scope) != 0 }

func (s scopeSet) size() int { return bits.OnesCount64(uint64(s)) }

// rank is how many scopes of the set come before one.
func (s scopeSet) rank(scope int32) int { return bits.OnesCount64(uint64(s) & (1<<scope - 1)) }

// each visits the scopes in order.
func (s scopeSet) each(visit func(scope int32)) {
	for rest := uint64(s); rest != 0; rest &= rest - 1 {
		visit(int32(bits.TrailingZeros64(rest))) //nolint:gosec // below 64
	}
}

// perScope gives what belongs to each scope of a set, found by counting bits.
type perScope[T any] struct {
	scopes scopeSet
	// all is set where every scope of the set has the same, and each, in the order of the scopes, where not.
	all  *T
	each []*T
}

// of is nil for a scope that is not in the set.
func (p *perScope[T]) of(scope int32) *T {
	switch {
	case !p.scopes.has(scope):
		return nil
	case p.all != nil:
		return p.all
	default:
		return p.each[p.scopes.rank(scope)]
	}
}

// newPerScope takes the values in the order of their scopes.
func newPerScope[T any](scopes scopeSet, values []*T) perScope[T] {
	for _, value := range values {
		if value != values[0] {
			return perScope[T]{scopes: scopes, each: values}
		}
	}
	if len(values) == 0 {
		return perScope[T]{}
	}
	return perScope[T]{scopes: scopes, all: values[0]}
}
