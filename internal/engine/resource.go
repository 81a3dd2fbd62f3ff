// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/condition"
)

// resource: audience, route and scope are known, and the route takes this kind of caller.
func resource(j *judgement) *authz.Denial {
	switch {
	case j.served == nil && j.req.Audience == "" && j.req.HTTP != nil:
		return deny(authz.ReasonAudienceUnknown, "no resource server has the host %q", j.req.HTTP.Host)
	case j.served == nil:
		return deny(authz.ReasonAudienceUnknown, "no resource server has the audience %q", j.req.Audience)
	case j.req.HTTP != nil:
		return j.route()
	}
	scope, ok := j.served.policy.scopeIndex[j.req.Scope]
	if !ok {
		return deny(authz.ReasonScopeUnknown, "%s has no scope %q", j.served.policy.source, j.req.Scope)
	}
	j.scope = scope
	return nil
}

// route takes scope and resource from the one route that matches.
func (j *judgement) route() *authz.Denial {
	p, http := j.served.policy, j.req.HTTP
	path, err := canonicalPath(http.Path)
	if err != nil {
		return deny(authz.ReasonPathNotCanonical, "the path %v", err)
	}
	r := p.routes.find(http.Method, path, &j.captures)
	if r == nil {
		return deny(authz.ReasonRouteUnmatched, "%s has no route for %s %s", p.source, http.Method, string(path))
	}
	if !r.build(&j.captures, &j.decision.Resource) {
		return deny(authz.ReasonRouteUnmatched, "a name in the path is longer than %d bytes", condition.MaxName)
	}
	j.scope = r.scope
	j.decision.Scope = p.scopes[r.scope].name
	j.input.Scope = j.decision.Scope
	return j.takes(r)
}

func (j *judgement) takes(r *route) *authz.Denial {
	switch {
	case j.req.Actor.Present() && !r.delegated:
		return deny(authz.ReasonCallerNotAllowed, "%s takes people who come alone, and %s acts for one", r, j.req.Actor)
	case !j.req.Actor.Present() && !r.user:
		return deny(authz.ReasonCallerNotAllowed, "%s takes services that act for a person, and %s comes alone", r, j.req.Subject)
	default:
		return nil
	}
}
