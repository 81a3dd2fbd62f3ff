// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package measure

import (
	"syscall"
	"time"
)

// processorTime is what this process has used so far, in user mode and in the kernel.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // it has no way to fail but a wrong argument
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
