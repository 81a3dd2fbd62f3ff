// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Unknown says that a field is not known, and which one was probably meant: the nearest of the keys of known, or all of them
// where none is near.
func Unknown[V any](name string, known map[string]V) string {
	names := slices.Sorted(maps.Keys(known))
	if near := Nearest(name, names); near != "" {
		return fmt.Sprintf("unknown field; did you mean %s?", near)
	}
	if len(names) == 0 {
		return "unknown field; there is none here"
	}
	return "unknown field; there are " + strings.Join(names, ", ")
}

// Nearest gives the name that differs least from the one that was written; empty where all differ by more than a slip.
func Nearest(written string, names []string) string {
	best, least := "", max(1, len(written)/3)+1
	for _, name := range names {
		if strings.EqualFold(written, name) {
			return name
		}
		d := distance(written, name)
		if len(written) >= shortestPrefix && strings.HasPrefix(strings.ToLower(name), strings.ToLower(written)) {
			d = 1 // cut short
		}
		if d < least {
			best, least = name, d
		}
	}
	return best
}

// shortestPrefix is the least that somebody must have written of a name for it to be meant.
const shortestPrefix = 4

// longestCompared keeps the comparison cheap: no name of ours is longer.
const longestCompared = 64

// distance is how many letters must be put in, left out, changed or swapped with their neighbour, without regard to case
// (Damerau and Levenshtein's, each place changed once).
func distance(a, b string) int {
	if len(a) > longestCompared || len(b) > longestCompared {
		return longestCompared
	}
	a, b = strings.ToLower(a), strings.ToLower(b)
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+differ(a[i], b[j]))
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}
