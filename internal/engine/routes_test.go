// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/canonical"
	"behalf.dev/behalf/internal/condition"
)

func get(template string) bundle.Route {
	return bundle.Route{Methods: []string{"GET"}, Path: template, Delegated: true}
}

func tableOf(tb testing.TB, templates ...string) routeTable {
	tb.Helper()
	t := routeTable{}
	for _, template := range templates {
		r := get(template)
		loaded, problems := loadRoute(&r)
		if len(problems) > 0 {
			tb.Fatalf("%s: %+v", template, problems)
		}
		segments, _ := parsePath(template)
		t.add("GET", segments, loaded)
	}
	return t
}

func TestTheMostSpecificRouteWins(t *testing.T) {
	routes := tableOf(t,
		"/", "/tickets", "/tickets/", "/tickets/{id}", "/tickets/mine", "/tickets/{id}/comments", "/tickets/{rest...}",
		"/{area}/mine", "/files/{path...}", "/a/{x}/c", "/a/b/{y}", "/in%20box",
	)
	for _, c := range []struct{ path, want, captured string }{
		{"/", "/", ""},
		{"/tickets", "/tickets", ""},
		{"/tickets/", "/tickets/", ""},
		{"/tickets/42", "/tickets/{id}", "42"},
		{"/tickets/mine", "/tickets/mine", ""},
		{"/tickets/Mine", "/tickets/{id}", "Mine"},
		{"/tickets/42/comments", "/tickets/{id}/comments", "42"},
		{"/tickets/42/history", "/tickets/{rest...}", "42/history"},
		{"/tickets/mine/comments", "/tickets/{id}/comments", "mine"},
		{"/people/mine", "/{area}/mine", "people"},
		{"/files/a/b%20c", "/files/{path...}", "a/b c"},
		{"/a/b/c", "/a/b/{y}", "c"}, // the literal further left decides
		{"/a/x/c", "/a/{x}/c", "x"},
		{"/in%20box", "/in%20box", ""},
		{"/tickets/42/", "", ""}, // a variable matches something
		{"/files/", "", ""},
		{"/files/a/", "", ""},
		{"/files", "", ""},
		{"/people", "", ""},
	} {
		var captured captures
		got := routes.find("GET", canonical.Path(c.path), &captured)
		text := ""
		if got != nil {
			text = got.text
		}
		if text != c.want || captured[0] != c.captured {
			t.Errorf("%s is taken by %q with %q, want %q with %q", c.path, text, captured[0], c.want, c.captured)
		}
	}
}

func TestBadRoutesAreRefusedWithFieldAndCause(t *testing.T) {
	for _, c := range []struct {
		name           string
		route          bundle.Route
		field, message string
	}{
		{"no path", get(""), "match.path", "does not begin with '/'"},
		{"a relative path", get("tickets"), "match.path", "does not begin with '/'"},
		{"an empty segment", get("/a//b"), "match.path", "segment \"\": has an empty segment"},
		{"a dot segment", get("/a/../b"), "match.path", "has a dot segment"},
		{"a wildcard of another language", get("/a/*"), "match.path", "'*' is no wildcard here; write {name}"},
		{"a variable within a segment", get("/a/v{b}"), "match.path", "a variable takes a whole segment"},
		{"two variables in a segment", get("/a/{b}{c}"), "match.path", "a variable's name"},
		{"a variable without a name", get("/a/{}"), "match.path", "a variable's name"},
		{"a variable with a bad name", get("/a/{1st}"), "match.path", "a variable's name"},
		{"a rest that is not last", get("/a/{b...}/c"), "match.path", "{name...} must be the last segment"},
		{"a variable twice", get("/a/{b}/{b}"), "match.path", "the variable {b} stands twice"},
		{"a query", get("/a?b=c"), "match.path", "a path template has no query"},
		{"a parameter", get("/a;b"), "match.path", "it has a character"},
		{"an encoded slash", get("/a%2fb"), "match.path", "it percent-encodes what could be written plainly"},
		{"too many variables", get("/" + strings.TrimSuffix(manyVariables(17), "/")), "match.path", "more than 16 variables"},
		{"a method in small letters", bundle.Route{Methods: []string{"GET", "post"}, Path: "/"}, "match.methods[1]", "\"post\" is no method: write it in capitals"},
		{"an empty method", bundle.Route{Methods: []string{""}, Path: "/"}, "match.methods[0]", "is no method"},
		{"a method twice", bundle.Route{Methods: []string{"GET", "GET"}, Path: "/"}, "match.methods[1]", "GET stands twice"},
		{"an id with an unknown variable", bundle.Route{Path: "/{a}", ID: "x-{b}"}, "resource.id", "{b} is no variable of the path; it has {a}"},
		{"an id without any variable to name", bundle.Route{Path: "/a", ID: "{b}"}, "resource.id", "it has none"},
		{"an id that opens and never closes", bundle.Route{Path: "/{a}", ID: "x{a"}, "resource.id", "a '{' is never closed"},
		{"an id that closes and never opened", bundle.Route{Path: "/{a}", ID: "a}{a}"}, "resource.id", "a '}' was never opened"},
		{"an id that closes at its end", bundle.Route{Path: "/{a}", ID: "{a}}"}, "resource.id", "a '}' was never opened"},
		{
			"a property with an unknown variable",
			bundle.Route{Path: "/{a}", Properties: []bundle.Property{{Name: "x", Value: "{a}"}, {Name: "y", Value: "{c}"}}},
			"resource.properties[1].value", "{c} is no variable",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems := CheckRoutes([]bundle.Route{get("/fine"), c.route})
			if len(problems) != 1 {
				t.Fatalf("got %+v, want one problem", problems)
			}
			p := problems[0]
			if p.Route != 1 || p.Other != -1 || p.Field != c.field || !strings.Contains(p.Message, c.message) {
				t.Errorf("got %+v, want field %s and message %q", p, c.field, c.message)
			}
		})
	}
}

func manyVariables(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "{v%d}/", i)
	}
	return out.String()
}

func TestRoutesThatTieAreRefused(t *testing.T) {
	for _, c := range []struct {
		first, second bundle.Route
		tie           bool
	}{
		{get("/a/{x}"), get("/a/{y}"), true},
		{get("/a/{x...}"), get("/a/{y...}"), true},
		{get("/in%20box"), get("/in%20box"), true},
		{get("/a/{x}"), bundle.Route{Methods: []string{"POST", "GET"}, Path: "/a/{x}"}, true},
		{get("/a/{x}"), bundle.Route{Methods: []string{"POST"}, Path: "/a/{x}"}, false},
		{get("/a/{x}"), get("/a/x"), false},
		{get("/a/{x}"), get("/a/{x...}"), false},
		{get("/a/{x}/c"), get("/a/b/{y}"), false},
		{get("/a"), get("/a/"), false},
		{get("/a/1=b"), get("/a/1=b/"), false},
	} {
		t.Run(c.first.Path+" and "+c.second.Path, func(t *testing.T) {
			problems := CheckRoutes([]bundle.Route{c.first, c.second})
			if !c.tie {
				if len(problems) > 0 {
					t.Errorf("got %+v", problems)
				}
				return
			}
			if len(problems) != 1 || problems[0].Route != 1 || problems[0].Other != 0 || !strings.Contains(problems[0].Message, "ties with the earlier route "+c.first.Path+":") {
				t.Errorf("got %+v", problems)
			}
		})
	}
}

func TestAResourceIsBuiltFromThePath(t *testing.T) {
	b := bundle.Route{
		Path: "/{tenant}/files/{path...}", Type: "file", ID: "{tenant}:{path}",
		Properties: []bundle.Property{{Name: "tenant", Value: "{tenant}"}, {Name: "kind", Value: "plain"}, {Name: "empty", Value: ""}},
	}
	r, problems := loadRoute(&b)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var resource authz.Resource
	if denial := r.own.build(&inputs{captures: &captures{"acme", "a/b"}}, &resource); denial != nil {
		t.Fatal(denial)
	}
	if resource.Type != "file" || resource.ID != "acme:a/b" || resource.Properties["tenant"] != "acme" ||
		resource.Properties["kind"] != "plain" || resource.Properties["empty"] != "" || len(resource.Properties) != 3 {
		t.Errorf("got %+v", resource)
	}
}

// templates draws path templates over a small alphabet, so that they meet.
var templates = rapid.Custom(func(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "a%20b", "{v}"}), 0, 4).Draw(t, "segments")
	for i := range parts {
		if parts[i] == "{v}" {
			parts[i] = fmt.Sprintf("{v%d}", i)
		}
	}
	switch rapid.SampledFrom([]string{"", "/", "{rest...}"}).Draw(t, "end") {
	case "/":
		parts = append(parts, "")
	case "{rest...}":
		parts = append(parts, "{rest...}")
	}
	return "/" + strings.Join(parts, "/")
})

// methods draws what routes take.
var methods = rapid.SampledFrom([][]string{{"GET"}, {"POST"}, {"GET", "POST"}})

// moreSpecific is the total order as CheckRoutes states it, written for its own sake: from the left, a literal comes before
// {name}, {name} before {name...}.
func moreSpecific(a, b string) bool {
	rank := func(segment string) int {
		switch {
		case strings.HasSuffix(segment, "...}"):
			return 2
		case strings.HasPrefix(segment, "{"):
			return 1
		default:
			return 0
		}
	}
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(as), len(bs)) {
		if rank(as[i]) != rank(bs[i]) {
			return rank(as[i]) < rank(bs[i])
		}
	}
	return false
}

// matches says whether a template takes a path, written for its own sake: a name stands for one segment that is not empty,
// and {name...} for all that is left, the last of which is not empty either.
func matches(template, path string) bool {
	ts, ps := strings.Split(template, "/"), strings.Split(path, "/")
	for i, segment := range ts {
		switch {
		case strings.HasSuffix(segment, "...}"):
			return len(ps) > i && ps[len(ps)-1] != ""
		case len(ps) <= i || (!strings.HasPrefix(segment, "{") && segment != ps[i]):
			return false
		case strings.HasPrefix(segment, "{") && ps[i] == "":
			return false
		}
	}
	return len(ts) == len(ps)
}

// tabled fills a table with routes in the order given.
func tabled(routes []bundle.Route) routeTable {
	found := routeTable{}
	for i := range routes {
		r, _ := loadRoute(&routes[i])
		segments, _ := parsePath(routes[i].Path)
		for _, method := range routes[i].Methods {
			found.add(method, segments, r)
		}
	}
	return found
}

// winner asks a table.
func winner(routes routeTable, method, asked string) string {
	if r := routes.find(method, canonical.Path(asked), &captures{}); r != nil {
		return r.text
	}
	return ""
}

// For every path, exactly one of the routes that match it comes before all others, it is the one that is taken, and the order
// in which routes stand decides nothing.
func TestTheOrderOfRoutesIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var routes []bundle.Route
		for range rapid.IntRange(1, 16).Draw(t, "routes") {
			route := bundle.Route{Methods: methods.Draw(t, "methods"), Path: templates.Draw(t, "template"), Delegated: true}
			if len(CheckRoutes(append(routes, route))) == 0 {
				routes = append(routes, route)
			}
		}
		inOrder, shuffled := tabled(routes), tabled(rapid.Permutation(routes).Draw(t, "order"))
		for range 8 {
			method := rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(t, "method")
			asked := "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "a%20b", "c"}), 0, 5).Draw(t, "path"), "/")
			if asked != "/" && rapid.Bool().Draw(t, "slash at the end") {
				asked += "/"
			}
			first := firstOf(t, routes, method, asked)
			if got := winner(inOrder, method, asked); got != first {
				t.Fatalf("%s %s is taken by %q, want %q", method, asked, got, first)
			}
			if got := winner(shuffled, method, asked); got != first {
				t.Fatalf("%s %s is taken by %q in another order, want %q", method, asked, got, first)
			}
		}
	})
}

// firstOf compares every route that matches with every other one; empty where none matches.
func firstOf(t *rapid.T, routes []bundle.Route, method, asked string) string {
	var matching []string
	for _, r := range routes {
		if slices.Contains(r.Methods, method) && matches(r.Path, asked) {
			matching = append(matching, r.Path)
		}
	}
	var first []string
	for i, one := range matching {
		beforeAll := true
		for k, other := range matching {
			if i != k && moreSpecific(one, other) == moreSpecific(other, one) {
				t.Fatalf("of %s and %s neither comes before the other", one, other)
			}
			beforeAll = beforeAll && (i == k || moreSpecific(one, other))
		}
		if beforeAll {
			first = append(first, one)
		}
	}
	switch {
	case len(matching) == 0:
		return ""
	case len(first) != 1:
		t.Fatalf("of %q, %q come before all others of %s %s", matching, first, method, asked)
	}
	return first[0]
}

// Routes that CheckRoutes refuses for each other match some path in the same way; those that it does not, never do.
func TestRoutesTieWhereNoPathTellsThemApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := templates.Draw(t, "one"), templates.Draw(t, "other")
		ties := len(CheckRoutes([]bundle.Route{get(a), get(b)})) > 0
		equal := !moreSpecific(a, b) && !moreSpecific(b, a)
		meet := false
		for _, asked := range allPaths {
			meet = meet || matches(a, asked) && matches(b, asked)
		}
		if ties != (meet && equal) {
			t.Fatalf("%s and %s tie: %t; they meet: %t; one comes first: %t", a, b, ties, meet, !equal)
		}
	})
}

// allPaths over the alphabet of templates, of as many segments as those have.
var allPaths = func() []string {
	paths, longest := []string{"/"}, []string{""}
	for range 5 {
		var longer []string
		for _, path := range longest {
			for _, segment := range []string{"a", "b", "a%20b"} {
				longer = append(longer, path+"/"+segment)
			}
		}
		for _, path := range longer {
			paths = append(paths, path, path+"/")
		}
		longest = longer
	}
	return paths
}()

// FuzzRoutes: whatever is compiled and asked, a route is taken only by a path that its template matches, and what it puts
// into a resource is text within bounds.
func FuzzRoutes(f *testing.F) {
	for _, seed := range [][5]string{ // THREATS 22, 23, 26, 27, 29
		{"/tickets/{id}", "{id}", "/tickets/42", "x-tenant", "acme"},
		{"/files/{path...}", "x-{path}", "/files/a/b%20c", "x-tenant", ""},
		{"/a/{b}{c}", "{", "/a/b", "", ""},
		{"/{x}/{y}", "}{x}", "/../..", "", ""},
		{"/a%2fb", "", "/a%2fb", "", ""},
		{"/{x}", "{x}-{query:id}-{header:x-tenant}", "/a?id=4%202", "x-tenant", "acme"},
		{"/{x}", "{query:id}", "/a?id=1&ID=2", "x_tenant", "acme"},
		{"/{x}", "{query:id}", "/a?id=%c0%af;id=2", "X-Tenant", "a,b"},
		{"/{x}", "{header:x-tenant}", "//a?x#", "x-tenant", "a\r\n"},
		{"/{x}", "{header:authorization}", "/a", "authorization", "Bearer x"},
		{"/{x}", "{query:id}", "/a?id=a%E2%80%AEb", "connection", "x-tenant"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	f.Fuzz(func(t *testing.T, template, id, raw, header, text string) {
		b := bundle.Route{Methods: []string{"GET"}, Path: template, Type: "t", ID: id, Delegated: true}
		if len(CheckRoutes([]bundle.Route{b})) > 0 {
			return
		}
		p, err := canonical.PathOf(raw)
		if err != nil {
			return
		}
		var captured captures
		taken := tabled([]bundle.Route{b}).find("GET", p, &captured)
		if plain := !strings.Contains(template+string(p), "%"); plain && (taken != nil) != matches(template, string(p)) {
			t.Fatalf("%q takes %q: %t", template, p, taken != nil)
		}
		if taken == nil {
			return
		}
		var resource authz.Resource
		denial := taken.own.build(&inputs{captures: &captured, path: raw, headers: canonical.Headers{header: {text}}}, &resource)
		if denial == nil && (len(resource.ID) > condition.MaxName || !utf8.ValidString(resource.ID) && utf8.ValidString(id)) {
			t.Fatalf("%q of %q gives the id %q", id, raw, resource.ID)
		}
		if denial != nil && resource.Type != "" {
			t.Fatalf("%+v comes with %+v", resource, denial)
		}
	})
}
