// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// reportUnplaced prints our packages that the layout does not know, and returns how many there are.
func reportUnplaced(out io.Writer, g graph) int {
	unplaced := slices.DeleteFunc(g.ours(), func(folder string) bool {
		return slices.ContainsFunc(layout, func(place string) bool { return isUnder(place, folder) })
	})
	for _, folder := range unplaced {
		fmt.Fprintf(out, "FAIL  %s stands in no layer: give it a place in hack/verify/layering/rules.go and .golangci.yml\n", folder)
	}
	return len(unplaced)
}

// reportRule prints what the rule was held against and what breaks it, and
// returns the number of violations.
func reportRule(out io.Writer, g graph, r rule) int {
	var checked, absent []string
	for _, pattern := range r.folders {
		found := g.under(pattern)
		if len(found) == 0 {
			absent = append(absent, pattern)
		}
		checked = append(checked, found...)
	}
	breaches := describe(g, r, checked)

	switch {
	case len(breaches) > 0:
		fmt.Fprintf(out, "FAIL  %s\n%s", r.text, strings.Join(breaches, ""))
	case len(checked) > 0:
		fmt.Fprintf(out, "ok    %s\n", r.text)
	default:
		fmt.Fprintf(out, "none  %s\n", r.text)
	}
	printList(out, "checked", checked)
	printList(out, "not in the tree", absent)
	printList(out, "imported by nothing here", unheardOf(g, r.names))
	return len(breaches)
}

func describe(g graph, r rule, folders []string) []string {
	var texts []string
	for _, folder := range folders {
		found := g.nearest(folder, r.directly, r.forbids)
		for _, name := range slices.Sorted(maps.Keys(found)) {
			texts = append(texts, fmt.Sprintf("      %s must not import %s, but there is:\n        %s\n",
				folder, name, strings.Join(found[name], "\n        -> ")))
		}
	}
	return texts
}

// unheardOf returns those import paths that are nowhere in the graph: maybe
// misspelt, so that a rule against them holds for ever.
func unheardOf(g graph, importPaths []string) []string {
	return slices.DeleteFunc(slices.Clone(importPaths), func(wanted string) bool {
		for importPath := range g.nodes {
			if hasPrefix(importPath, wanted) {
				return true
			}
		}
		return false
	})
}

func printList(out io.Writer, label string, items []string) {
	if len(items) > 0 {
		fmt.Fprintf(out, "      %s: %s\n", label, strings.Join(items, ", "))
	}
}
