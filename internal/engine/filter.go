// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"hash/maphash"
	"math/bits"

	"behalf.dev/behalf/internal/authz"
)

// filter tells most of what is not revoked apart by a few bits, before anybody looks it up: nearly every request is about
// nothing that is. It never passes over what was added.
type filter struct {
	seed  maphash.Seed
	words []uint64
}

// sieve is the number of bits for each entry: one in sieve of those that were not added is taken for one that was.
const sieve = 32

func newFilter(entries int) filter {
	words := 1 << bits.Len(uint(entries*sieve/64))
	return filter{seed: maphash.MakeSeed(), words: make([]uint64, words)}
}

// trace is where in the filter something would be noted.
type trace uint64

// The kinds of things that are revoked, so that one of the name of another is not taken for it.
const (
	subjectTrace trace = iota + 1
	sessionTrace
	actorTrace
	edgeTrace
	transactionTrace
	tokenTrace
)

func (f *filter) of(kind trace, text string) trace {
	return mix(trace(maphash.String(f.seed, text)), kind)
}

func (f *filter) ofActor(a *authz.Actor) trace {
	return mix(f.of(actorTrace, a.Namespace), f.of(actorTrace, a.ServiceAccount))
}

// mix depends on the order of the two.
func mix(a, b trace) trace {
	const odd = 0x9e3779b97f4a7c15
	a = (a ^ b*odd) * odd
	return a ^ a>>32
}

func (f *filter) add(t trace) {
	f.words[int(t>>6)&(len(f.words)-1)] |= 1 << (t & 63)
}

func (f *filter) mayHave(t trace) bool {
	return f.words[int(t>>6)&(len(f.words)-1)]&(1<<(t&63)) != 0
}
