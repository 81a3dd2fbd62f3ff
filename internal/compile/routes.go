// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"
	"strings"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/engine"
)

// routes reads the routes, which the engine's own rules then judge: what compiles is what loads.
func (f *form) routes() []bundle.Route {
	var (
		read     []bundle.Route // in the order of the object, for the paths of fields
		origin   []int          // the index in spec.routes of each
		distinct []bundle.Route // sorted, for the bundle
	)
	for i, route := range f.spec.Routes {
		r := f.route(fmt.Sprintf("spec.routes[%d]", i), route)
		if containsRoute(distinct, normalRoute(r)) {
			continue
		}
		read, origin, distinct = append(read, r), append(origin, i), append(distinct, normalRoute(r))
	}
	for _, p := range engine.CheckRoutes(read) {
		field := fmt.Sprintf("spec.routes[%d].%s", origin[p.Route], p.Field)
		if p.Other < 0 {
			f.invalidf(field, "%s", withRemedy(p.Message))
			continue
		}
		f.invalidf(field, "spec.routes[%d] (%s) matches the same requests, so nobody could say which of the two counts; "+
			"leave the method to one of them", origin[p.Other], read[p.Other].Path)
	}
	return sortedSet(distinct, compareRoutes)
}

// withRemedy completes what the engine says only to have said what is wrong.
func withRemedy(message string) string {
	if strings.ContainsAny(message, ";:") {
		return message
	}
	return message + "; correct it"
}

func containsRoute(routes []bundle.Route, route bundle.Route) bool {
	return slices.ContainsFunc(routes, func(r bundle.Route) bool { return compareRoutes(r, route) == 0 })
}

// normalRoute is the same route with its lists sorted.
func normalRoute(r bundle.Route) bundle.Route {
	r.Methods = sortedNames(r.Methods)
	r.Properties = sortedSet(r.Properties, compareProperties)
	if r.MCP != nil {
		r.MCP = &bundle.MCP{Tools: sortedSet(r.MCP.Tools, compareTools)}
	}
	return r
}

func (f *form) route(field string, r v1alpha1.Route) bundle.Route {
	read := bundle.Route{
		Methods: slices.Clone(r.Match.Methods),
		Path:    r.Match.Path,
		Scope:   f.routeScope(field+".scope", string(r.Scope)),
		Type:    r.Resource.Type,
		ID:      r.Resource.ID,
	}
	if len(r.Match.Methods) == 0 {
		f.invalidf(field+".match.methods", "there is no method; name at least one, such as GET")
	}
	for _, p := range r.Resource.Properties {
		read.Properties = append(read.Properties, bundle.Property{Name: p.Name, Value: p.Value})
	}
	f.checkResource(field+".resource", r.Resource)
	read.MCP = f.mcp(field+".mcp", r.MCP)
	read.Delegated, read.User = f.callers(field+".callers", r.Callers)
	return read
}

func (f *form) routeScope(field, name string) int {
	at, ok := f.scopes[name]
	if !ok {
		f.invalidf(field, "%q is none of spec.scopes; add it there, or use one of %s", name, someNames(f.scopeNames()))
	}
	return at
}

// mcp reads the tools of a route; nil where it names none and is a route like any other.
func (f *form) mcp(field string, m v1alpha1.RouteMCP) *bundle.MCP {
	if len(m.Tools) == 0 {
		return nil
	}
	read := &bundle.MCP{}
	for i, tool := range m.Tools {
		at := fmt.Sprintf("%s.tools[%d]", field, i)
		switch {
		case tool.Resource.Type == "" && tool.Resource.ID != "":
			f.invalidf(at+".resource.type", "a resource with an id needs a type; name it, such as ticket")
		case tool.Resource.Type != "" && tool.Resource.ID == "":
			f.invalidf(at+".resource.id", "the resource of a tool needs an id; name it, such as {argument:id}, or leave the resource to the route")
		}
		read.Tools = append(read.Tools, bundle.Tool{
			Name: tool.Name, Scope: f.routeScope(at+".scope", string(tool.Scope)), Type: tool.Resource.Type, ID: tool.Resource.ID,
		})
	}
	return read
}

func (f *form) scopeNames() []string {
	names := make([]string, len(f.policy.Scopes))
	for i, scope := range f.policy.Scopes {
		names[i] = scope.Name
	}
	return names
}

func (f *form) checkResource(field string, r v1alpha1.RouteResource) {
	if r.Type == "" && (r.ID != "" || len(r.Properties) > 0) {
		f.invalidf(field+".type", "a resource with id or properties needs a type; name it, such as ticket")
	}
	seen := map[string]bool{}
	for i, p := range r.Properties {
		at := fmt.Sprintf("%s.properties[%d].name", field, i)
		switch {
		case p.Name == "":
			f.invalidf(at, "the property has no name; name it as conditions read it")
		case seen[p.Name]:
			f.invalidf(at, "the property %q stands there twice; keep one", p.Name)
		}
		seen[p.Name] = true
	}
}

func (f *form) callers(field string, callers []v1alpha1.Caller) (delegated, user bool) {
	if len(callers) == 0 {
		return true, false
	}
	for i, caller := range callers {
		switch caller {
		case v1alpha1.CallerDelegated:
			delegated = true
		case v1alpha1.CallerUser:
			user = true
		default:
			f.invalidf(fmt.Sprintf("%s[%d]", field, i), "%q is no kind of caller; say Delegated or User", caller)
		}
	}
	if delegated && user {
		f.warnf(field, "a service that leaves its actor token out is judged here as the person alone; give people a path of their own, or name one kind of caller, unless both are meant")
	}
	return delegated, user
}

// someNames lists a few names for a message, and counts the rest.
func someNames(names []string) string {
	const few = 5
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}
