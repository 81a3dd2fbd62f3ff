// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/canonical"
)

func get(template string) bundle.Route {
	return bundle.Route{Methods: []string{"GET"}, Path: template, Delegated: true}
}

func table(tb testing.TB, templates ...string) routeTable {
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
	routes := table(t,
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
	if !r.build(&captures{"acme", "a/b"}, &resource) {
		t.Fatal("not built")
	}
	if resource.Type != "file" || resource.ID != "acme:a/b" || resource.Properties["tenant"] != "acme" ||
		resource.Properties["kind"] != "plain" || resource.Properties["empty"] != "" || len(resource.Properties) != 3 {
		t.Errorf("got %+v", resource)
	}
}

// templates draws path templates over a small alphabet, so that they meet.
var templates = rapid.Custom(func(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "{v}"}), 1, 4).Draw(t, "segments")
	for i := range parts {
		if parts[i] == "{v}" {
			parts[i] = fmt.Sprintf("{v%d}", i)
		}
	}
	if rapid.Bool().Draw(t, "to the end") {
		parts[len(parts)-1] = "{rest...}"
	}
	return "/" + strings.Join(parts, "/")
})

// moreSpecific is the total order as DESIGN and CheckRoutes state it, written for its own sake.
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

// matches says whether a template takes a path, written for its own sake.
func matches(template, path string) bool {
	ts, ps := strings.Split(template, "/"), strings.Split(path, "/")
	for i, segment := range ts {
		switch {
		case strings.HasSuffix(segment, "...}"):
			return len(ps) > i
		case len(ps) <= i || (!strings.HasPrefix(segment, "{") && segment != ps[i]):
			return false
		}
	}
	return len(ts) == len(ps)
}

func TestRoutingAgreesWithItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chosen := rapid.SliceOfN(templates, 1, 12).Draw(t, "templates")
		var routes []bundle.Route
		for _, template := range chosen {
			if len(CheckRoutes(append(routes, get(template)))) == 0 {
				routes = append(routes, get(template))
			}
		}
		found := routeTable{}
		for i := range routes {
			r, _ := loadRoute(&routes[i])
			segments, _ := parsePath(routes[i].Path)
			found.add("GET", segments, r)
		}
		asked := "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 5).Draw(t, "path"), "/")
		want := ""
		for _, r := range routes {
			if matches(r.Path, asked) && (want == "" || moreSpecific(r.Path, want)) {
				want = r.Path
			}
		}
		got := ""
		if r := found.find("GET", canonical.Path(asked), &captures{}); r != nil {
			got = r.text
		}
		if got != want {
			t.Fatalf("%s is taken by %q, want %q", asked, got, want)
		}
	})
}

func FuzzRoutes(f *testing.F) {
	f.Add("/tickets/{id}", "{id}", "/tickets/42")
	f.Add("/files/{path...}", "x-{path}", "/files/a/b%20c")
	f.Add("/a/{b}{c}", "{", "/a/b")
	f.Add("/{x}/{y}", "}{x}", "/../..")
	f.Add("/a%2fb", "", "/a%2fb")
	f.Fuzz(func(_ *testing.T, template, id, raw string) {
		b := bundle.Route{Methods: []string{"GET"}, Path: template, ID: id, Delegated: true}
		r, problems := loadRoute(&b)
		if len(problems) > 0 {
			return
		}
		segments, _ := parsePath(template)
		routes := routeTable{}
		routes.add("GET", segments, r)
		p, err := canonical.PathOf(raw)
		if err != nil {
			return
		}
		var captured captures
		if taken := routes.find("GET", p, &captured); taken != nil {
			var resource authz.Resource
			taken.build(&captured, &resource)
		}
	})
}
