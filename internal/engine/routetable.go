// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"

	"behalf.dev/behalf/internal/canonical"
)

// routeTable finds the route for a method and a path: a tree of segments for each method.
type routeTable map[string]*branch

// branch is what can follow the segments so far.
type branch struct {
	literals map[string]*branch
	one      *branch
	// rest and end are routes that stop here: with a {name...}, and with nothing more.
	rest, end *route
}

func (t routeTable) add(method string, segments []segment, r *route) {
	at := t[method]
	if at == nil {
		at = &branch{}
		t[method] = at
	}
	for _, s := range segments {
		switch s.kind {
		case literal:
			at = at.literal(s.text)
		case one:
			if at.one == nil {
				at.one = &branch{}
			}
			at = at.one
		case rest:
			at.rest = r
			return
		}
	}
	at.end = r
}

func (b *branch) literal(text string) *branch {
	if b.literals == nil {
		b.literals = map[string]*branch{}
	}
	if b.literals[text] == nil {
		b.literals[text] = &branch{}
	}
	return b.literals[text]
}

// find gives the most specific route that matches, and what its variables captured; nil where none matches.
func (t routeTable) find(method string, p canonical.Path, c *captures) *route {
	start := t[method]
	if start == nil {
		return nil
	}
	return start.match(string(p[1:]), c, 0)
}

// match tries the most specific first and comes back where that leads nowhere. It visits each branch of the tree at most
// once, for each is reached by one way only. What remains is the path without its leading slash.
func (b *branch) match(remains string, c *captures, captured int) *route {
	text, after, more := strings.Cut(remains, "/")
	text = canonical.Unescape(text)
	if next := b.literals[text]; next != nil {
		if r := next.onward(after, more, c, captured); r != nil {
			return r
		}
	}
	if text == "" {
		return nil // a variable matches something
	}
	if b.one != nil {
		if r := b.one.onward(after, more, c, captured+1); r != nil {
			c[captured] = text
			return r
		}
	}
	if b.rest == nil || strings.HasSuffix(remains, "/") {
		return nil
	}
	c[captured] = canonical.Unescape(remains)
	return b.rest
}

func (b *branch) onward(after string, more bool, c *captures, captured int) *route {
	if !more {
		return b.end
	}
	return b.match(after, c, captured)
}
