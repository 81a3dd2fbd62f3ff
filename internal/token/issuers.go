// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"iter"
	"maps"
)

// Issuers gives the names of the TrustedIssuers that are believed, in no order: those that may vouch for their people.
func (t *Trust) Issuers() iter.Seq[string] {
	if t == nil {
		return func(func(string) bool) {}
	}
	return maps.Keys(t.names)
}
