// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

// table finds values by keys of which the hash is known. It is filled once, while a bundle is loaded, and then only read.
// The zero value is empty.
type table[K comparable, V any] struct {
	// slots are a power of two, and at least every second is free. One that is taken has the low half of a key's hash above,
	// and one more than the number of its entry below; that tells nearly all strangers apart within one cache line.
	slots   []uint64
	entries []entry[K, V]
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// find gives the zero value for what is not there.
func (t *table[K, V]) find(h hash, key K) (value V) {
	if len(t.slots) == 0 {
		return value
	}
	last := uint64(len(t.slots)) - 1
	for at := uint64(h); ; at++ {
		slot := t.slots[at&last]
		if slot == 0 {
			return value
		}
		if uint32(slot>>32) == uint32(h) { //nolint:gosec // the halves of both
			if e := &t.entries[uint32(slot)-1]; e.key == key { //nolint:gosec // the lower half
				return e.value
			}
		}
	}
}

// add takes a key that is not there yet.
func (t *table[K, V]) add(h hash, key K, value V) {
	t.entries = append(t.entries, entry[K, V]{key, value})
	if 2*len(t.entries) > len(t.slots) {
		held := t.slots
		t.slots = make([]uint64, max(4, 2*len(held)))
		for _, slot := range held {
			if slot != 0 {
				t.place(slot)
			}
		}
	}
	t.place(uint64(h)<<32 | uint64(len(t.entries)))
}

func (t *table[K, V]) place(slot uint64) {
	last := uint64(len(t.slots)) - 1
	at := slot >> 32
	for t.slots[at&last] != 0 {
		at++
	}
	t.slots[at&last] = slot
}
