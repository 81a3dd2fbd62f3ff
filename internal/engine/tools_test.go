// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// posting sends a message of the Model Context Protocol: to a server whose every message needs tickets:comment, and whose
// tools read, search and pay need more.
func posting(message string) func(*world) {
	return func(w *world) {
		w.policy.Routes = append(w.policy.Routes, bundle.Route{
			Methods: []string{"POST"}, Path: "/{tenant}/mcp", Scope: comment, Delegated: true, Type: "server", ID: "{tenant}",
			Properties: []bundle.Property{{Name: "owner", Value: "{header:x-owner}"}},
			MCP: &bundle.MCP{Tools: []bundle.Tool{
				{Name: "pay", Scope: pay, Type: "invoice", ID: "{argument:invoice}"},
				{Name: "read_ticket", Scope: read, Type: "ticket", ID: "{tenant}-{argument:id}"},
				{Name: "search", Scope: read},
			}},
		})
		w.asksOver("POST", "/acme/mcp?x=1")
		w.request.HTTP.Body = []byte(message)
		w.request.HTTP.Headers = map[string][]string{"content-type": {"application/json"}, "x-owner": {"alice"}}
	}
}

// calling calls a tool with arguments, which are JSON.
func calling(tool, arguments string) func(*world) {
	return posting(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, tool, arguments))
}

// then goes on to change the world.
func then(steps ...func(*world)) func(*world) {
	return func(w *world) {
		for _, step := range steps {
			step(w)
		}
	}
}

func TestAMessageNeedsTheScopeOfWhatItCalls(t *testing.T) {
	owner := map[string]any{"owner": "alice"}
	for says, c := range map[string]struct {
		change   func(*world)
		scope    string
		resource authz.Resource
	}{
		"the handshake": {
			posting(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}`),
			"tickets:comment",
			authz.Resource{Type: "server", ID: "acme", Properties: owner},
		},
		"the list of tools": {
			posting(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`),
			"tickets:comment",
			authz.Resource{Type: "server", ID: "acme", Properties: owner},
		},
		"a notification": {
			posting(`{"jsonrpc":"2.0","method":"notifications/initialized"}`),
			"tickets:comment",
			authz.Resource{Type: "server", ID: "acme", Properties: owner},
		},
		"a response": {
			posting(`{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}`),
			"tickets:comment",
			authz.Resource{Type: "server", ID: "acme", Properties: owner},
		},
		"a tool with a resource of its own": {
			calling("read_ticket", `{"id":"42"}`),
			"tickets:read",
			authz.Resource{Type: "ticket", ID: "acme-42", Properties: owner},
		},
		"a tool with a resource of its own, and no such argument": {
			calling("read_ticket", `{}`),
			"tickets:read",
			authz.Resource{Type: "ticket", Properties: owner},
		},
		"a tool with the resource of the route": {
			calling("search", `{"id":42,"text":"\u0000"}`),
			"tickets:read",
			authz.Resource{Type: "server", ID: "acme", Properties: owner},
		},
	} {
		t.Run(says, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			d := w.decide(t)
			if !d.Allowed() {
				t.Fatalf("denied: %+v", d.Denial)
			}
			if d.Scope != c.scope {
				t.Errorf("it needs %s, want %s", d.Scope, c.scope)
			}
			if diff := cmp.Diff(c.resource, d.Resource); diff != "" {
				t.Error("(-want +got):\n" + diff)
			}
		})
	}
}

// THREATS 22, 26, 29
var toolCases = []denialCase{
	{
		"a tool that is not listed", calling("delete_ticket", `{}`),
		authz.LegResource, authz.ReasonRouteUnmatched, `route /{tenant}/mcp has no tool "delete_ticket"`,
	},
	{
		"a tool in another case", calling("Search", `{}`),
		authz.LegResource, authz.ReasonRouteUnmatched, `has no tool "Search"`,
	},
	{
		"a tool whose scope the token lacks", then(calling("pay", `{"invoice":"inv-7"}`)),
		authz.LegToken, authz.ReasonScopeNotInToken, "payments:execute",
	},
	{
		"a batch", posting(`[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]`),
		authz.LegResource, authz.ReasonInputMalformed, "not one message of JSON-RPC",
	},
	{
		"a tool named twice", posting(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","Name":"pay"}}`),
		authz.LegResource, authz.ReasonInputMalformed, "stands twice",
	},
	{
		"a body that is not passed on", then(calling("search", `{}`), func(w *world) { w.request.HTTP.Body = nil }),
		authz.LegResource, authz.ReasonInputMalformed, "the body is missing",
	},
	{
		"a body that is not whole", then(calling("search", `{}`), func(w *world) { w.request.HTTP.BodyPartial = true }),
		authz.LegResource, authz.ReasonInputMalformed, "the body is not whole",
	},
	{
		"a body without a content type", then(calling("search", `{}`), func(w *world) { w.request.HTTP.Headers = nil }),
		authz.LegResource, authz.ReasonInputMalformed, "content type",
	},
	{
		"a header that names another tool", then(calling("search", `{}`), func(w *world) { w.request.HTTP.Headers["mcp-name"] = []string{"read_ticket"} }),
		authz.LegResource, authz.ReasonInputMalformed, "Mcp-Method and Mcp-Name",
	},
	{
		"a context that brings arguments", then(calling("search", `{}`), func(w *world) { w.request.Context["arguments"] = map[string]any{} }),
		authz.LegResource, authz.ReasonInputMalformed, "the context has arguments already",
	},
	{
		"a context that brings arguments where no tool is called",
		then(posting(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`), func(w *world) { w.request.Context["arguments"] = nil }),
		authz.LegResource, authz.ReasonInputMalformed, "the context has arguments already",
	},
	{
		"an argument of the id that is a number", calling("read_ticket", `{"id":42}`),
		authz.LegResource, authz.ReasonInputMalformed, "the argument id is not a text",
	},
	{
		"an argument of the id that is null", calling("read_ticket", `{"id":null}`),
		authz.LegResource, authz.ReasonInputMalformed, "the argument id is not a text",
	},
	{
		"an argument of the id in another case", calling("read_ticket", `{"ID":"42"}`),
		authz.LegResource, authz.ReasonInputMalformed, "the argument id stands in another case",
	},
	{
		"an argument of the id that is empty", calling("read_ticket", `{"id":""}`),
		authz.LegResource, authz.ReasonInputMalformed, "the argument id is empty",
	},
	{
		"an argument of the id that cannot be seen", calling("read_ticket", `{"id":"4\u200b2"}`),
		authz.LegResource, authz.ReasonInputMalformed, "the argument id has a character that cannot be seen",
	},
	{
		"an argument of the id that is too long", calling("read_ticket", `{"id":"`+strings.Repeat("4", 1025)+`"}`),
		authz.LegResource, authz.ReasonInputMalformed, "the argument id is longer than 1024 bytes",
	},
	{
		"an argument that is longer than conditions may be asked about", calling("search", `{"text":"`+strings.Repeat("x", 32<<10+1)+`"}`),
		authz.LegResource, authz.ReasonInputMalformed, "the request is out of bounds: context has a text longer than 32768 bytes",
	},
	{
		"arguments that are nested deeper than conditions may be asked about", calling("search", strings.Repeat(`{"a":`, 16)+`1`+strings.Repeat(`}`, 16)),
		authz.LegResource, authz.ReasonInputMalformed, "the request is out of bounds: context is nested deeper than 16",
	},
	{
		"a list of more arguments than conditions may be asked about", calling("search", `{"a":[`+strings.Repeat(`1,`, 256)+`1]}`),
		authz.LegResource, authz.ReasonInputMalformed, "the request is out of bounds: context has a list or map with more than 256 entries",
	},
	{
		"a person alone on a server for services", then(calling("search", `{}`), func(w *world) { w.request.Actor = authz.Actor{} }),
		authz.LegResource, authz.ReasonCallerNotAllowed, "corp:alice comes alone",
	},
	{
		"the server is asked by GET", then(calling("search", `{}`), func(w *world) { w.request.HTTP.Method = "GET" }),
		authz.LegResource, authz.ReasonRouteUnmatched, "has no route for GET /acme/mcp",
	},
}

func TestConditionsReadTheArguments(t *testing.T) {
	for says, c := range map[string]struct {
		expression, arguments string
		reason                authz.Reason // empty: allowed
	}{
		"an argument that agrees":         {"context.arguments.amount <= 100.0", `{"amount":100}`, ""},
		"an argument that does not":       {"context.arguments.amount <= 100.0", `{"amount":100.5}`, authz.ReasonNoPolicy},
		"an argument that is absent":      {"context.arguments.amount <= 100.0", `{}`, authz.ReasonConditionError},
		"an argument that is asked first": {"!has(context.arguments.amount) && context.purpose == 'support'", `{}`, ""},
		"all of them":                     {"size(context.arguments) == 2 && context.arguments.list[1] == 'b'", `{"list":["a","b"],"x":null}`, ""},
	} {
		t.Run(says, func(t *testing.T) {
			w := newWorld(t)
			calling("search", c.arguments)(w)
			w.policy.Conditions = append(w.policy.Conditions, conditionOf(t, c.expression, ""))
			w.policy.Rules[0].Conditions = []int{3}
			if d := w.decide(t); d.Allowed() != (c.reason == "") || d.Reason != c.reason {
				t.Errorf("got %s %s (%s), want %q", d.Outcome, d.Reason, d.Message, c.reason)
			}
		})
	}
}

func TestAGrantBindsTheArgumentsOfATool(t *testing.T) {
	const ( // of the RFC 8785 form
		approved = "sha256:4f6724d556d876534654f7c527c7408d07e4cac4413ecbd686a0d350fc71fc55" // {"amount":10,"invoice":"inv-7"}
		another  = "sha256:f1e1811b0c7734fc2245709121f7492477e8d0457febbbb6dbd2584aba50da5a" // {"amount":10,"invoice":"inv-8"}
	)
	for says, c := range map[string]struct {
		arguments, digest string
		reason            authz.Reason // empty: allowed
	}{
		"the very arguments":                     {`{"invoice":"inv-7","amount":1e1}`, approved, ""},
		"another amount":                         {`{"invoice":"inv-7","amount":11}`, approved, authz.ReasonGrantMismatch},
		"another invoice":                        {`{"invoice":"inv-8","amount":10}`, approved, authz.ReasonGrantMismatch},
		"another invoice, whose digest is bound": {`{"invoice":"inv-8","amount":10}`, another, authz.ReasonGrantMismatch},
		"an argument too many":                   {`{"invoice":"inv-7","amount":10,"to":"me"}`, approved, authz.ReasonGrantMismatch},
		"no arguments":                           {`{}`, approved, authz.ReasonGrantMismatch},
	} {
		t.Run(says, func(t *testing.T) {
			w := newWorld(t)
			calling("pay", c.arguments)(w)
			w.request.Token = nil
			w.policy.Rules[1].Grant.BindArguments = true
			w.policy.Grants[0].ArgumentsDigest = c.digest
			if d := w.decide(t); d.Allowed() != (c.reason == "") || d.Reason != c.reason {
				t.Errorf("got %s %s (%s), want %q", d.Outcome, d.Reason, d.Message, c.reason)
			}
		})
	}
}

func TestDecidingLeavesTheRequestAsItIs(t *testing.T) {
	w := newWorld(t)
	calling("search", `{"id":"42"}`)(w)
	before, context := *w.request, maps.Clone(w.request.Context)
	headers, body := maps.Clone(w.request.HTTP.Headers), string(w.request.HTTP.Body)
	s := w.snapshot(t)
	for range 2 { // the second judgement forgets the first one's arguments
		if d := s.Decide(w.request, now); !d.Allowed() {
			t.Fatalf("denied: %+v", d.Denial)
		}
	}
	if diff := cmp.Diff(before, *w.request); diff != "" {
		t.Error("(-before +after):\n" + diff)
	}
	if diff := cmp.Diff(context, w.request.Context); diff != "" {
		t.Error("context (-before +after):\n" + diff)
	}
	if diff := cmp.Diff(headers, w.request.HTTP.Headers); diff != "" || body != string(w.request.HTTP.Body) {
		t.Error("headers (-before +after):\n" + diff)
	}
}

func TestAPersonAloneMayCallToolsWhereTheRouteSaysSo(t *testing.T) {
	w := newWorld(t)
	calling("search", `{}`)(w)
	w.policy.Routes[3].User = true
	w.request.Actor = authz.Actor{}
	if d := w.decide(t); !d.Allowed() || d.Scope != "tickets:read" {
		t.Errorf("got %s for %s: %+v", d.Outcome, d.Scope, d.Denial)
	}
}

func TestMCPRoutesThatAreRefused(t *testing.T) {
	good := func() bundle.Route {
		return bundle.Route{
			Methods: []string{"POST"}, Path: "/{tenant}/mcp", Delegated: true,
			MCP: &bundle.MCP{Tools: []bundle.Tool{{Name: "Read_a-b.c/d", Type: "t", ID: "x{tenant}{argument:a_b-c.d}"}, {Name: "b"}}},
		}
	}
	if problems := CheckRoutes([]bundle.Route{good()}); len(problems) > 0 {
		t.Fatalf("got %+v", problems)
	}
	for says, c := range map[string]struct {
		change         func(*bundle.Route)
		field, message string
	}{
		"it takes GET":             {func(r *bundle.Route) { r.Methods = []string{"GET"} }, "match.methods", "takes POST and nothing else"},
		"it takes GET too":         {func(r *bundle.Route) { r.Methods = []string{"GET", "POST"} }, "match.methods", "takes POST and nothing else"},
		"it has no tool":           {func(r *bundle.Route) { r.MCP.Tools = nil }, "mcp.tools", "there is no tool"},
		"a tool without a name":    {func(r *bundle.Route) { r.MCP.Tools[1].Name = "" }, "mcp.tools[1].name", `"" is no tool`},
		"a tool with a wildcard":   {func(r *bundle.Route) { r.MCP.Tools[1].Name = "read_*" }, "mcp.tools[1].name", `"read_*" is no tool`},
		"a tool with a space":      {func(r *bundle.Route) { r.MCP.Tools[1].Name = "read it" }, "mcp.tools[1].name", `"read it" is no tool`},
		"a tool with a look-alike": {func(r *bundle.Route) { r.MCP.Tools[1].Name = "rеad" }, "mcp.tools[1].name", "is no tool"},
		"a tool with a book":       {func(r *bundle.Route) { r.MCP.Tools[1].Name = strings.Repeat("a", 129) }, "mcp.tools[1].name", "is no tool"},
		"a tool twice":             {func(r *bundle.Route) { r.MCP.Tools[1].Name = r.MCP.Tools[0].Name }, "mcp.tools[1].name", "stands there twice"},
		"an unknown variable":      {func(r *bundle.Route) { r.MCP.Tools[0].ID = "{id}" }, "mcp.tools[0].resource.id", "{id} is no variable of the path; it has {tenant}"},
		"a query parameter":        {func(r *bundle.Route) { r.MCP.Tools[0].ID = "{query:id}" }, "mcp.tools[0].resource.id", "from path and arguments only"},
		"a header":                 {func(r *bundle.Route) { r.MCP.Tools[0].ID = "{header:x-id}" }, "mcp.tools[0].resource.id", "from path and arguments only"},
		"an argument without name": {func(r *bundle.Route) { r.MCP.Tools[0].ID = "{argument:}" }, "mcp.tools[0].resource.id", "the name has 1 to 64 letters"},
		"an argument of the route": {func(r *bundle.Route) { r.ID = "{argument:id}" }, "resource.id", "an argument is of the call of a tool"},
	} {
		t.Run(says, func(t *testing.T) {
			route := good()
			c.change(&route)
			problems := CheckRoutes([]bundle.Route{route})
			if len(problems) != 1 || problems[0].Field != c.field || !strings.Contains(problems[0].Message, c.message) {
				t.Errorf("got %+v, want %s: %s", problems, c.field, c.message)
			}
		})
	}
}

func TestAToolToAScopeThatIsNotThereIsNotLoaded(t *testing.T) {
	w := newWorld(t)
	calling("search", `{}`)(w)
	w.policy.Routes[3].MCP.Tools[1].Scope = 4
	if _, err := LoadPolicy(w.policy, bundle.Statement{}); err == nil || !strings.Contains(err.Error(), "4 of 4") {
		t.Errorf("got %v", err)
	}
}
