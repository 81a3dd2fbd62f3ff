// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build race

package engine

// raceEnabled: under the race detector sync.Pool drops things at random.
const raceEnabled = true
