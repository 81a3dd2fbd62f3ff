// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"behalf.dev/behalf/internal/canonical"
)

// maxVariables is the largest number of variables in one path template.
const maxVariables = 16

// captures are the values of a template's variables, in the order of the template.
type captures [maxVariables]string

// kind of a template's segment, in the order in which they are tried: that is what makes a route more specific.
type kind uint8

const (
	// literal matches one text.
	literal kind = iota
	// one matches any one segment: {name}.
	one
	// rest matches one segment or more, to the end: {name...}.
	rest
)

// segment of a path template.
type segment struct {
	kind kind
	// text is what a literal matches, decoded, or the name of a variable.
	text string
}

var (
	errStar     = errors.New("'*' is no wildcard here; write {name} for one segment or {name...} for the rest")
	errPartial  = errors.New("a variable takes a whole segment: {name}")
	errName     = errors.New("a variable's name begins with a letter or '_' and goes on with letters, digits and '_'")
	errRestLast = errors.New("{name...} must be the last segment")
	errQuery    = errors.New("a path template has no query; routes match paths only")
	errMany     = fmt.Errorf("there are more than %d variables", maxVariables)
)

// parsePath reads a path template.
func parsePath(template string) ([]segment, error) {
	if template == "" || template[0] != '/' {
		return nil, fmt.Errorf("%q %w", template, canonical.ErrRelative)
	}
	var segments []segment
	var names []string
	parts := strings.Split(template[1:], "/")
	for i, part := range parts {
		s, err := parseSegment(part, i == len(parts)-1)
		if err != nil {
			return nil, fmt.Errorf("segment %q: %w", part, err)
		}
		if s.kind != literal {
			if slices.Contains(names, s.text) {
				return nil, fmt.Errorf("the variable {%s} stands twice; give each its own name", s.text)
			}
			names = append(names, s.text)
		}
		segments = append(segments, s)
	}
	if len(names) > maxVariables {
		return nil, errMany
	}
	return segments, nil
}

func parseSegment(part string, last bool) (segment, error) {
	if part == "" && !last {
		return segment{}, canonical.ErrEmptySegment
	}
	inner, open := strings.CutPrefix(part, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !open || !closed {
		return parseLiteral(part)
	}
	name, toEnd := strings.CutSuffix(inner, "...")
	switch {
	case !isName(name):
		return segment{}, errName
	case toEnd && !last:
		return segment{}, errRestLast
	case toEnd:
		return segment{rest, name}, nil
	default:
		return segment{one, name}, nil
	}
}

// parseLiteral holds a literal to what a request's path could be: anything else would never match.
func parseLiteral(part string) (segment, error) {
	switch {
	case strings.ContainsAny(part, "{}"):
		return segment{}, errPartial
	case strings.Contains(part, "*"):
		return segment{}, errStar
	case strings.Contains(part, "?"):
		return segment{}, errQuery
	}
	if _, err := canonical.PathOf("/" + part); err != nil {
		return segment{}, fmt.Errorf("it %w", err)
	}
	return segment{literal, canonical.Unescape(part)}, nil
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// variables of a path template, in order.
func variables(segments []segment) []string {
	var names []string
	for _, s := range segments {
		if s.kind != literal {
			names = append(names, s.text)
		}
	}
	return names
}
