// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import "testing"

func TestAProgramKnowsWhatItReads(t *testing.T) {
	for expression, want := range map[string]Parts{
		"true": 0,
		"now > timestamp('2026-06-01T10:00:00Z')":            0,
		"subject.id == 'alice'":                              Names,
		"subject.authTime < now":                             Names,
		"'staff' in subject.groups":                          Groups,
		"subject.claims.department == 'north'":               Claims,
		"subject.?claims.?department.orValue('') == 'north'": Names | Groups | Claims,
		"dyn(subject) == dyn(subject)":                       Names | Groups | Claims,
		"resource.id == audience":                            Names,
		"resource.properties.owner == subject.id":            Properties | Names,
		"dyn(resource) == dyn(1)":                            Names | Properties,
		"actor.namespace == 'support'":                       Chain,
		"chain.exists(a, a.namespace == 'x')":                Chain,
		"scope == 'tickets:read'":                            Names,
		"context.purpose == 'support'":                       Context,
		"has(context.purpose)":                               Context,
		"context.list.exists(x, x == subject.claims.x)":      Context | Claims,
		"[1].exists(context, context == 1)":                  Context,
	} {
		compiled, err := Compile(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		program, err := Load(expression, compiled.Checked)
		if err != nil {
			t.Fatal(err)
		}
		if got := program.Reads(); got != want {
			t.Errorf("%s reads %b, want %b", expression, got, want)
		}
	}
}

// THREATS 40: what a program does not read does not have to be within its bounds, and what it reads has to.
func TestEachPartIsHeldToTheBoundsByItself(t *testing.T) {
	endless := make([]any, MaxEntries+1)
	for name, c := range map[string]struct {
		spoil func(*Input)
		part  Parts
	}{
		"a name of the subject": {func(in *Input) { in.Subject.ID = "\xff" }, Names},
		"the scope":             {func(in *Input) { in.Scope = "\xff" }, Names},
		"a group":               {func(in *Input) { in.Subject.Groups = []string{"\xff"} }, Groups},
		"an actor":              {func(in *Input) { in.Chain[0].Namespace = "\xff" }, Chain},
		"the claims":            {func(in *Input) { in.Subject.Claims = map[string]any{"a": endless} }, Claims},
		"the properties":        {func(in *Input) { in.Resource.Properties = map[string]any{"a": endless} }, Properties},
		"the context":           {func(in *Input) { in.Context = map[string]any{"a": endless} }, Context},
	} {
		in := newInput()
		c.spoil(in)
		if err := in.Check(c.part); err == nil {
			t.Errorf("%s passes", name)
		}
		if err := in.Check(Everything &^ c.part); err != nil {
			t.Errorf("%s is looked at for others: %v", name, err)
		}
	}
}
