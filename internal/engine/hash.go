// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"

	"behalf.dev/behalf/internal/authz"
)

// hash of a name. A request's names are hashed once, for however many tables and filters they are looked up in. Nothing is
// decided by it: whatever it leads to is compared in full.
type hash uint64

// Drawn anew in every process, so that nobody can choose names that collide.
var (
	seed       = maphash.MakeSeed()
	keyA, keyB = maphash.Comparable(seed, 1), maphash.Comparable(seed, 2)
)

// hashOf is in the manner of wyhash: it folds products of 128 bits. Names are short and a decision hashes a dozen of them, for
// which maphash takes twice as long.
func hashOf(name string) hash {
	size := len(name)
	var head, tail uint64
	switch {
	case size > 16:
		head, tail = fold(name), eight(name[size-8:])
	case size >= 8:
		head, tail = eight(name), eight(name[size-8:])
	case size >= 4:
		head, tail = four(name), four(name[size-4:])
	case size > 0:
		head = uint64(name[0])<<16 | uint64(name[size/2])<<8 | uint64(name[size-1])
	}
	high, low := bits.Mul64(head^keyA, tail^keyB^uint64(size))
	high, low = bits.Mul64(low^keyB, high^keyA)
	return hash(high ^ low)
}

// fold takes up all of a long name but what lies within its last eight bytes.
func fold(name string) uint64 {
	folded := keyB
	for ; len(name) > 16; name = name[16:] {
		high, low := bits.Mul64(eight(name)^keyA, eight(name[8:])^folded)
		folded = high ^ low
	}
	if len(name) > 8 {
		folded ^= bits.RotateLeft64(eight(name), 32)
	}
	return folded
}

func eight(name string) uint64 { return binary.LittleEndian.Uint64([]byte(name[:8])) }

func four(name string) uint64 { return uint64(binary.LittleEndian.Uint32([]byte(name[:4]))) }

func hashOfActor(a *authz.Actor) hash { return mix(hashOf(a.Namespace), hashOf(a.ServiceAccount)) }

// mix depends on the order of the two.
func mix(a, b hash) hash {
	const odd = 0x9e3779b97f4a7c15
	a = (a ^ b*odd) * odd
	return a ^ a>>32
}
