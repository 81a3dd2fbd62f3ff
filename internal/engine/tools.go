// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"maps"
	"slices"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/mcp"
)

// maxTool is the longest name of a tool, in bytes.
const maxTool = 128

// loadTools reads the tools of a route. A tool has the properties of the route's resource, and its type and id too, unless it
// has its own.
func (r *route) loadTools(b *bundle.Route, names []string) []RouteProblem {
	var problems []RouteProblem
	if !slices.Equal(b.Methods, []string{"POST"}) {
		problems = append(problems, RouteProblem{
			Field:   "match.methods",
			Message: "a route with mcp takes POST and nothing else, for messages of the protocol are posted; give other methods a route of their own",
		})
	}
	if len(b.MCP.Tools) == 0 {
		problems = append(problems, RouteProblem{Field: "mcp.tools", Message: "there is no tool; name those that may be called"})
	}
	r.tools = make(map[string]*target, len(b.MCP.Tools))
	for i := range b.MCP.Tools {
		tool := &b.MCP.Tools[i]
		if message := r.wrongName(tool.Name); message != "" {
			problems = append(problems, RouteProblem{Field: fmt.Sprintf("mcp.tools[%d].name", i), Message: message})
		}
		t, err := r.loadTool(tool, names)
		if err != nil {
			problems = append(problems, RouteProblem{Field: fmt.Sprintf("mcp.tools[%d].resource.id", i), Message: err.Error()})
		}
		r.tools[tool.Name] = t
	}
	return problems
}

func (r *route) wrongName(name string) string {
	switch {
	case !isToken(name, "_-./") || len(name) > maxTool:
		return fmt.Sprintf("%q is no tool: a name has 1 to %d letters, digits, '_', '-', '.' and '/', and there is no wildcard", clip(name), maxTool)
	case r.tools[name] != nil:
		return fmt.Sprintf("the tool %q stands there twice; keep one", name)
	default:
		return ""
	}
}

func (r *route) loadTool(tool *bundle.Tool, names []string) (*target, error) {
	t := r.own
	if tool.Type == "" {
		return &t, nil
	}
	id, err := parseValue(tool.ID, vocabulary{variables: names, tool: true})
	t.resourceType, t.id = tool.Type, id
	return &t, err
}

// called finds what a request calls. The arguments of a tool become context.arguments, for this judgement only: the request
// stays as it is.
func (j *judgement) called(r *route, in *inputs) (*target, obstacles) {
	if r.tools == nil {
		return &r.own, nil
	}
	if _, brought := j.req.Context["arguments"]; brought {
		return nil, deny(authz.ReasonInputMalformed, "the context has arguments already, and %s takes them from the call of a tool", own(r.String()))
	}
	message, err := mcp.Read(j.req.HTTP)
	switch {
	case err != nil:
		return nil, deny(authz.ReasonInputMalformed, "%s", own(err.Error()))
	case message.Tool == "":
		return &r.own, nil
	}
	t := r.tools[message.Tool]
	if t == nil {
		return nil, deny(authz.ReasonRouteUnmatched, "%s has no tool %q", own(r.String()), message.Tool)
	}
	context := make(map[string]any, len(j.req.Context)+1)
	maps.Copy(context, j.req.Context)
	context["arguments"] = message.Arguments
	j.context, in.arguments = context, message.Arguments
	return t, nil
}
