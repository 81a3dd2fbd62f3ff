// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

// Believes says whether a TrustedIssuer of this name is believed, so that somebody may vouch for its people.
func (t *Trust) Believes(issuer string) bool { return t != nil && t.names[issuer] }
