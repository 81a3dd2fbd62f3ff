// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package extauthz

// Denied is for tests of what a deny looks like.
var Denied = denied

// Collect is for tests of what headers there are.
var Collect = collect
