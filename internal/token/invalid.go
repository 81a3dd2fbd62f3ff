// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"fmt"

	"behalf.dev/behalf/internal/authz"
)

// Invalid says why a token is not believed. It never quotes the token, and quotes its claims only where they name
// something that is no secret: an issuer, an algorithm, a service account.
type Invalid struct {
	// Reason is one of token_invalid, token_expired, token_not_yet_valid, actor_mismatch, and stale_bundle where there is
	// nothing to check a token against.
	Reason authz.Reason
	// Detail completes a sentence that begins with "the token".
	Detail string
}

// Error is the detail after the words "the token".
func (e *Invalid) Error() string { return "the token " + e.Detail }

func invalid(format string, args ...any) *Invalid {
	return &Invalid{Reason: authz.ReasonTokenInvalid, Detail: fmt.Sprintf(format, args...)}
}
