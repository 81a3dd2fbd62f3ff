// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/canonical"
	"behalf.dev/behalf/internal/condition"
)

// searching asks over a route that reads query and headers: the tickets of a tenant, one by its number.
func searching(path string, headers map[string][]string) func(*world) {
	return func(w *world) {
		w.policy.Routes = append(w.policy.Routes, bundle.Route{
			Methods: []string{"GET"}, Path: "/search/{queue}", Scope: read, Delegated: true,
			Type: "ticket", ID: "{header:x-tenant}/{query:id}",
			Properties: []bundle.Property{
				{Name: "owner", Value: "{query:owner}"}, {Name: "queue", Value: "{queue}"}, {Name: "tenant", Value: "{header:x-tenant}"},
			},
		})
		w.asksOver("GET", path)
		w.request.HTTP.Headers = headers
	}
}

var acme = map[string][]string{"x-tenant": {"acme"}}

func TestAResourceIsBuiltFromQueryAndHeaders(t *testing.T) {
	for _, c := range []struct {
		says, path string
		headers    map[string][]string
		want       authz.Resource
	}{
		{"all that is read is there", "/search/north?id=42&owner=alice", acme, authz.Resource{
			Type: "ticket", ID: "acme/42", Properties: map[string]any{"owner": "alice", "queue": "north", "tenant": "acme"},
		}},
		{"encoded, and in another order", "/search/no%20rth?owner=alice&id=a%2Fb", map[string][]string{"accept": {"a", "b"}, "x-tenant": {"  acme "}}, authz.Resource{
			Type: "ticket", ID: "acme/a/b", Properties: map[string]any{"owner": "alice", "queue": "no rth", "tenant": "acme"},
		}},
		{"without a parameter there is no id", "/search/north?owner=alice", acme, authz.Resource{
			Type: "ticket", Properties: map[string]any{"owner": "alice", "queue": "north", "tenant": "acme"},
		}},
		{"without a header there is no id, and no property", "/search/north?id=42&owner=alice", nil, authz.Resource{
			Type: "ticket", Properties: map[string]any{"owner": "alice", "queue": "north"},
		}},
		{"what no template reads is not looked at", "/search/north?id=42&owner=alice&x=a+b;c&x=&filter[a]=%00", map[string][]string{
			"x-tenant": {"acme"}, "x-other": {"\xff", "a,b"}, "X_Other": {"c"}, "connection": {"x-other"},
		}, authz.Resource{
			Type: "ticket", ID: "acme/42", Properties: map[string]any{"owner": "alice", "queue": "north", "tenant": "acme"},
		}},
	} {
		t.Run(c.says, func(t *testing.T) {
			w := newWorld(t)
			searching(c.path, c.headers)(w)
			w.withoutConditions()
			d := w.decide(t)
			if !d.Allowed() {
				t.Fatalf("denied: %+v", d.Denial)
			}
			if diff := cmp.Diff(c.want, d.Resource); diff != "" {
				t.Error("(-want +got):\n" + diff)
			}
		})
	}
}

func TestAValueThatIsAbsentNeverHelps(t *testing.T) {
	for says, c := range map[string]struct {
		change func(*world)
		reason authz.Reason // empty: allowed
	}{
		"an entitlement reads the owner":             {searching("/search/north?owner=alice", acme), ""},
		"an entitlement reads the owner of somebody": {searching("/search/north?owner=bob", acme), authz.ReasonNotEntitled},
		"an entitlement reads an absent owner":       {searching("/search/north", acme), authz.ReasonConditionError},
		"a Forbid reads an absent id": {func(w *world) {
			searching("/search/north?owner=alice", acme)(w)
			w.policy.Conditions = append(w.policy.Conditions, conditionOf(w.tb, "resource.id == 'acme/13'", ""))
			w.policy.Rules[2].Scopes, w.policy.Rules[2].Conditions = []int{read}, []int{3}
		}, authz.ReasonForbidden},
	} {
		t.Run(says, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			if d := w.decide(t); d.Allowed() != (c.reason == "") || d.Reason != c.reason {
				t.Errorf("got %s %s, want %q", d.Outcome, d.Reason, c.reason)
			}
		})
	}
}

// THREATS 26, 27, 29
var inputCases = []denialCase{
	{
		"a parameter stands twice", searching("/search/north?id=42&id=43&owner=alice", acme),
		authz.LegResource, authz.ReasonInputMalformed, "the query parameter id stands in the query more than once",
	},
	{
		"a parameter stands in another case beside it", searching("/search/north?id=42&owner=alice&Owner=bob", acme),
		authz.LegResource, authz.ReasonInputMalformed, "the query parameter owner stands in the query in a form",
	},
	{
		"a parameter has a plus", searching("/search/north?id=4+2&owner=alice", acme),
		authz.LegResource, authz.ReasonInputMalformed, "the query parameter id has a '+'",
	},
	{
		"a parameter is malformed behind one that is absent", searching("/search/north?owner=%00", nil),
		authz.LegResource, authz.ReasonInputMalformed, "the query parameter owner has a character that cannot be seen",
	},
	{
		"a part of an id is malformed behind one that is absent", searching("/search/north?id=%ff", nil),
		authz.LegResource, authz.ReasonInputMalformed, "the query parameter id has a character that cannot be seen, or bytes that are not UTF-8",
	},
	{
		"a header stands twice", searching("/search/north?id=42&owner=alice", map[string][]string{"x-tenant": {"acme", "evil"}}),
		authz.LegResource, authz.ReasonInputMalformed, "the header x-tenant stands more than once",
	},
	{
		"a header stands in another spelling alone", searching("/search/north?id=42&owner=alice", map[string][]string{"x_tenant": {"acme"}}),
		authz.LegResource, authz.ReasonInputMalformed, "the header x-tenant stands more than once, has several values, or stands in another spelling",
	},
	{
		"a header is named in Connection", searching("/search/north?id=42&owner=alice", map[string][]string{"x-tenant": {"acme"}, "connection": {"X-Tenant"}}),
		authz.LegResource, authz.ReasonInputMalformed, "the header x-tenant is named in Connection",
	},
	{
		"a parameter is too long", searching("/search/north?owner=alice&id="+strings.Repeat("4", 1025), acme),
		authz.LegResource, authz.ReasonInputMalformed, "the query parameter id is longer than 1024 bytes",
	},
	{
		"what is put together is too long", searching("/search/north?owner=alice&id="+strings.Repeat("4", 1024), acme),
		authz.LegResource, authz.ReasonRouteUnmatched, "longer than 1024",
	},
	{
		"the query does not decide the path", searching("/search?queue=north&id=42", acme),
		authz.LegResource, authz.ReasonRouteUnmatched, "has no route for GET /search",
	},
}

func TestTheBoundsOfValuesAreThoseOfConditions(t *testing.T) {
	if canonical.MaxValue != condition.MaxName {
		t.Errorf("a value has at most %d bytes, and a name %d", canonical.MaxValue, condition.MaxName)
	}
}

func TestTemplatesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{query:}":                          "the name has 1 to 64 letters",
		"{query:-a}":                        "the name has 1 to 64 letters",
		"{query:.a}":                        "the name has 1 to 64 letters",
		"{query:a b}":                       "the name has 1 to 64 letters",
		"{query:a[]}":                       "the name has 1 to 64 letters",
		"{query:a;b}":                       "the name has 1 to 64 letters",
		"{query:a%20}":                      "the name has 1 to 64 letters",
		"{query:é}":                         "the name has 1 to 64 letters",
		"{query:" + strings.Repeat("a", 65): "never closed",
		"{query:" + strings.Repeat("a", 65) + "}": "the name has 1 to 64 letters",
		"{header:}":                        "a header's name is written in lower case",
		"{header:X-Tenant}":                "a header's name is written in lower case",
		"{header:x_tenant}":                "a header's name is written in lower case",
		"{header::path}":                   "a header's name is written in lower case",
		"{header:x tenant}":                "a header's name is written in lower case",
		"{header:authorization}":           "the header carries credentials", // THREATS 25
		"{header:cookie}":                  "the header carries credentials",
		"{header:proxy-authorization}":     "the header carries credentials",
		"{header:behalf-actor-token}":      "the header carries credentials",
		"{header:x-behalf-subject}":        "the header carries credentials", // THREATS 27
		"{header:x-forwarded-client-cert}": "the header carries credentials", // THREATS 28
		"{header:host}":                    "the header carries credentials",
		"{argument:id}":                    "an argument is of the call of a tool",
		"{cookie:id}":                      "it is none of {name}, {query:NAME}",
		"{:id}":                            "it is none of {name}, {query:NAME}",
		"{query}":                          "{query} is no variable of the path",
		"{a}{query:x":                      "never closed",
		strings.Repeat("{query:a}", 17):    "it reads more than 16",
		strings.Repeat("{header:x-a}", 17): "it reads more than 16",
	} {
		t.Run(text, func(t *testing.T) {
			problems := CheckRoutes([]bundle.Route{{Methods: []string{"GET"}, Path: "/{a}", Type: "t", ID: text}})
			if len(problems) != 1 || !strings.HasPrefix(problems[0].Field, "resource") || !strings.Contains(problems[0].Message, want) {
				t.Errorf("got %+v, want %q", problems, want)
			}
			// What a loader gets is held to the same.
			w := newWorld(t)
			w.policy.Routes[0].Properties = []bundle.Property{{Name: "x", Value: text}}
			if _, err := LoadPolicy(w.policy, bundle.Statement{}); err == nil {
				t.Error("it is loaded")
			}
		})
	}
}

func TestTemplatesThatAreTaken(t *testing.T) {
	for _, text := range []string{
		"plain", "{a}", "{query:a}", "{query:_a.b-c}", "{query:0}", "{query:" + strings.Repeat("a", 64) + "}", "{header:x-tenant}", "{header:etag}",
		"x{a}:{query:b}/{header:c}", strings.Repeat("{query:a}", 16),
	} {
		if problems := CheckRoutes([]bundle.Route{{Methods: []string{"GET"}, Path: "/{a}", Type: "t", ID: text}}); len(problems) > 0 {
			t.Errorf("%s: %+v", text, problems)
		}
	}
}

// A route that reads one value allocates nothing but what it has to decode.
func TestReadingQueryAndHeadersAllocatesNoMoreThanTheValues(t *testing.T) {
	for says, c := range map[string]struct {
		id, path string
		headers  map[string][]string
		want     float64
	}{
		"a variable of the path":      {"{queue}", "/search/42", nil, 0},
		"a query parameter":           {"{query:id}", "/search/all?x=1&id=42&y=2", nil, 0},
		"an encoded query parameter":  {"{query:id}", "/search/all?x=1&id=4%202", nil, 1},
		"a header":                    {"{header:x-tenant}", "/search/all", maps.Clone(acme), 0},
		"a header among others":       {"{header:x-tenant}", "/search/all", map[string][]string{"x-tenant": {" acme "}, "accept": {"a"}, "connection": {"close"}}, 0},
		"an absent query parameter":   {"{query:id}", "/search/all?x=1", nil, 0},
		"a header that is not there":  {"{header:x-tenant}", "/search/all", nil, 0},
		"two that are put together":   {"{header:x-tenant}/{query:id}", "/search/all?id=42", maps.Clone(acme), 2},
		"text around a value":         {"t-{query:id}", "/search/all?id=42", nil, 2},
		"nothing but text":            {"all", "/search/all?id=4+2", nil, 0},
		"a body that nobody looks at": {"all", "/search/all", map[string][]string{"content-type": {"a", "b"}}, 0},
	} {
		t.Run(says, func(t *testing.T) {
			w := newWorld(t)
			w.withoutConditions()
			w.policy.Routes = append(w.policy.Routes, bundle.Route{Methods: []string{"GET"}, Path: "/search/{queue}", Scope: read, Delegated: true, Type: "t", ID: c.id})
			w.asksOver("GET", c.path)
			w.request.HTTP.Headers, w.request.HTTP.Body = c.headers, []byte("[")
			s := w.snapshot(t)
			var d authz.Decision
			got := testing.AllocsPerRun(100, func() { d = s.Decide(w.request, now) })
			if !d.Allowed() {
				t.Fatalf("denied: %+v", d.Denial)
			}
			if got > c.want && !raceEnabled {
				t.Errorf("a decision allocates %v times, want %v", got, c.want)
			}
		})
	}
}
