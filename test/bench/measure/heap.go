// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package measure

import "runtime"

// Heap gives how many bytes of the heap what make returns keeps alive, beyond what was alive before.
func Heap(what func() any) int64 {
	before := live()
	kept := what()
	after := live()
	runtime.KeepAlive(kept)
	return after - before
}

// live collects twice: the first leaves what finalizers and pools still hold.
func live() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
