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
	w.loops = 1
	return w.bool(1 + w.IntN(4))
}

// nested gives a bool in which loops may stand in loops.
func (w *writer) nested() string {
	w.loops = 3
	return w.loop(3)
}

// anything gives a value of any sort.
func (w *writer) anything() string {
	w.loops = 2
	switch w.IntN(5) {
	case 0:
		return w.gathered(2)
	case 1:
		return w.optional() + pick(w.Rand, "", ".value()")
	case 2:
		return w.text(3)
	case 3:
		return w.value(pick(w.Rand, isNumber, isInstant, isActor), 3)
	default:
		return w.any(3)
	}
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
	switch w.IntN(18) {
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
		return w.library()
	case 13:
		return fmt.Sprintf("cel.bind(v, %s, v == %s || %s)", w.any(1), w.any(1), w.bool(0))
	case 14:
		return fmt.Sprintf("%s == %s", w.gathered(1), w.gathered(1))
	case 15:
		return fmt.Sprintf("%s in %s", w.any(0), w.gathered(1))
	case 16:
		return fmt.Sprintf("%s.matches('%s')", w.text(1), pick(w.Rand, "^a", "b$", "[a-z]+", "(a|b)*c"))
	default:
		return pick(w.Rand, "true", "false", "actor in chain", "size(subject.groups) > 1", "context == context", "sets.intersects(subject.groups, ['a', 'b'])")
	}
}

// library asks something of the functions beside CEL's own.
func (w *writer) library() string {
	return fmt.Sprintf(pick(w.Rand,
		"%[1]s.isSorted()", "%[1]s.indexOf(%[2]s) >= 0", "%[1]s.lastIndexOf(%[2]s) > 1", "dyn(%[2]s).includes(%[2]s)", "dyn(%[1]s).includes(%[2]s)",
		"%[1]s.distinct().size() == size(%[1]s)", "sets.contains(%[1]s, %[1]s)", "sets.intersects(%[1]s, subject.groups)", "sets.equivalent(%[1]s, %[1]s)",
		"isIP(%[3]s)", "cidr('10.0.0.0/8').containsIP(%[3]s)", "ip(%[3]s).family() == 4", "isCIDR(%[3]s)", "ip.isCanonical(%[3]s)",
		"isURL(%[3]s)", "url(%[3]s).getHost() == %[3]s", "url(%[3]s) == url(%[3]s)",
		"math.greatest(%[4]s, 3.0) > %[4]s", "math.least(double(size(%[1]s)), 3.0) < 2.0", "math.abs(double(%[4]s)) > 1.0", "math.sign(%[4]s) == 1.0",
		"math.bitAnd(int(%[4]s), 3) == 1", "math.round(double(%[4]s)) == 3.0", "math.greatest([1.0, 2.0]) == 2.0",
	), w.gathered(1), w.any(1), w.text(1), w.number(1))
}

// gathered gives a list.
func (w *writer) gathered(depth int) string {
	if depth <= 0 || w.loops == 0 {
		return pick(w.Rand, "subject.groups", w.list(), "chain.map(c, c.namespace)", w.text(1)+".split('b')", w.text(1)+".findAll('[a-z]')")
	}
	switch w.IntN(7) {
	case 0:
		return fmt.Sprintf("%s.slice(0, %d)", w.gathered(depth-1), w.IntN(3))
	case 1:
		return fmt.Sprintf("[%s, %s].flatten()", w.gathered(depth-1), w.gathered(depth-1))
	case 2:
		return fmt.Sprintf("%s.distinct()", w.gathered(depth-1))
	case 3, 4:
		w.loops--
		return fmt.Sprintf("%s.map(m, [m, %s])", w.selection(), w.any(0))
	case 5:
		w.loops--
		return fmt.Sprintf("%s.transformList(i, m, [i, m])", w.selection())
	default:
		w.loops--
		return fmt.Sprintf("%s.filter(m, m != %s)", w.selection(), w.any(0))
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

var someTexts = []string{"", "a", "b", "abc", "aé", "true", "3", "2026-06-01T09:30:00Z", "30m", "10.1.2.3", "10.0.0.0/8", "https://a.b:1/c%20d"}

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
	switch w.IntN(11) {
	case 6:
		return fmt.Sprintf("%s.replace(%s, %s)", w.text(depth-1), w.text(0), w.text(0))
	case 7:
		return fmt.Sprintf("%s.join(%s)", pick(w.Rand, "subject.groups", w.list(), w.text(0)+".split('')"), w.text(0))
	case 8:
		return fmt.Sprintf("%s.find('[a-z]+')", w.text(depth-1))
	case 9:
		return fmt.Sprintf("url(%s).%s()", w.text(depth-1), pick(w.Rand, "getScheme", "getHost", "getHostname", "getPort", "getEscapedPath"))
	case 10:
		return fmt.Sprintf("%s.%s()", pick(w.Rand, "subject.groups", w.list()), pick(w.Rand, "min", "max"))
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
	return pick(w.Rand, "0.0", "3.0", "-1.5", "1e300", w.selection(), "double(size(subject.groups))", "double("+w.text(0)+".indexOf("+w.text(0)+"))",
		"[1.0, 2.0].sum()", w.list()+".sum()")
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
	return pick(w.Rand, "context.?a", "context.?b.?c", "resource.properties.?a", "subject.claims[?'b']", "optional.of(context.a)", "context.?a.or(context.?b)", "context.a[?0]",
		"context.?a[?'b']", "context.?a[?0]")
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

// loop is over one thing.
func (w *writer) loop(depth int) string {
	if w.loops == 0 {
		return w.question()
	}
	over, kind := w.looped()
	variable := pick(w.Rand, "x", "y", "scope", "subject")
	around := w.locals
	w.locals = map[sort][]string{kind: append([]string{variable}, around[kind]...)}
	w.loops--
	body := w.bool(min(depth-1, 2))
	w.locals = around
	if variable == "subject" {
		body = strings.ReplaceAll(body, "subject.", "context.")
	}
	return fmt.Sprintf(pick(w.Rand,
		"%[1]s.exists(%[2]s, %[3]s)", "%[1]s.all(%[2]s, %[3]s)", "%[1]s.exists_one(%[2]s, %[3]s)",
		"%[1]s.filter(%[2]s, %[3]s).size() > 1", "%[1]s.map(%[2]s, %[3]s).exists(z, z)",
		"%[1]s.exists(i, %[2]s, %[3]s)", "%[1]s.all(i, %[2]s, i != 'a' && %[3]s)", "%[1]s.existsOne(i, %[2]s, %[3]s)",
		"%[1]s.transformList(i, %[2]s, %[3]s, i).size() > 1", "%[1]s.transformList(i, %[2]s, %[3]s).exists(z, z)",
	), over, variable, body)
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
	for _, key := range []string{"a", "b", "c", strconv.Itoa(r.IntN(3)), ""} {
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

// large is a request at the bounds: what it has is large, alike, and unalike only at the end.
func (r *requester) large() *Input {
	in := r.input()
	in.Subject.Groups, in.Chain = nil, nil
	for i := range MaxEntries {
		in.Subject.Groups = append(in.Subject.Groups, strings.Repeat("g", MaxName-1)+string(rune('a'+i%26)))
	}
	for range MaxChain {
		in.Chain = append(in.Chain, authz.Actor{Namespace: strings.Repeat("n", MaxName), ServiceAccount: r.name()})
	}
	in.Subject.ID = in.Subject.Groups[255]
	budget := MaxTotal - 4_000
	for _, entries := range []*map[string]any{&in.Context, &in.Resource.Properties, &in.Subject.Claims} {
		*entries = map[string]any{}
		for _, key := range []string{"a", "b", "c"} {
			(*entries)[key] = r.bulk(&budget)
		}
	}
	return in
}

// bulk is a value that is large in one way.
func (r *requester) bulk(budget *int) any {
	share := *budget / (1 + r.IntN(4))
	*budget -= share
	switch r.IntN(5) {
	case 0:
		return strings.Repeat(pick(r.Rand, "a", "b", "ab"), min(share, MaxText)/2)
	case 1:
		return repeatedEntry(min(MaxEntries, share/(3*perValue)), strings.Repeat("a", max(share/MaxEntries-3*perValue, 0)))
	case 2:
		return repeatedEntry(min(MaxEntries, share/(70*perValue)), repeatedEntry(60, 3.0))
	case 3:
		return map[string]any{"a": repeatedEntry(min(MaxEntries, share/(2*perValue)), "b"), "b": 3.0}
	default:
		entries := map[string]any{}
		for i := range min(MaxEntries, share/(6*perValue)) {
			entries[fmt.Sprintf("%040d", i)] = pick[any](r.Rand, "a", 3.0, true)
		}
		return entries
	}
}

func repeatedEntry(times int, entry any) []any {
	list := make([]any, times)
	for i := range list {
		list[i] = entry
	}
	return list
}
