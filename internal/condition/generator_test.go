// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// writer makes up expressions that are well-typed, or nearly so: what the request brings is of any type.
type writer struct {
	*rand.Rand
	// locals are the variables of the loops around, by what they stand for.
	locals map[sort][]string
	loops  int
}

// sort of a value.
type sort int

const (
	isBool sort = iota
	isText
	isNumber
	isAny // what lies in the request
	isInstant
	isSpan
	isActor
)

func newWriter(seed uint64) *writer {
	return &writer{Rand: rand.New(rand.NewPCG(seed, 3)), locals: map[sort][]string{}}
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// expression gives a bool.
func (w *writer) expression() string {
	w.loops = 0
	return w.bool(1 + w.IntN(4))
}

func (w *writer) bool(depth int) string {
	if depth <= 0 {
		return w.question()
	}
	switch w.IntN(12) {
	case 0, 1:
		return fmt.Sprintf("(%s && %s)", w.bool(depth-1), w.bool(depth-1))
	case 2, 3:
		return fmt.Sprintf("(%s || %s)", w.bool(depth-1), w.bool(depth-1))
	case 4:
		return "!" + w.atom(w.bool(depth-1))
	case 5:
		return fmt.Sprintf("(%s ? %s : %s)", w.bool(depth-1), w.bool(depth-1), w.bool(depth-1))
	case 6:
		return w.loop(depth)
	case 7:
		return fmt.Sprintf("(%s && %s && %s)", w.any(depth-1), w.bool(depth-1), w.bool(depth-1))
	default:
		return w.question()
	}
}

func (w *writer) atom(expression string) string { return "(" + expression + ")" }

// question asks one thing.
func (w *writer) question() string {
	switch w.IntN(14) {
	case 0, 1, 2:
		return fmt.Sprintf("%s %s %s", w.any(2), pick(w.Rand, "==", "!="), w.any(2))
	case 3:
		return fmt.Sprintf("%s %s %s", w.text(2), pick(w.Rand, "==", "!="), w.any(2))
	case 4, 5:
		kind := pick(w.Rand, isText, isNumber, isAny, isInstant, isSpan)
		return fmt.Sprintf("%s %s %s", w.value(kind, 2), pick(w.Rand, "<", "<=", ">", ">="), w.value(kind, 2))
	case 6, 7:
		return fmt.Sprintf("%s in %s", w.any(1), w.container())
	case 8, 9:
		return fmt.Sprintf("has(%s)", w.selection())
	case 10, 11:
		return fmt.Sprintf("%s.%s(%s)", w.text(1), pick(w.Rand, "startsWith", "endsWith", "contains"), w.text(1))
	case 12:
		return fmt.Sprintf("%s.matches('%s')", w.text(1), pick(w.Rand, "^a", "b$", "[a-z]+", "(a|b)*c"))
	default:
		return pick(w.Rand, "true", "false", "actor in chain", "size(subject.groups) > 1", "context == context", "sets.intersects(subject.groups, ['a', 'b'])")
	}
}

func (w *writer) value(kind sort, depth int) string {
	if locals := w.locals[kind]; len(locals) > 0 && w.IntN(3) == 0 {
		return pick(w.Rand, locals...)
	}
	switch kind {
	case isText:
		return w.text(depth)
	case isNumber:
		return w.number(depth)
	case isInstant:
		return pick(w.Rand, "now", "subject.authTime", "timestamp('2026-06-01T09:30:00Z')", "timestamp(string(context.a))", "now - duration('30m')")
	case isSpan:
		return pick(w.Rand, "duration('30m')", "now - subject.authTime", "duration('1h')", "duration(string(context.b))")
	case isActor:
		return pick(w.Rand, "actor", "chain[0]", "chain[1]")
	case isBool, isAny:
		return w.any(depth)
	}
	panic("no such sort")
}

var someTexts = []string{"", "a", "b", "abc", "aé", "true", "3", "2026-06-01T09:30:00Z", "30m"}

func (w *writer) text(depth int) string {
	if locals := w.locals[isText]; len(locals) > 0 && w.IntN(3) == 0 {
		return pick(w.Rand, locals...)
	}
	if depth > 0 && w.IntN(3) == 0 {
		return w.made(depth)
	}
	return pick(w.Rand, "subject.id", "subject.issuer", "subject.username", "subject.session", "actor.namespace", "actor.serviceAccount",
		"audience", "scope", "resource.type", "resource.id", "chain[0].namespace", "subject.groups[0]", quote(pick(w.Rand, someTexts...)),
		w.selection(), quote(pick(w.Rand, someTexts...)))
}

// made is a text that the expression makes.
func (w *writer) made(depth int) string {
	switch w.IntN(6) {
	case 0:
		return fmt.Sprintf("(%s + %s)", w.text(depth-1), w.text(depth-1))
	case 1:
		return fmt.Sprintf("%s.lowerAscii()", w.text(depth-1))
	case 2:
		return fmt.Sprintf("%s.substring(%d)", w.text(depth-1), w.IntN(3))
	case 3:
		return fmt.Sprintf("%s.split('b')[%d]", w.text(depth-1), w.IntN(2))
	case 4:
		return fmt.Sprintf("string(%s)", w.any(depth-1))
	default:
		return fmt.Sprintf("(%s ? %s : %s)", w.question0(), w.text(depth-1), w.text(depth-1))
	}
}

// question0 asks something small.
func (w *writer) question0() string {
	return pick(w.Rand, "true", "false", "has(context.a)", "context.a == 'a'", "context.a", "subject.id == resource.id")
}

func (w *writer) number(depth int) string {
	if depth > 0 && w.IntN(3) == 0 {
		return fmt.Sprintf("(%s %s %s)", w.number(depth-1), pick(w.Rand, "+", "-", "*", "/"), w.number(depth-1))
	}
	return pick(w.Rand, "0.0", "3.0", "-1.5", "1e300", w.selection(), "double(size(subject.groups))")
}

func (w *writer) any(depth int) string {
	if locals := w.locals[isAny]; len(locals) > 0 && w.IntN(3) == 0 {
		return pick(w.Rand, locals...)
	}
	switch w.IntN(10) {
	case 0, 1, 2, 3:
		return w.selection()
	case 4:
		return pick(w.Rand, "3", "3.0", "3u", "0", "-1", "null", "true", "false", "9223372036854775807", "b'a'")
	case 5:
		return fmt.Sprintf("dyn(%s)", w.text(depth-1))
	case 6:
		return fmt.Sprintf("dyn(%s)", w.value(pick(w.Rand, isNumber, isInstant, isActor), depth-1))
	case 7:
		return fmt.Sprintf("%s.orValue(%s)", w.optional(), w.selection())
	case 8:
		return fmt.Sprintf("dyn(%s)", w.list())
	default:
		return quote(pick(w.Rand, someTexts...))
	}
}

func (w *writer) optional() string {
	return pick(w.Rand, "context.?a", "context.?b.?c", "resource.properties.?a", "subject.claims[?'b']", "optional.of(context.a)", "context.?a.or(context.?b)")
}

// selection reads from the request, where it may or may not be.
func (w *writer) selection() string {
	path := pick(w.Rand, "context", "resource.properties", "subject.claims")
	for range 1 + w.IntN(2) {
		key := pick(w.Rand, "a", "b", "c")
		if w.IntN(6) == 0 {
			path += "['" + key + "']"
		} else {
			path += "." + key
		}
	}
	if strings.HasSuffix(path, "]") {
		path += ".a" // has() takes a field
	}
	return path
}

func (w *writer) container() string {
	switch w.IntN(5) {
	case 0:
		return "subject.groups"
	case 1:
		return "['a', 'b', '']"
	case 2:
		return w.list()
	case 3:
		return pick(w.Rand, "context", "resource.properties", "subject.claims", "{'a': 1, 'b': 2}")
	default:
		return w.selection()
	}
}

func (w *writer) list() string {
	var elements []string
	for range w.IntN(4) {
		elements = append(elements, fmt.Sprintf("dyn(%s)", w.any(0)))
	}
	return "[" + strings.Join(elements, ", ") + "]"
}

// loop is over one thing; loops do not stand in one another here, so that few are too dear.
func (w *writer) loop(depth int) string {
	if w.loops > 0 {
		return w.question()
	}
	over, kind := w.looped()
	variable := pick(w.Rand, "x", "y", "scope", "subject")
	shadowed := w.locals
	w.locals = map[sort][]string{kind: {variable}}
	w.loops++
	body := w.bool(min(depth-1, 2))
	w.locals = shadowed
	macro := pick(w.Rand, "exists", "all", "exists_one", "filter", "map")
	if variable == "subject" {
		body = strings.ReplaceAll(body, "subject.", "context.")
	}
	switch macro {
	case "filter":
		return fmt.Sprintf("%s.filter(%s, %s).size() > 1", over, variable, body)
	case "map":
		return fmt.Sprintf("%s.map(%s, %s).exists(z, z)", over, variable, body)
	default:
		return fmt.Sprintf("%s.%s(%s, %s)", over, macro, variable, body)
	}
}

func (w *writer) looped() (string, sort) {
	switch w.IntN(4) {
	case 0:
		return "subject.groups", isText
	case 1:
		return "chain.map(c, c.namespace)", isText
	case 2:
		return w.list(), isAny
	default:
		return w.selection(), isAny
	}
}

func quote(text string) string { return "'" + text + "'" }

// requester makes up requests.
type requester struct{ *rand.Rand }

func (r *requester) input() *Input {
	in := &Input{
		Subject:  &authz.Subject{ID: r.name(), Issuer: r.name(), Username: r.name(), Session: r.name(), Claims: r.object(2)},
		Actor:    authz.Actor{Namespace: r.name(), ServiceAccount: r.name()},
		Audience: r.name(), Scope: r.name(),
		Resource: &authz.Resource{Type: r.name(), ID: r.name(), Properties: r.object(2)},
		Context:  r.object(3),
		Now:      now,
	}
	for range r.IntN(4) {
		in.Subject.Groups = append(in.Subject.Groups, r.name())
	}
	for range r.IntN(3) {
		in.Chain = append(in.Chain, authz.Actor{Namespace: r.name(), ServiceAccount: r.name()})
	}
	if r.IntN(3) > 0 {
		in.Subject.AuthTime = now.Add(-time.Duration(r.IntN(3)) * 30 * time.Minute)
	}
	return in
}

func (r *requester) name() string { return pick(r.Rand, someTexts...) }

func (r *requester) object(depth int) map[string]any {
	if r.IntN(12) == 0 {
		return nil
	}
	entries := map[string]any{}
	for _, key := range []string{"a", "b", "c", strconv.Itoa(r.IntN(3))} {
		if r.IntN(4) > 0 {
			entries[key] = r.value(depth)
		}
	}
	return entries
}

func (r *requester) value(depth int) any {
	switch r.IntN(12) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2, 3:
		return pick(r.Rand, 0.0, 3.0, -1.5, 1e300, 9223372036854775807.0)
	case 4:
		var list []any
		for range r.IntN(4) {
			if depth > 0 {
				list = append(list, r.value(depth-1))
			}
		}
		return list
	case 5, 6:
		if depth > 0 {
			return r.object(depth - 1)
		}
		return r.name()
	default:
		return r.name()
	}
}
