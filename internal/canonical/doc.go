// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package canonical reads the parts of an HTTP request that decisions rest on: host, path, query and headers. It gives a
// value only where every server that may read the request after us reads the same one; everything else is refused, never
// repaired (THREATS 26, 27, 29).
//
// It is the one place for these rules: the engine reads routes by it, and front doors credentials.
package canonical
