// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/canonical"
	"behalf.dev/behalf/internal/condition"
)

// resourceServer: somebody holds the audience or the host.
func resourceServer(j *judgement) obstacles {
	switch {
	case j.served != nil:
		return nil
	case j.req.Audience == "" && j.req.HTTP != nil:
		return deny(authz.ReasonAudienceUnknown, "no resource server has the host %q", j.req.HTTP.Host)
	default:
		return deny(authz.ReasonAudienceUnknown, "no resource server has the audience %q", j.req.Audience)
	}
}

// scopeOrRoute: the scope is known, or a route leads to one.
func scopeOrRoute(j *judgement) obstacles {
	if j.req.HTTP != nil {
		return j.route()
	}
	scope, ok := j.served.policy.scopeNumber(j.req.Scope)
	if !ok {
		return deny(authz.ReasonScopeUnknown, "%s has no scope %q", j.served.policy.source, j.req.Scope)
	}
	j.scope = scope
	return nil
}

// route takes scope and resource from the one route that matches.
func (j *judgement) route() obstacles {
	p, http := j.served.policy, j.req.HTTP
	path, err := canonical.PathOf(http.Path)
	if err != nil {
		return deny(authz.ReasonPathNotCanonical, "the path %s", own(err.Error()))
	}
	r := p.routes.find(http.Method, path, &j.captures)
	if r == nil {
		return deny(authz.ReasonRouteUnmatched, "%s has no route for %s %s", p.source, http.Method, string(path))
	}
	in := inputs{captures: &j.captures, path: http.Path, headers: http.Headers}
	t, denial := j.called(r, &in)
	if denial == nil {
		denial = t.build(&in, &j.resource)
	}
	if denial != nil {
		return denial
	}
	j.taken, j.scope = r, t.scope
	return j.withinBounds(&in)
}

// withinBounds holds the arguments of a call to the bounds of conditions, whether or not one reads them: they are as large as
// a client makes them.
func (j *judgement) withinBounds(in *inputs) obstacles {
	if in.arguments == nil {
		return nil
	}
	if _, err := j.ask(condition.Context); err != nil {
		return deny(authz.ReasonInputMalformed, "%s", own(err.Error()))
	}
	return nil
}

// caller: the route takes this kind of caller.
func caller(j *judgement) obstacles {
	r, actor := j.taken, j.req.Actor.Present()
	switch {
	case r == nil || (actor && r.delegated) || (!actor && r.user):
		return nil
	case actor:
		return deny(authz.ReasonCallerNotAllowed, "%s takes people who come alone, and %s acts for one", own(r.String()), j.req.Actor)
	default:
		return deny(authz.ReasonCallerNotAllowed, "%s takes services that act for a person, and %s comes alone", own(r.String()), j.req.Subject)
	}
}
