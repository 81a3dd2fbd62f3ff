// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build race

package compile_test

// sequences of changes; the race detector makes each take ten times as long, and there is nothing for it to find in them.
const sequences = 200
