// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import "testing"

// FuzzDifferential lets the fuzzer draw worlds and requests: it changes what the first choices are, and the seed makes the
// others.
func FuzzDifferential(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, []byte(nil))
		f.Add(seed, []byte("\x00\x00\xff\xff\x80\x00\x40\x00\xc0\x00\x20\x00\x10\x00"))
	}
	f.Fuzz(func(t *testing.T, seed uint64, raw []byte) {
		if d, differs := judge(newTally(), seed, raw, 20); differs {
			d.again = "the fuzzer kept seed and bytes under testdata"
			t.Error(d.report())
		}
	})
}
