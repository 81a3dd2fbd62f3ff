// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "math/bits"

// filter tells most of what is not revoked apart by a few bits, before anybody looks it up: nearly every request is about
// nothing that is. It never passes over what was added.
type filter struct{ words []uint64 }

// sieve is the number of bits for each entry: one in sieve of those that were not added is taken for one that was.
const sieve = 32

func newFilter(entries int) filter {
	words := 1 << bits.Len(uint(entries*sieve/64))
	return filter{words: make([]uint64, words)}
}

// The kinds of things that are revoked, so that one of the name of another is not taken for it.
const (
	subjectKind hash = iota + 1
	sessionKind
	actorKind
	edgeKind
	transactionKind
	tokenKind
)

func (f *filter) add(kind, h hash) {
	h = mix(h, kind)
	f.words[int(h>>6)&(len(f.words)-1)] |= 1 << (h & 63)
}

func (f *filter) mayHave(kind, h hash) bool {
	h = mix(h, kind)
	return f.words[int(h>>6)&(len(f.words)-1)]&(1<<(h&63)) != 0
}
