// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import "github.com/google/cel-go/common/ast"

// Parts of an Input. Each is held to the bounds by itself, so that a request pays for what its conditions read.
type Parts uint8

const (
	// Names are the audience, the scope, and those of the subject and of the resource.
	Names Parts = 1 << iota
	// Groups are those of the subject.
	Groups
	// Chain is the actors.
	Chain
	// Claims are those of the subject.
	Claims
	// Properties are those of the resource.
	Properties
	// Context is all of the context.
	Context

	// Everything is all parts.
	Everything = Names | Groups | Chain | Claims | Properties | Context
)

// readOf are the parts that a variable holds, and those of each of its fields.
var readOf = map[string]struct {
	whole  Parts
	fields map[string]Parts
}{
	"subject":  {Names | Groups | Claims, map[string]Parts{"groups": Groups, "claims": Claims}},
	"resource": {Names | Properties, map[string]Parts{"properties": Properties}},
	"actor":    {whole: Chain},
	"chain":    {whole: Chain},
	"audience": {whole: Names},
	"scope":    {whole: Names},
	"context":  {whole: Context},
}

// readsOf gives the parts that an expression may read. A local variable of the name of one of ours counts as ours.
func readsOf(tree *ast.AST) Parts {
	var reads Parts
	for _, ident := range ast.MatchDescendants(ast.NavigateAST(tree), ast.KindMatcher(ast.IdentKind)) {
		known, ok := readOf[ident.AsIdent()]
		if !ok {
			continue
		}
		parent, ok := ident.Parent()
		if !ok || parent.Kind() != ast.SelectKind || known.fields == nil {
			reads |= known.whole
			continue
		}
		if parts, ok := known.fields[parent.AsSelect().FieldName()]; ok {
			reads |= parts
		} else {
			reads |= Names
		}
	}
	return reads
}
