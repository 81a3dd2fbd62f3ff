// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"strings"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// captured is what the names of a path template matched.
type captured map[string]string

// bestRoute is the most specific route for a method and a canonical path; nil where none takes them.
func bestRoute(routes []v1alpha1.Route, method, path string) (*v1alpha1.Route, captured) {
	var best *v1alpha1.Route
	var values captured
	for i := range routes {
		route := &routes[i]
		found, matched := matchPath(route.Match.Path, path)
		if !matched || !slices.Contains(route.Match.Methods, method) {
			continue
		}
		if best == nil || moreSpecific(route.Match.Path, best.Match.Path) {
			best, values = route, found
		}
	}
	return best, values
}

// matchPath holds a path against a template segment by segment.
func matchPath(template, path string) (captured, bool) {
	wanted, got := strings.Split(template, "/"), strings.Split(path, "/")
	values := captured{}
	for i, segment := range wanted {
		name, kind := readSegment(segment)
		if kind == rest {
			tail := strings.Join(got[min(i, len(got)):], "/")
			values[name] = tail
			return values, i < len(got) && got[i] != ""
		}
		if i >= len(got) || kind == literal && segment != got[i] || kind == variable && got[i] == "" {
			return nil, false
		}
		if kind == variable {
			values[name] = got[i]
		}
	}
	return values, len(wanted) == len(got)
}

// segmentKind is ordered from the most specific to the least.
type segmentKind uint8

const (
	literal segmentKind = iota
	variable
	rest
)

// readSegment gives the name in {name} or {name...}.
func readSegment(segment string) (string, segmentKind) {
	inner, opened := strings.CutPrefix(segment, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !opened || !closed {
		return "", literal
	}
	if name, isRest := strings.CutSuffix(inner, "..."); isRest {
		return name, rest
	}
	return inner, variable
}

// moreSpecific compares two templates that match one path, from the left: a literal comes before {name}, {name} before
// {name...}.
func moreSpecific(a, b string) bool {
	left, right := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(left), len(right)) {
		_, leftKind := readSegment(left[i])
		_, rightKind := readSegment(right[i])
		if leftKind != rightKind {
			return leftKind < rightKind
		}
	}
	return false
}

// tie says that some path would match both templates with neither the more specific: they agree in every segment's kind and
// in every literal.
func tie(a, b string) bool {
	left, right := strings.Split(a, "/"), strings.Split(b, "/")
	if len(left) != len(right) {
		return false
	}
	for i := range left {
		_, leftKind := readSegment(left[i])
		_, rightKind := readSegment(right[i])
		if leftKind != rightKind || leftKind == literal && left[i] != right[i] {
			return false
		}
	}
	return true
}

// canonical says whether a path can be read in one way only (THREATS 26): it has what RFC 3986 section 3.3 lets stand in a
// segment unencoded, but no path parameters, and no empty or dot segments. What is percent-encoded is outside the model.
func canonical(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") {
		return false
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return !strings.ContainsFunc(path, func(r rune) bool { return !strings.ContainsRune(pathCharacters, r) })
}

const pathCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-._~!$&'()*+,=:@"

// readQuery adds the query parameters that a route reads, by their names in braces: none where there is none. What stands
// twice could be read in more than one way. The model knows plain queries only, of names and values without any encoding.
func (c captured) readQuery(route *v1alpha1.Route, query string) bool {
	for parameter := range strings.SplitSeq(strings.TrimPrefix(query, "?"), "&") {
		name, value, _ := strings.Cut(parameter, "=")
		key := "query:" + name
		_, twice := c[key]
		if twice && readsQuery(route, key) {
			return false
		}
		c[key] = value
	}
	return true
}

func readsQuery(route *v1alpha1.Route, key string) bool {
	return strings.Contains(route.Resource.ID, "{"+key+"}") ||
		slices.ContainsFunc(route.Resource.Properties, func(p v1alpha1.RouteProperty) bool { return strings.Contains(p.Value, "{"+key+"}") })
}

// takes says whether a route takes this kind of caller; without a word, it takes Delegated.
func takes(route *v1alpha1.Route, caller v1alpha1.Caller) bool {
	if len(route.Callers) == 0 {
		return caller == v1alpha1.CallerDelegated
	}
	return slices.Contains(route.Callers, caller)
}

// resource builds the resource of a route; a route without one has none. An id or a property for which the request lacks
// something is left out.
func (c captured) resource(route *v1alpha1.Route) authz.Resource {
	r := authz.Resource{Type: route.Resource.Type}
	r.ID, _ = c.expand(route.Resource.ID)
	for _, property := range route.Resource.Properties {
		value, complete := c.expand(property.Value)
		if !complete {
			continue
		}
		if r.Properties == nil {
			r.Properties = map[string]any{}
		}
		r.Properties[property.Name] = value
	}
	return r
}

// expand writes what was matched in place of every {name}.
func (c captured) expand(template string) (string, bool) {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(template, "{")
		out.WriteString(before)
		if !found {
			return out.String(), true
		}
		name, remaining, _ := strings.Cut(after, "}")
		value, matched := c[name]
		if !matched {
			return "", false
		}
		out.WriteString(value)
		template = remaining
	}
}
