// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package frontdoor

import (
	"errors"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/token"
)

// Refuse marks a request as one whose caller could not be established, so that the engine denies it. The first cause stays.
func Refuse(request *authz.Request, reason authz.Reason, detail string) {
	if request.Unauthenticated == "" {
		request.Unauthenticated, request.Detail = reason, detail
	}
}

// RefuseToken marks a request by what is wrong with a token of it: which says whose token it is.
func RefuseToken(request *authz.Request, which string, err error) {
	var invalid *token.Invalid
	if !errors.As(err, &invalid) {
		Refuse(request, authz.ReasonTokenInvalid, "the "+which+" token could not be verified")
		return
	}
	Refuse(request, invalid.Reason, "the "+which+" token "+invalid.Detail)
}
