// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package disk

import (
	"errors"
	"os"
)

// lock refuses: two processes in one folder would undo each other's files.
func (*Dir) lock() (*os.File, error) {
	return nil, errors.New("this operating system cannot keep other processes out of it")
}
