// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"strings"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// question is one request at one time, with what it turned out to be about.
type question struct {
	world *Accepted
	req   *authz.Request
	now   time.Time

	// server is nil where no resource server has the audience or host.
	server *v1alpha1.ResourceServer
	// unresolved is why scope and resource are not known; empty where they are.
	unresolved authz.Reason
	route      *v1alpha1.Route
	scope      string
	target     authz.Resource
}

func (a *Accepted) ask(req *authz.Request, now time.Time) *question {
	q := &question{world: a, req: req, now: now, scope: req.Scope, target: req.Resource}
	q.server = q.findServer()
	q.unresolved = q.resolve()
	return q
}

// known says whether there is one question to judge, about a scope of a resource server whose bundle may be judged by.
func (q *question) known() bool {
	return len(q.identity()) == 0 && !q.stale() && q.unresolved == ""
}

// delegated says whether the legs that judge services have something to judge: for a person who comes alone they fall away.
func (q *question) delegated() bool { return q.known() && q.req.Actor.Present() }

// findServer goes by the audience, and by the host where no audience is given.
func (q *question) findServer() *v1alpha1.ResourceServer {
	for i := range q.world.Servers {
		server := &q.world.Servers[i]
		if q.req.Audience != "" && string(server.Spec.Audience) == q.req.Audience {
			return server
		}
		if q.req.Audience == "" && q.req.HTTP != nil && slices.Contains(server.Spec.Hosts, hostName(q.req.HTTP.Host)) {
			return server
		}
	}
	return nil
}

// hostName is a host without its port, in lower case.
func hostName(host string) string {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	return name
}

// resolve learns scope and resource, from the routes where the request is one over HTTP.
func (q *question) resolve() authz.Reason {
	if q.server == nil {
		return authz.ReasonAudienceUnknown
	}
	if q.req.HTTP != nil {
		if reason := q.follow(q.req.HTTP); reason != "" {
			return reason
		}
	}
	if q.scopeOf(q.scope) == nil {
		return authz.ReasonScopeUnknown
	}
	return ""
}

// follow takes the route of an HTTP request.
func (q *question) follow(request *authz.HTTPRequest) authz.Reason {
	path, _, _ := strings.Cut(request.Path, "?")
	if !canonical(path) {
		return authz.ReasonPathNotCanonical
	}
	query := strings.TrimPrefix(request.Path, path)
	route, values := bestRoute(q.server.Spec.Routes, request.Method, path)
	if route == nil {
		return authz.ReasonRouteUnmatched
	}
	if !values.readQuery(route, query) {
		return authz.ReasonInputMalformed
	}
	q.route, q.scope, q.target = route, string(route.Scope), values.resource(route)
	return ""
}

func (q *question) caller() v1alpha1.Caller {
	if q.alone() {
		return v1alpha1.CallerUser
	}
	return v1alpha1.CallerDelegated
}

// alone says whether a person comes without a service.
func (q *question) alone() bool { return q.req.Actor == (authz.Actor{}) }

func (q *question) scopeOf(name string) *v1alpha1.Scope {
	for i := range q.server.Spec.Scopes {
		if string(q.server.Spec.Scopes[i].Name) == name {
			return &q.server.Spec.Scopes[i]
		}
	}
	return nil
}

// actors is the whole chain: the prior actors, and the one that comes to the API.
func (q *question) actors() []authz.Actor {
	if q.alone() {
		return q.req.Via
	}
	return append(slices.Clone(q.req.Via), q.req.Actor)
}

func (q *question) inDryRun() bool {
	return q.server != nil && dryRun(q.server.Spec.Enforcement, q.now)
}

// dryRun says whether a dry run is on: it is over at the very time that is stated.
func dryRun(e v1alpha1.Enforcement, now time.Time) bool {
	return e.Mode == v1alpha1.EnforcementDryRun && e.Until != nil && now.Before(e.Until.Time)
}

// all is what several conditions say together: all must be met, and one that is not met outweighs one that errs.
func (q *question) all(conditions []v1alpha1.Condition) Verdict {
	together := Met
	for _, condition := range conditions {
		switch q.facts().judge(condition.Expression) {
		case Unmet:
			return Unmet
		case Errs:
			together = Errs
		case Met:
		}
	}
	return together
}

func (q *question) facts() Facts {
	return Facts{
		Subject: q.req.Subject, Actor: q.req.Actor, Chain: q.actors(), Audience: string(q.server.Spec.Audience), Scope: q.scope,
		Resource: q.target, Context: q.req.Context, Now: q.now,
	}
}
