// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// sortedSet sorts a copy and drops what stands twice, so that neither order nor repetition reaches a bundle.
func sortedSet[T any](items []T, compare func(a, b T) int) []T {
	if len(items) == 0 {
		return nil
	}
	sorted := slices.Clone(items)
	slices.SortFunc(sorted, compare)
	return slices.CompactFunc(sorted, func(a, b T) bool { return compare(a, b) == 0 })
}

// sortedNames is a sortedSet of text.
func sortedNames[T ~string](items []T) []string {
	if len(items) == 0 {
		return nil
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

func compareRefs(a, b authz.ObjectRef) int {
	return cmp.Or(
		strings.Compare(a.Kind, b.Kind),
		strings.Compare(a.Namespace, b.Namespace),
		strings.Compare(a.Name, b.Name),
		cmp.Compare(a.Generation, b.Generation),
	)
}

func compareActors(a, b authz.Actor) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.ServiceAccount, b.ServiceAccount))
}

func compareActorSelectors(a, b bundle.ActorSelector) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.ServiceAccount, b.ServiceAccount))
}

func compareSubjectSelectors(a, b bundle.SubjectSelector) int {
	return cmp.Or(
		strings.Compare(a.Issuer, b.Issuer),
		compareBools(a.All, b.All),
		slices.Compare(a.Users, b.Users),
		slices.Compare(a.Usernames, b.Usernames),
		slices.Compare(a.Groups, b.Groups),
	)
}

func compareEntitlements(a, b bundle.Entitlement) int {
	return cmp.Or(compareSubjectSelectors(a.Subjects, b.Subjects), slices.Compare(a.Conditions, b.Conditions))
}

func compareRoutes(a, b bundle.Route) int {
	return cmp.Or(
		strings.Compare(a.Path, b.Path),
		slices.Compare(a.Methods, b.Methods),
		cmp.Compare(a.Scope, b.Scope),
		strings.Compare(a.Type, b.Type),
		strings.Compare(a.ID, b.ID),
		slices.CompareFunc(a.Properties, b.Properties, compareProperties),
		compareMCP(a.MCP, b.MCP),
		compareBools(a.Delegated, b.Delegated),
		compareBools(a.User, b.User),
	)
}

// compareMCP puts a route that looks at no body first.
func compareMCP(a, b *bundle.MCP) int {
	if a == nil || b == nil {
		return compareBools(a != nil, b != nil)
	}
	return slices.CompareFunc(a.Tools, b.Tools, compareTools)
}

func compareTools(a, b bundle.Tool) int {
	return cmp.Or(
		strings.Compare(a.Name, b.Name),
		cmp.Compare(a.Scope, b.Scope),
		strings.Compare(a.Type, b.Type),
		strings.Compare(a.ID, b.ID),
	)
}

func compareProperties(a, b bundle.Property) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
}

// compareBools puts false before true.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// compareFields compares field paths so that [2] stands before [10].
func compareFields(a, b string) int {
	for a != "" && b != "" {
		if isDigit(a[0]) && isDigit(b[0]) {
			var left, right string
			left, a = cutDigits(a)
			right, b = cutDigits(b)
			if c := cmp.Or(cmp.Compare(len(left), len(right)), strings.Compare(left, right)); c != 0 {
				return c
			}
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func cutDigits(s string) (digits, rest string) {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return s[:n], s[n:]
}

// sortedKeys are the keys of a map in order.
func sortedKeys[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(m), compare)
}

func compareExcess(a, b v1alpha1.ExcessScope) int {
	return cmp.Or(
		strings.Compare(string(a.Audience), string(b.Audience)),
		strings.Compare(string(a.Scope), string(b.Scope)),
		compareActors(excessTo(a), excessTo(b)),
	)
}

// excessTo is the next service; none, which comes first, where the scope was declared for the service's own use.
func excessTo(e v1alpha1.ExcessScope) authz.Actor {
	if e.To == nil {
		return authz.Actor{}
	}
	return actorOf(*e.To)
}
