// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package compile_test

// sequences of changes.
const sequences = 2000
