// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

// Leg is one of the ten things that must all permit a request.
type Leg string

// The legs, in the order in which they are judged.
const (
	LegIdentity   Leg = "identity"
	LegFreshness  Leg = "freshness"
	LegResource   Leg = "resource"
	LegRevocation Leg = "revocation"
	LegToken      Leg = "token"
	LegSubject    Leg = "subject"
	LegActor      Leg = "actor"
	LegChain      Leg = "chain"
	LegPolicy     Leg = "policy"
	LegGrant      Leg = "grant"
)

// Legs lists every leg in the order in which they are judged.
func Legs() []Leg {
	return []Leg{
		LegIdentity, LegFreshness, LegResource, LegRevocation, LegToken,
		LegSubject, LegActor, LegChain, LegPolicy, LegGrant,
	}
}

// Reason is the machine-readable cause of a denial. The list is closed, and stable API.
type Reason string

const (
	// ReasonSubjectMissing (identity): no person stands behind the request.
	ReasonSubjectMissing Reason = "subject_missing"
	// ReasonActorMissing (identity): no service acts, and the request is not one that a person may make alone.
	ReasonActorMissing Reason = "actor_missing"
	// ReasonActorMismatch (identity): the claims that name the actor disagree.
	ReasonActorMismatch Reason = "actor_mismatch"
	// ReasonTokenInvalid (identity): a token could not be verified.
	ReasonTokenInvalid Reason = "token_invalid"
	// ReasonRequestMalformed (identity): the request cannot be read as one question.
	ReasonRequestMalformed Reason = "request_malformed"

	// ReasonStaleBundle (freshness): the lease of what the authorizer holds has run out, or it holds nothing.
	ReasonStaleBundle Reason = "stale_bundle"
	// ReasonTokenExpired (freshness): the presented token's time is over.
	ReasonTokenExpired Reason = "token_expired"
	// ReasonTokenNotYetValid (freshness): the presented token is from the future.
	ReasonTokenNotYetValid Reason = "token_not_yet_valid"

	// ReasonAudienceUnknown (resource): no resource server has this audience or host.
	ReasonAudienceUnknown Reason = "audience_unknown"
	// ReasonScopeUnknown (resource): the resource server has no such scope.
	ReasonScopeUnknown Reason = "scope_unknown"
	// ReasonRouteUnmatched (resource): no route takes this method and path, or the route has no such tool.
	ReasonRouteUnmatched Reason = "route_unmatched"
	// ReasonPathNotCanonical (resource): the path could be read in more than one way.
	ReasonPathNotCanonical Reason = "path_not_canonical"
	// ReasonInputMalformed (resource): what the route reads beside the path, in query, headers or body, could be read in more
	// than one way or not at all.
	ReasonInputMalformed Reason = "input_malformed"
	// ReasonCallerNotAllowed (resource): the route does not take this kind of caller.
	ReasonCallerNotAllowed Reason = "caller_not_allowed"

	// ReasonRevoked (revocation): a revocation covers the request.
	ReasonRevoked Reason = "revoked"

	// ReasonScopeNotInToken (token): the presented token does not carry this scope.
	ReasonScopeNotInToken Reason = "scope_not_in_token"
	// ReasonTokenScopeMalformed (token): the presented token carries something that is no scope.
	ReasonTokenScopeMalformed Reason = "token_scope_malformed"

	// ReasonNotEntitled (subject): no entitlement gives the subject this scope on this resource.
	ReasonNotEntitled Reason = "not_entitled"

	// ReasonActorNotAllowed (actor): the resource server does not let this actor's namespace come.
	ReasonActorNotAllowed Reason = "actor_not_allowed"
	// ReasonNotDeclared (actor, chain): the actor's ServiceDelegations do not declare this scope.
	ReasonNotDeclared Reason = "not_declared"

	// ReasonEdgeNotDeclared (chain): a prior actor does not declare the next one in onward.
	ReasonEdgeNotDeclared Reason = "edge_not_declared"
	// ReasonChainTooDeep (chain, policy): there are more actors than allowed.
	ReasonChainTooDeep Reason = "chain_too_deep"
	// ReasonChainLoop (chain): an actor stands twice in the chain.
	ReasonChainLoop Reason = "chain_loop"

	// ReasonForbidden (policy): a Forbid rule matches.
	ReasonForbidden Reason = "forbidden"
	// ReasonNoPolicy (policy): no Permit rule matches.
	ReasonNoPolicy Reason = "no_policy"
	// ReasonSubjectTooOld (policy): the person signed in too long ago, or nobody knows when.
	ReasonSubjectTooOld Reason = "subject_too_old"
	// ReasonTokenLifetimeTooLong (policy): the presented token was issued to live longer than the rule allows.
	ReasonTokenLifetimeTooLong Reason = "token_lifetime_too_long"
	// ReasonConditionError (subject, policy): nothing but a condition that could not be evaluated stood in the way.
	ReasonConditionError Reason = "condition_error"

	// ReasonGrantRequired (grant): every matching Permit asks for a grant and there is none.
	ReasonGrantRequired Reason = "grant_required"
	// ReasonGrantMismatch (grant): there are live grants for this subject and actor, and none binds this request.
	ReasonGrantMismatch Reason = "grant_mismatch"

	// ReasonInternalError (any leg): the judgement itself failed, which denies.
	ReasonInternalError Reason = "internal_error"
)

// Reasons lists every reason.
func Reasons() []Reason {
	return []Reason{
		ReasonSubjectMissing, ReasonActorMissing, ReasonActorMismatch, ReasonTokenInvalid, ReasonRequestMalformed,
		ReasonStaleBundle, ReasonTokenExpired, ReasonTokenNotYetValid,
		ReasonAudienceUnknown, ReasonScopeUnknown, ReasonRouteUnmatched, ReasonPathNotCanonical, ReasonInputMalformed,
		ReasonCallerNotAllowed, ReasonRevoked, ReasonScopeNotInToken, ReasonTokenScopeMalformed, ReasonNotEntitled,
		ReasonActorNotAllowed, ReasonNotDeclared, ReasonEdgeNotDeclared, ReasonChainTooDeep, ReasonChainLoop,
		ReasonForbidden, ReasonNoPolicy, ReasonSubjectTooOld, ReasonTokenLifetimeTooLong, ReasonConditionError,
		ReasonGrantRequired, ReasonGrantMismatch, ReasonInternalError,
	}
}

// ForUser is what the person behind a request that was denied for this reason may read.
func (r Reason) ForUser() string {
	switch r {
	case ReasonSubjectMissing:
		return "Sign in first."
	case ReasonTokenInvalid, ReasonTokenExpired, ReasonTokenNotYetValid, ReasonSubjectTooOld,
		ReasonRevoked:
		return "Your sign-in is no longer accepted here. Sign in again."
	case ReasonStaleBundle, ReasonInternalError:
		return "This cannot be decided right now. Try again later."
	case ReasonGrantRequired, ReasonGrantMismatch:
		return "This needs an approval that is not there."
	case ReasonRequestMalformed, ReasonPathNotCanonical, ReasonInputMalformed:
		return "The request is malformed."
	case ReasonActorMissing, ReasonActorMismatch, ReasonAudienceUnknown, ReasonScopeUnknown,
		ReasonRouteUnmatched, ReasonCallerNotAllowed, ReasonScopeNotInToken,
		ReasonTokenScopeMalformed, ReasonNotEntitled, ReasonActorNotAllowed, ReasonNotDeclared,
		ReasonEdgeNotDeclared, ReasonChainTooDeep, ReasonChainLoop, ReasonForbidden,
		ReasonNoPolicy, ReasonTokenLifetimeTooLong, ReasonConditionError:
		return "You or the service acting for you may not do this."
	default:
		return "You or the service acting for you may not do this."
	}
}
