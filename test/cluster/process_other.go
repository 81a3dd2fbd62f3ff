// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package cluster

import "syscall"

// attributes give the child a process group of its own. Only Linux ends a child with its parent; elsewhere a parent that
// is killed outright leaves its children behind.
func attributes(bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
