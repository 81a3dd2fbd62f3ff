// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build race

package reference_test

// underRaceDetector says whether this test binary looks for races, which makes it ten times slower.
const underRaceDetector = true
