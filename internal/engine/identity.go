// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"fmt"
	"slices"

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

// whatIsAsked: the request can be read as one question, by one caller, about a person whose issuer is trusted.
func whatIsAsked(j *judgement) obstacles {
	r := j.req
	if fault := malformed(r); fault != "" {
		return deny(authz.ReasonRequestMalformed, "%s", fault)
	}
	switch {
	case j.snapshot.trust != nil && !j.snapshot.issuers.find(j.issuerHash, r.Subject.Issuer): // without trust, nothing is fresh
		return deny(authz.ReasonTokenInvalid, "no TrustedIssuer named %q is believed here", r.Subject.Issuer)
	case !r.Actor.Present() && len(r.Via) > 0:
		return deny(authz.ReasonActorMissing, "there are prior actors and no current one")
	case !r.Actor.Present() && r.HTTP == nil:
		return deny(authz.ReasonActorMissing, "no service acts for %s, and only a route can let a person come alone", r.Subject)
	}
	if fault := oversized(r); fault != "" {
		return deny(authz.ReasonRequestMalformed, "%s", fault)
	}
	return nil
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
	}
	for i := range r.Via {
		if !r.Via[i].Present() {
			return "a prior actor lacks its namespace or its service account"
		}
	}
	return ""
}

// oversized says what of the request is larger than anything that is looked at; empty where nothing is. What lies within
// claims, properties and context is measured when the first condition is asked.
func oversized(r *authz.Request) string {
	s, o := &r.Subject, &r.Resource
	switch {
	case long(s.Issuer) || long(s.ID) || long(s.Username) || long(s.Session) || slices.ContainsFunc(s.Groups, long):
		return fmt.Sprintf("a name of the subject is longer than %d bytes", condition.MaxName)
	case long(r.Audience) || long(r.Scope) || long(o.Type) || long(o.ID):
		return fmt.Sprintf("the audience, the scope or a name of the resource is longer than %d bytes", condition.MaxName)
	case longNamed(&r.Actor) || anyLongNamed(r.Via):
		return fmt.Sprintf("the name of an actor is longer than %d bytes", condition.MaxName)
	case len(s.Groups) > condition.MaxEntries:
		return fmt.Sprintf("the subject has %d groups, more than %d", len(s.Groups), condition.MaxEntries)
	case len(r.Via) >= condition.MaxChain:
		return fmt.Sprintf("the chain has %d actors, more than %d", len(r.Via)+1, condition.MaxChain)
	case max(len(s.Claims), len(o.Properties), len(r.Context)) > condition.MaxEntries:
		return fmt.Sprintf("claims, properties or context have more than %d entries", condition.MaxEntries)
	default:
		return ""
	}
}

func long(name string) bool { return len(name) > condition.MaxName }

func longNamed(a *authz.Actor) bool { return long(a.Namespace) || long(a.ServiceAccount) }

func anyLongNamed(actors []authz.Actor) bool {
	for i := range actors {
		if longNamed(&actors[i]) {
			return true
		}
	}
	return false
}

func halfNamed(a *authz.Actor) bool { return (a.Namespace == "") != (a.ServiceAccount == "") }
