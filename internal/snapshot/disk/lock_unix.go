// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package disk

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock keeps other processes out of the folder until the file is closed or this process ends, however it ends.
func (d *Dir) lock() (*os.File, error) {
	file, err := d.root.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another process uses it, and each needs a folder of its own: %w", err), file.Close())
	}
	return file, nil
}
