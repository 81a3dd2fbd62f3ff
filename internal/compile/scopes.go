// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"
	"strings"

	"behalf.dev/behalf/internal/bundle"
)

const wildcard = "*"

// scopeFault says what is wrong with a scope's name, or nothing. RFC 6749 section 3.3 gives the characters; '#' is kept
// for the qualified form, and a segment that is '*' is a pattern.
func scopeFault(name string) string {
	if fault := scopeCharactersFault(name); fault != "" {
		return fault
	}
	if strings.Contains(name, wildcard) && slices.Contains(strings.Split(name, ":"), wildcard) {
		return "a segment that is '*' alone is a pattern, which only a DelegationPolicy may use; spell the scope out"
	}
	return ""
}

// patternFault says what is wrong with a scope pattern, or nothing: a scope's name, or one whose last segment is '*'.
func patternFault(pattern string) string {
	if fault := scopeCharactersFault(pattern); fault != "" {
		return fault
	}
	before := strings.TrimSuffix(pattern, wildcard)
	if strings.Contains(before, wildcard) || before != pattern && before != "" && !strings.HasSuffix(before, ":") {
		return "'*' may only be the whole last segment, as in crm:*; write one pattern for each scope that is meant"
	}
	return ""
}

func scopeCharactersFault(name string) string {
	if name == "" {
		return "the scope is empty; name one"
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '#' {
			return "a scope is made of printable ASCII characters without space, '\"', '\\' and '#'; correct the name"
		}
	}
	return ""
}

// covers says whether a pattern covers a scope. A '*' as the last segment stands for one or more segments: crm:* covers
// crm:read and crm:contacts:read, not crm and not crmx:read.
func covers(pattern, scope string) bool {
	if pattern == wildcard {
		return true
	}
	if strings.HasSuffix(pattern, ":"+wildcard) {
		return strings.HasPrefix(scope, strings.TrimSuffix(pattern, wildcard))
	}
	return pattern == scope
}

// scopeTable finds the index of a scope in a bundle.
type scopeTable map[string]int

func tableOf(scopes []bundle.Scope) scopeTable {
	table := make(scopeTable, len(scopes))
	for i, scope := range scopes {
		table[scope.Name] = i
	}
	return table
}

// hasAny says whether the table has any of the names.
func (t scopeTable) hasAny(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, ok := t[name]
		return ok
	})
}

// known are the indexes, sorted, of those names that the table has.
func (t scopeTable) known(names []string) []int {
	var found []int
	for _, name := range names {
		if i, ok := t[name]; ok {
			found = append(found, i)
		}
	}
	return sortedSet(found, compareInts)
}

// covered are the indexes, sorted, of the scopes that a pattern covers.
func (t scopeTable) covered(pattern string) []int {
	var found []int
	for name, i := range t {
		if covers(pattern, name) {
			found = append(found, i)
		}
	}
	slices.Sort(found)
	return found
}

func compareInts(a, b int) int { return a - b }
