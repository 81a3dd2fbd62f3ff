// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"slices"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/condition"
)

// route is one route, ready to be taken.
type route struct {
	text            string
	delegated, user bool
	// own is what a request is taken for; but the call of a tool is taken for one of tools, which is nil where the body of a
	// request is not looked at.
	own   target
	tools map[string]*target
}

// target is what a request is taken for: the scope that it needs and the resource that it concerns.
type target struct {
	scope        int32
	resourceType string
	id           value
	names        []string
	values       []value
}

// String is the route as its owner wrote it.
func (r *route) String() string { return "route " + r.text }

// loadRoute reads a route; scopes are left to the caller.
func loadRoute(b *bundle.Route) (*route, []RouteProblem) {
	problems := checkMethods(b.Methods)
	segments, err := parsePath(b.Path)
	if err != nil {
		return nil, append(problems, RouteProblem{Field: "match.path", Message: err.Error()})
	}
	r := &route{text: b.Path, delegated: b.Delegated, user: b.User}
	names := variables(segments)
	problems = append(problems, r.own.load(b, vocabulary{variables: names})...)
	if b.MCP != nil {
		problems = append(problems, r.loadTools(b, names)...)
	}
	return r, problems
}

// maxReads is the largest number of query parameters and headers that one route reads: each is looked for on its own.
const maxReads = 16

var errReads = fmt.Errorf("it reads more than %d query parameters and headers; leave some to conditions on the context", maxReads)

func (t *target) load(b *bundle.Route, names vocabulary) []RouteProblem {
	var problems []RouteProblem
	var err error
	if t.id, err = parseValue(b.ID, names); err != nil {
		problems = append(problems, RouteProblem{Field: "resource.id", Message: err.Error()})
	}
	t.resourceType = b.Type
	reads := t.id.reads()
	for i, p := range b.Properties {
		v, err := parseValue(p.Value, names)
		if err != nil {
			problems = append(problems, RouteProblem{Field: fmt.Sprintf("resource.properties[%d].value", i), Message: err.Error()})
		}
		t.names, t.values = append(t.names, p.Name), append(t.values, v)
		reads += v.reads()
	}
	if reads > maxReads {
		problems = append(problems, RouteProblem{Field: "resource", Message: errReads.Error()})
	}
	return problems
}

// reads counts what is looked for in query and headers.
func (v value) reads() int {
	n := 0
	for i := range v {
		if v[i].from == fromQuery || v[i].from == fromHeader {
			n++
		}
	}
	return n
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

var errLongName = errors.New("is longer than any name may be")

// build makes the resource of a request. What it has no value for is left out.
func (t *target) build(in *inputs, into *authz.Resource) obstacles {
	built := authz.Resource{Type: t.resourceType}
	var err error
	if built.ID, _, err = bounded(t.id.of(in)); err != nil {
		return unreadable(err)
	}
	if len(t.names) > 0 {
		built.Properties = make(map[string]any, len(t.names))
	}
	for i, name := range t.names {
		text, whole, err := bounded(t.values[i].of(in))
		if err != nil {
			return unreadable(err)
		}
		if whole {
			built.Properties[name] = text
		}
	}
	*into = built
	return nil
}

func bounded(text string, whole bool, err error) (string, bool, error) {
	if err == nil && len(text) > condition.MaxName {
		err = errLongName
	}
	return text, whole, err
}

func unreadable(err error) obstacles {
	if errors.Is(err, errLongName) {
		return deny(authz.ReasonRouteUnmatched, "a name in the path is longer than %s bytes", condition.MaxName)
	}
	return deny(authz.ReasonInputMalformed, "%s", own(err.Error()))
}
