// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/condition"
)

// whoAsks: subject and actor are both authenticated. A service is never trusted alone.
func whoAsks(j *judgement) obstacles {
	r := j.req
	switch {
	case r.Unauthenticated != "":
		return unauthenticated(r)
	case r.Subject.Present():
		return nil
	case !r.Actor.Present():
		return deny(authz.ReasonSubjectMissing, "no person stands behind the request")
	default:
		return deny(authz.ReasonSubjectMissing, "no person stands behind the request of %s", r.Actor)
	}
}

// unauthenticated is what a front door found out. A token that is out of its time is a matter of freshness, whoever
// noticed it first, and so it denies in a dry run too.
func unauthenticated(r *authz.Request) obstacles {
	found := deny(r.Unauthenticated, "%s", own(cmp.Or(r.Detail, "the front door could not establish who is asking")))
	switch r.Unauthenticated { //nolint:exhaustive // all others are a matter of identity
	case authz.ReasonTokenExpired, authz.ReasonTokenNotYetValid, authz.ReasonStaleBundle:
		found[0].Leg = authz.LegFreshness
	}
	return found
}

// whatIsAsked: the request can be read as one question, by one caller.
func whatIsAsked(j *judgement) obstacles {
	r := j.req
	if fault := malformed(r); fault != "" {
		return deny(authz.ReasonRequestMalformed, "%s", fault)
	}
	switch {
	case r.Actor.Present():
		return nil
	case len(r.Via) > 0:
		return deny(authz.ReasonActorMissing, "there are prior actors and no current one")
	case r.HTTP == nil:
		return deny(authz.ReasonActorMissing, "no service acts for %s, and only a route can let a person come alone", r.Subject)
	default:
		return nil
	}
}

// malformed says why the request cannot be read as one question; empty where it can.
func malformed(r *authz.Request) string {
	switch {
	case r.Subject.Issuer == "":
		return "the subject has no issuer"
	case halfNamed(&r.Actor):
		return "the actor lacks its namespace or its service account"
	case r.HTTP != nil && r.Scope != "":
		return "a request is asked about by its scope or by its route, not by both"
	case r.HTTP != nil && (r.Resource.Type != "" || r.Resource.ID != "" || len(r.Resource.Properties) > 0):
		return "the route of a request gives its resource, and the request names one too"
	case len(r.Subject.Groups) > condition.MaxEntries:
		return "the subject has more groups than are looked at"
	case len(r.Via) >= condition.MaxChain:
		return "the chain has more actors than are looked at"
	}
	for i := range r.Via {
		if !r.Via[i].Present() {
			return "a prior actor lacks its namespace or its service account"
		}
	}
	return ""
}

func halfNamed(a *authz.Actor) bool { return (a.Namespace == "") != (a.ServiceAccount == "") }
