// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import "syscall"

// attributes give the child a process group of its own, which keeps the terminal's interrupt from it: whoever started it
// stops it, in order. Unless it may outlive this process, the kernel ends it with this one.
func attributes(outlive bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if !outlive {
		a.Pdeathsig = syscall.SIGKILL
	}
	return a
}
