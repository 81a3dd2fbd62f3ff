// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

// Believes says whether a TrustedIssuer of this name is believed, so that somebody may vouch for its people.
func (t *Trust) Believes(issuer string) bool {
	if t == nil || issuer == "" {
		return false
	}
	for _, known := range t.issuers {
		if known.Name == issuer {
			return true
		}
	}
	return false
}
