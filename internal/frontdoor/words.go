// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package frontdoor

import "behalf.dev/behalf/internal/authz"

// UserMessage is what the person behind a denied request may read: what they can do about it, and nothing about policies,
// services or other people.
func UserMessage(reason authz.Reason) string {
	switch reason {
	case authz.ReasonSubjectMissing:
		return "Sign in first."
	case authz.ReasonTokenInvalid, authz.ReasonTokenExpired, authz.ReasonTokenNotYetValid, authz.ReasonSubjectTooOld,
		authz.ReasonRevoked:
		return "Your sign-in is no longer accepted here. Sign in again."
	case authz.ReasonStaleBundle, authz.ReasonInternalError:
		return "This cannot be decided right now. Try again later."
	case authz.ReasonGrantRequired, authz.ReasonGrantMismatch:
		return "This needs an approval that is not there."
	case authz.ReasonRequestMalformed, authz.ReasonPathNotCanonical:
		return "The request is malformed."
	case authz.ReasonActorMissing, authz.ReasonActorMismatch, authz.ReasonAudienceUnknown, authz.ReasonScopeUnknown,
		authz.ReasonRouteUnmatched, authz.ReasonCallerNotAllowed, authz.ReasonScopeNotInToken,
		authz.ReasonTokenScopeMalformed, authz.ReasonNotEntitled, authz.ReasonActorNotAllowed, authz.ReasonNotDeclared,
		authz.ReasonEdgeNotDeclared, authz.ReasonChainTooDeep, authz.ReasonChainLoop, authz.ReasonForbidden,
		authz.ReasonNoPolicy, authz.ReasonTokenLifetimeTooLong, authz.ReasonConditionError:
		return "You or the service acting for you may not do this."
	default:
		return "You or the service acting for you may not do this."
	}
}
