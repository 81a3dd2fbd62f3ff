// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"errors"
	"fmt"
	"strings"
)

// ScopesAnnotation is where a pod or a pod template says which scopes it means to use on behalf of people.
const ScopesAnnotation = "behalf.dev/scopes"

// The bounds that the API sets for the same things, in characters: an annotation holds as much as one ServiceDelegation
// may declare.
const (
	maxAnnotation = 16384
	maxAudience   = 512
	maxScope      = 128
)

// Scope is one element of the annotation.
type Scope struct {
	// Audience is empty where the scope is not qualified.
	Audience string
	Name     string
}

// String is the element's text form: audience#scope, or the scope alone.
func (s Scope) String() string {
	if s.Audience == "" {
		return s.Name
	}
	return s.Audience + "#" + s.Name
}

// ParseScopes reads the annotation's value: elements of the form audience#scope or scope, with white space between them,
// which is space, tab and line end. Whatever else is in the way is refused and never repaired: an error names the first
// element that cannot be read.
func ParseScopes(value string) ([]Scope, error) {
	if len(value) > maxAnnotation {
		return nil, fmt.Errorf("it has more than %d characters: divide the work among several service accounts", maxAnnotation)
	}
	elements := strings.FieldsFunc(value, isWhiteSpace)
	if len(elements) == 0 {
		return nil, errors.New("it names no scope: name one, or remove the annotation")
	}
	scopes := make([]Scope, 0, len(elements))
	for i, element := range elements {
		scope, err := parseScope(element)
		if err != nil {
			return nil, fmt.Errorf("element %d, %s, %w", i+1, quote(element), err)
		}
		scopes = append(scopes, scope)
	}
	return scopes, nil
}

// isWhiteSpace leaves out what Unicode adds, and what no editor shows: those are refused as part of an element.
func isWhiteSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }

func parseScope(element string) (Scope, error) {
	before, after, qualified := strings.Cut(element, "#")
	if !qualified {
		return Scope{Name: element}, checkName(element)
	}
	if err := checkAudience(before); err != nil {
		return Scope{}, err
	}
	return Scope{Audience: before, Name: after}, checkName(after)
}

func checkAudience(audience string) error {
	switch {
	case audience == "":
		return errors.New("has no audience before '#': write audience#scope, or the scope alone")
	case len(audience) > maxAudience:
		return fmt.Errorf("has an audience of more than %d characters", maxAudience)
	case !isToken(audience):
		return errors.New("has an audience with a character that none has: printable ASCII only, without '\"' and '\\'")
	default:
		return nil
	}
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("has no scope after '#': write audience#scope")
	case strings.Contains(name, "#"):
		return errors.New("has more than one '#': write audience#scope, with white space between one and the next")
	case len(name) > maxScope:
		return fmt.Errorf("has a scope of more than %d characters", maxScope)
	case !isToken(name):
		return errors.New("has a character that no scope has: printable ASCII only, without '\"' and '\\', and white space between one and the next")
	case hasWildcard(name):
		return errors.New("is a pattern: name each scope in full, for patterns belong to a DelegationPolicy")
	default:
		return nil
	}
}

// isToken says whether s has characters of RFC 6749 section 3.3 only, and no '#'.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '#' {
			return false
		}
	}
	return true
}

func hasWildcard(scope string) bool {
	for segment := range strings.SplitSeq(scope, ":") {
		if segment == "*" {
			return true
		}
	}
	return false
}

// quote shows what somebody wrote, in printable ASCII and not too much of it.
func quote(s string) string {
	const most = 96
	if len(s) > most {
		return fmt.Sprintf("%+q and %d more", s[:most], len(s)-most)
	}
	return fmt.Sprintf("%+q", s)
}
