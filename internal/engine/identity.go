// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"

	"behalf.dev/behalf/internal/authz"
)

// identity: subject and actor are both authenticated, and the request is one question. A service is never trusted alone.
func identity(j *judgement) *authz.Denial {
	r := j.req
	switch {
	case r.Unauthenticated != "":
		return unauthenticated(r)
	case !r.Subject.Present():
		return j.subjectMissing()
	case j.malformed() != "":
		return deny(authz.ReasonRequestMalformed, "%s", j.malformed())
	case !r.Actor.Present() && len(r.Via) > 0:
		return deny(authz.ReasonActorMissing, "there are prior actors and no current one")
	case !r.Actor.Present() && r.HTTP == nil:
		return deny(authz.ReasonActorMissing, "no service acts for %s, and only a route can let a person come alone", r.Subject)
	}
	if err := j.input.Check(); err != nil {
		return deny(authz.ReasonRequestMalformed, "%v", err)
	}
	return nil
}

// unauthenticated is what a front door found out. A token that is out of its time is a matter of freshness, whoever
// noticed it first, and so it denies in a dry run too.
func unauthenticated(r *authz.Request) *authz.Denial {
	denial := deny(r.Unauthenticated, "%s", own(cmp.Or(r.Detail, "the front door could not establish who is asking")))
	switch r.Unauthenticated { //nolint:exhaustive // all others are a matter of identity
	case authz.ReasonTokenExpired, authz.ReasonTokenNotYetValid, authz.ReasonStaleBundle:
		denial.Leg = authz.LegFreshness
	}
	return denial
}

func (j *judgement) subjectMissing() *authz.Denial {
	if !j.req.Actor.Present() {
		return deny(authz.ReasonSubjectMissing, "no person stands behind the request")
	}
	return deny(authz.ReasonSubjectMissing, "no person stands behind the request of %s", j.req.Actor)
}

// malformed says why the request cannot be read as one question; empty where it can.
func (j *judgement) malformed() string {
	r := j.req
	switch {
	case r.Subject.Issuer == "":
		return "the subject has no issuer"
	case r.Actor != (authz.Actor{}) && !r.Actor.Present():
		return "the actor lacks its namespace or its service account"
	case r.HTTP != nil && r.Scope != "":
		return "a request is asked about by its scope or by its route, not by both"
	case r.HTTP != nil && (r.Resource.Type != "" || r.Resource.ID != "" || len(r.Resource.Properties) > 0):
		return "the route of a request gives its resource, and the request names one too"
	}
	for _, prior := range r.Via {
		if !prior.Present() {
			return "a prior actor lacks its namespace or its service account"
		}
	}
	return ""
}
