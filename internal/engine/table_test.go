// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"strings"
	"testing"

	"behalf.dev/behalf/internal/authz"
)

func TestATableFindsWhatWasAddedAndNothingElse(t *testing.T) {
	for name, hashed := range map[string]func(string) hash{
		"each with its own hash":         hashOf,
		"some with the same hash":        func(name string) hash { return hashOf(name) % 7 },
		"all with the same hash":         func(string) hash { return 1 },
		"all in the same place":          func(name string) hash { return hashOf(name) &^ 0xffff },
		"all with the same half of it":   func(name string) hash { return hashOf(name) << 32 },
		"with the empty name among them": func(name string) hash { return hashOf(strings.TrimPrefix(name, "in 0")) },
	} {
		t.Run(name, func(t *testing.T) {
			var x table[string, int]
			if got := x.find(hashed("in 0"), "in 0"); got != 0 {
				t.Errorf("an empty table has %d", got)
			}
			for i := range 500 {
				key := fmt.Sprint("in ", i)
				x.add(hashed(key), key, i+1)
				if 2*len(x.entries) > len(x.slots) {
					t.Fatalf("%d entries in %d slots", len(x.entries), len(x.slots))
				}
			}
			for i := range 500 {
				for key, want := range map[string]int{fmt.Sprint("in ", i): i + 1, fmt.Sprint("out ", i): 0} {
					if got := x.find(hashed(key), key); got != want {
						t.Errorf("%q gives %d, want %d", key, got, want)
					}
				}
			}
		})
	}
}

func TestHashesDependOnEveryByteOfAName(t *testing.T) {
	for size := range 100 {
		name := strings.Repeat("a", size)
		seen := map[hash]string{hashOf(name): name, hashOf(name + "a"): name + "a"}
		if len(seen) != 2 {
			t.Errorf("%d and %d bytes have one hash", size, size+1)
		}
		for at := range size {
			other := name[:at] + "b" + name[at+1:]
			if known, ok := seen[hashOf(other)]; ok {
				t.Errorf("%q and %q have one hash", known, other)
			}
			seen[hashOf(other)] = other
		}
	}
}

func TestTheHashOfAnActorTellsItsPartsApart(t *testing.T) {
	a, b := authz.Actor{Namespace: "a", ServiceAccount: "b"}, authz.Actor{Namespace: "b", ServiceAccount: "a"}
	if hashOfActor(&a) == hashOfActor(&b) {
		t.Error("a/b and b/a have one hash")
	}
}

// Names in an estate differ by little: they still have to spread over the low bits, by which tables are laid out.
func TestHashesOfNumberedNamesSpread(t *testing.T) {
	const names, places = 10_000, 1 << 16
	taken := map[hash]bool{}
	for i := range names {
		taken[hashOf(fmt.Sprintf("service-%04d", i))%places] = true
	}
	// By chance, 1 - exp(-names/places) of the places are taken: 9,271 or so.
	if len(taken) < 9000 {
		t.Errorf("%d names take only %d of %d places", names, len(taken), places)
	}
}
