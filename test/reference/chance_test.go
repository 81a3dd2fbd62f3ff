// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"behalf.dev/behalf/test/reference"
)

// chance draws everything that is random in a world and its requests. The same seed and bytes draw the same.
type chance struct{ *rand.Rand }

// chanceOf draws from bytes while there are any, and then from a seed: a fuzzer that changes a byte changes one choice.
func chanceOf(seed uint64, raw []byte) *chance {
	return &chance{rand.New(&bytesFirst{raw, rand.NewPCG(seed, 0x62656861_6c660001)})}
}

// bytesFirst is a source that gives two bytes a draw, at the upper end where the bounded draws look.
type bytesFirst struct {
	raw  []byte
	then rand.Source
}

func (b *bytesFirst) Uint64() uint64 {
	if len(b.raw) < 2 {
		return b.then.Uint64()
	}
	drawn := binary.BigEndian.Uint16(b.raw)
	b.raw = b.raw[2:]
	return uint64(drawn) * 0x0001_0001_0001_0001
}

// percent is true in so many cases of a hundred.
func (c *chance) percent(p int) bool { return c.IntN(100) < p }

// between is a number from low to high, both included.
func (c *chance) between(low, high int) int { return low + c.IntN(high-low+1) }

func oneOf[T any](c *chance, from ...T) T { return from[c.IntN(len(from))] }

// some is a random part of a list, in random order, of at least one entry.
func some[T any](c *chance, from ...T) []T {
	shuffled := append([]T(nil), from...)
	c.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	return shuffled[:c.between(1, len(shuffled))]
}

// around is a time at a limit, or a second before or after it.
func (c *chance) around(limit time.Time) time.Time {
	return limit.Add(time.Duration(c.between(-1, 1)) * time.Second)
}

// before is a time up to so many minutes ago, in whole minutes.
func (c *chance) before(now time.Time, minutes int) time.Time {
	return now.Add(-time.Duration(c.IntN(minutes+1)) * time.Minute)
}

// expression is one of the vocabulary that a type check lets pass, and often one that a story meets.
func (c *chance) expression() string {
	if c.percent(50) {
		return oneOf(c, "context.purpose == 'support'", "resource.properties.owner == subject.id", "subject.claims.level >= 3",
			"has(subject.authTime)", "now - subject.authTime < duration('1h')")
	}
	for {
		if e := oneOf(c, vocabulary...); e.Judge != nil {
			return e.Text
		}
	}
}

var vocabulary = reference.Expressions()
