// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"behalf.dev/behalf/internal/bundle"
)

// RouteProblem says what is wrong with one route, for whoever wrote it.
type RouteProblem struct {
	// Route is the index of the route; Other that of an earlier one that it ties with, or -1.
	Route, Other int
	// Field is the path of the field within a ResourceServer's route, such as match.methods[1].
	Field   string
	Message string
}

// CheckRoutes finds everything that is malformed in routes, and every route that ties with an earlier one.
//
// The most specific route that matches method and path wins. Routes are compared segment by segment from the left: a
// literal comes before {name}, {name} before {name...}. Two routes for one method tie where they agree in every segment's
// kind and in every literal, whatever their variables are called; of any other two that match one path, one wins. Neither
// query, headers nor body take part in it.
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
	r, _ := loadRoute(b)
	if err := l.resolve(r, b); err != nil {
		return err
	}
	for i, name := range r.own.names {
		if name == "" || slices.Contains(r.own.names[:i], name) {
			return errProperty
		}
	}
	segments, _ := parsePath(b.Path)
	for _, method := range b.Methods {
		l.policy.routes.add(method, segments, r)
	}
	return nil
}

// resolve finds the scopes of a route and its tools.
func (l *loader) resolve(r *route, b *bundle.Route) error {
	numbers := []int{b.Scope}
	targets := []*target{&r.own}
	if b.MCP != nil {
		for _, tool := range b.MCP.Tools {
			numbers, targets = append(numbers, tool.Scope), append(targets, r.tools[tool.Name])
		}
	}
	scopes, err := l.scopeIndexes(numbers)
	if err != nil {
		return err
	}
	for i, t := range targets {
		t.scope = scopes[i]
	}
	return nil
}
