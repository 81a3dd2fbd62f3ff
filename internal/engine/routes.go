// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/condition"
)

// RouteProblem says what is wrong with one route, for whoever wrote it.
type RouteProblem struct {
	// Route is the index of the route; Other that of an earlier one that it ties with, or -1.
	Route, Other int
	// Field is the path of the field within a ResourceServer's route, such as match.methods[1].
	Field   string
	Message string
}

// CheckRoutes finds every malformed template and every route that ties with an earlier one.
//
// The most specific route that matches method and path wins. Routes are compared segment by segment from the left: a
// literal comes before {name}, {name} before {name...}. Two routes for one method tie where they agree in every segment's
// kind and in every literal, whatever their variables are called; of any other two that match one path, one wins.
func CheckRoutes(routes []bundle.Route) []RouteProblem {
	var problems []RouteProblem
	seen := map[string]int{}
	for i := range routes {
		_, found := loadRoute(&routes[i])
		problems = append(problems, at(i, found)...)
		if len(found) == 0 {
			problems = append(problems, ties(seen, routes, i)...)
		}
	}
	return problems
}

func at(i int, found []RouteProblem) []RouteProblem {
	for k := range found {
		found[k].Route, found[k].Other = i, -1
	}
	return found
}

// ties notes the shapes of a route, one for each method, and reports those that were there before.
func ties(seen map[string]int, routes []bundle.Route, i int) []RouteProblem {
	var problems []RouteProblem
	segments, _ := parsePath(routes[i].Path) // it was read before
	for m, method := range routes[i].Methods {
		key := method + " " + shape(segments)
		earlier, taken := seen[key]
		if !taken {
			seen[key] = i
			continue
		}
		problems = append(problems, RouteProblem{
			Route: i, Other: earlier, Field: fmt.Sprintf("match.methods[%d]", m),
			Message: fmt.Sprintf("%s %s ties with the earlier route %s: no request could tell them apart; leave the method to one of the two",
				method, routes[i].Path, routes[earlier].Path),
		})
	}
	return problems
}

// shape is the same for templates that match the same paths.
func shape(segments []segment) string {
	var key strings.Builder
	for _, s := range segments {
		switch s.kind {
		case literal:
			fmt.Fprintf(&key, "/%d=%s", len(s.text), s.text)
		case one:
			key.WriteString("/{}")
		case rest:
			key.WriteString("/{...}")
		}
	}
	return key.String()
}

// route is one route, ready to be taken.
type route struct {
	text            string
	scope           int32
	delegated, user bool

	resourceType string
	id           value
	names        []string
	values       []value
}

// String is the route as its owner wrote it.
func (r *route) String() string { return "route " + r.text }

// loadRoute reads a route; its scope is left to the caller.
func loadRoute(b *bundle.Route) (*route, []RouteProblem) {
	problems := checkMethods(b.Methods)
	segments, err := parsePath(b.Path)
	if err != nil {
		return nil, append(problems, RouteProblem{Field: "match.path", Message: err.Error()})
	}
	r := &route{text: b.Path, delegated: b.Delegated, user: b.User, resourceType: b.Type}
	names := variables(segments)
	if r.id, err = parseValue(b.ID, names); err != nil {
		problems = append(problems, RouteProblem{Field: "resource.id", Message: err.Error()})
	}
	for i, p := range b.Properties {
		v, err := parseValue(p.Value, names)
		if err != nil {
			problems = append(problems, RouteProblem{Field: fmt.Sprintf("resource.properties[%d].value", i), Message: err.Error()})
		}
		r.names, r.values = append(r.names, p.Name), append(r.values, v)
	}
	return r, problems
}

func checkMethods(methods []string) []RouteProblem {
	var problems []RouteProblem
	for i, method := range methods {
		var message string
		switch {
		case !isMethod(method):
			message = fmt.Sprintf("%q is no method: write it in capitals, such as GET", method)
		case slices.Contains(methods[:i], method):
			message = method + " stands twice; once is enough"
		default:
			continue
		}
		problems = append(problems, RouteProblem{Field: fmt.Sprintf("match.methods[%d]", i), Message: message})
	}
	return problems
}

// isMethod takes capital letters and '-': methods are tokens and compared by case (RFC 9110 section 9.1), and every
// registered one is so spelt.
func isMethod(method string) bool {
	for i := range len(method) {
		if c := method[i]; (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return method != "" && len(method) <= 32
}

// build makes the resource of a request; false where a name in it would be longer than any may be.
func (r *route) build(c *captures, into *authz.Resource) bool {
	into.Type, into.ID, into.Properties = r.resourceType, r.id.of(c), nil
	if len(into.ID) > condition.MaxName {
		return false
	}
	if len(r.names) > 0 {
		into.Properties = make(map[string]any, len(r.names))
	}
	for i, name := range r.names {
		text := r.values[i].of(c)
		if len(text) > condition.MaxName {
			return false
		}
		into.Properties[name] = text
	}
	return true
}

var (
	errCallers   = errors.New("it takes no kind of caller")
	errMethods   = errors.New("it takes no method")
	errProperty  = errors.New("a property has no name or stands twice")
	errRouteList = errors.New("malformed or ambiguous")
)

func (l *loader) loadRoutes() error {
	if problems := CheckRoutes(l.bundle.Routes); len(problems) > 0 {
		first := problems[0]
		return fmt.Errorf("route %d, %s: %w: %s", first.Route, first.Field, errRouteList, first.Message)
	}
	l.policy.routes = routeTable{}
	for i := range l.bundle.Routes {
		if err := l.addRoute(&l.bundle.Routes[i]); err != nil {
			return fmt.Errorf("route %d, %s: %w", i, l.bundle.Routes[i].Path, err)
		}
	}
	return nil
}

func (l *loader) addRoute(b *bundle.Route) error {
	switch {
	case !b.Delegated && !b.User:
		return errCallers
	case len(b.Methods) == 0:
		return errMethods
	}
	scopes, err := l.scopeIndexes([]int{b.Scope})
	if err != nil {
		return err
	}
	r, _ := loadRoute(b)
	r.scope = scopes[0]
	for i, name := range r.names {
		if name == "" || slices.Contains(r.names[:i], name) {
			return errProperty
		}
	}
	segments, _ := parsePath(b.Path)
	for _, method := range b.Methods {
		l.policy.routes.add(method, segments, r)
	}
	return nil
}
