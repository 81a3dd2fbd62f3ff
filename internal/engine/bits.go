// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

// bits is a set of small numbers. The nil set is empty.
type bits []uint64

func newBits(size int) bits { return make(bits, (size+63)/64) }

func (b bits) set(i int32) { b[i/64] |= 1 << (i % 64) }

func (b bits) has(i int32) bool {
	word := int(i / 64)
	return word < len(b) && b[word]&(1<<(i%64)) != 0
}

// add puts all of other into b, which must be as large.
func (b bits) add(other bits) {
	for i := range other {
		b[i] |= other[i]
	}
}
