// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"math"
	"math/bits"

	"github.com/google/cel-go/common/types"
)

// extent bounds what there is to walk in a value, as if everything that it shares were written out: a value that an
// expression builds holds the same part many times for little memory, and a comparison visits it every time.
type extent struct {
	// nodes counts the value and all that lies in it; bytes are those of all its texts.
	nodes, bytes uint64
	// text is how long the value itself is, as a text, in bytes.
	text uint64
	// entries are those of the list or map itself.
	entries uint64
	// each bounds any one entry, key or field; nil where there can be none.
	each *extent
	// fields are set where the value is certainly one of our objects.
	fields map[string]field
}

// given bounds any value of the request, and any part of one.
var given = newGiven()

func newGiven() *extent {
	g := &extent{nodes: MaxTotal/perValue + 4, bytes: MaxTotal, text: MaxText, entries: MaxEntries}
	g.each = g
	return g
}

// scalar is a value with nothing in it but perhaps a text.
func scalar(size uint64) *extent { return &extent{nodes: 1, bytes: size, text: size} }

// objects are what the variables and their fields hold, by type name. They are compared by name or by identity.
var objects = map[string]*extent{
	subjectType.TypeName():  {nodes: 1, each: given, fields: subjectFields},
	actorType.TypeName():    {nodes: 1, bytes: 2 * MaxName, each: given, fields: actorFields},
	resourceType.TypeName(): {nodes: 1, each: given, fields: resourceFields},
}

// declared bounds a variable or a field of an object by its type.
func declared(t *types.Type) *extent {
	switch t.Kind() {
	case types.StringKind:
		return scalar(MaxName)
	case types.TimestampKind:
		return scalar(0)
	case types.StructKind:
		if known := objects[t.TypeName()]; known != nil {
			return known
		}
	case types.ListKind:
		if t.Parameters()[0].IsExactType(actorType) {
			return repeated(MaxChain, declared(actorType))
		}
		if t.Parameters()[0].IsExactType(types.StringType) {
			return repeated(MaxEntries, scalar(MaxName))
		}
	}
	return given
}

// repeated is a list of so many entries.
func repeated(entries uint64, each *extent) *extent {
	return &extent{nodes: plus(1, times(entries, each.nodes)), bytes: times(entries, each.bytes), entries: entries, each: each}
}

// holding is a list or map of these.
func holding(parts []*extent, entries int) *extent {
	whole := &extent{nodes: 1, entries: uint64(entries)} //nolint:gosec // a length
	for _, part := range parts {
		whole.nodes, whole.bytes = plus(whole.nodes, part.nodes), plus(whole.bytes, part.bytes)
		whole.each = either(whole.each, part)
	}
	return whole
}

// either bounds a value that is one of two. Unless both are plain, it forgets their form, and takes what can be read from
// them to be as large as they are, or as the request.
func either(a, b *extent) *extent {
	switch {
	case a == nil || a == b:
		return b
	case b == nil:
		return a
	}
	joined := &extent{nodes: max(a.nodes, b.nodes), bytes: max(a.bytes, b.bytes), text: max(a.text, b.text)}
	if a.plain() && b.plain() {
		return joined
	}
	joined.nodes, joined.bytes = max(joined.nodes, given.nodes), max(joined.bytes, given.bytes)
	joined.text, joined.entries = max(a.longest(), b.longest(), given.text), max(a.widest(), b.widest(), given.entries)
	if joined.within(given) {
		return given
	}
	joined.each = joined
	return joined
}

func (x *extent) within(y *extent) bool {
	return x.nodes <= y.nodes && x.bytes <= y.bytes && x.text <= y.text && x.entries <= y.entries
}

// plain says that nothing can be read from a value.
func (x *extent) plain() bool { return x.each == nil }

// widest is the most entries of the value or of anything in it.
func (x *extent) widest() uint64 {
	most := x.entries
	for x.each != nil && x.each != x {
		x = x.each
		most = max(most, x.entries)
	}
	return most
}

// longest is the longest text of the value or of anything in it.
func (x *extent) longest() uint64 {
	most := x.text
	for x.each != nil && x.each != x {
		x = x.each
		most = max(most, x.text)
	}
	return most
}

// wrapped is an optional. It lets through what is read from it.
func wrapped(x *extent) *extent {
	return &extent{nodes: plus(x.nodes, 1), bytes: x.bytes, text: x.text, entries: x.entries, each: x.each}
}

// part is what reading one entry or field gives.
func (x *extent) part() *extent {
	if x.each == nil {
		return scalar(0) // there is nothing to read: it errs
	}
	return x.each
}

// field is what a field gives: by its declaration where the value is certainly an object.
func (x *extent) field(name string) *extent {
	if f, ok := x.fields[name]; ok {
		return declared(f.celType)
	}
	return x.part()
}

// steps of a walk over the whole value.
func (x *extent) steps() uint64 { return max(x.nodes, x.bytes/bytesPerStep) }

func plus(a, b uint64) uint64 {
	if sum, carry := bits.Add64(a, b, 0); carry == 0 {
		return sum
	}
	return math.MaxUint64
}

func times(a, b uint64) uint64 {
	if high, low := bits.Mul64(a, b); high == 0 {
		return low
	}
	return math.MaxUint64
}
