// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// orders say which outcomes of a comparison an operator takes.
var orders = map[string]order{
	operators.Less:          {less: true},
	operators.LessEquals:    {less: true, equal: true},
	operators.Greater:       {greater: true},
	operators.GreaterEquals: {equal: true, greater: true},
}

type order struct{ less, equal, greater bool }

func (o order) takes(comparison int) bool {
	switch {
	case comparison < 0:
		return o.less
	case comparison > 0:
		return o.greater
	default:
		return o.equal
	}
}

// ordered compares for order; values of different types have none.
type ordered struct {
	a, b  reader
	takes order
	words types.Adapter
	at    int32
}

func (o *ordered) holds(in *Input) (bool, fault) {
	a, wrong := o.a.read(in)
	if wrong.kind != fine {
		return false, wrong
	}
	b, wrong := o.b.read(in)
	if wrong.kind != fine {
		return false, wrong
	}
	if a.isText && b.isText {
		return o.takes.takes(strings.Compare(a.text, b.text)), fault{}
	}
	return o.compare(a, b)
}

// compare leaves to CEL whatever is not two texts: numbers of one type and another, bools, and what cannot be compared.
func (o *ordered) compare(a, b datum) (bool, fault) {
	if x, ok := a.other.(float64); ok {
		return o.judge(types.Double(x).Compare(b.value(o.words)))
	}
	x, ok := a.value(o.words).(traits.Comparer)
	if !ok {
		return false, fault{wrongType, o.at}
	}
	return o.judge(x.Compare(b.value(o.words)))
}

func (o *ordered) judge(result ref.Val) (bool, fault) {
	order, ok := result.(types.Int)
	if !ok {
		return false, fault{kindOf(fmt.Sprint(result)), o.at}
	}
	return o.takes.takes(int(order)), fault{}
}

// among looks for a value in a constant list of texts.
type among struct {
	reader reader
	texts  []string
}

func (a *among) holds(in *Input) (bool, fault) {
	d, wrong := a.reader.read(in)
	return wrong.kind == fine && d.isText && slices.Contains(a.texts, d.text), wrong
}

// grouped looks for a value among the groups of the subject.
type grouped struct{ reader reader }

func (g *grouped) holds(in *Input) (bool, fault) {
	d, wrong := g.reader.read(in)
	return wrong.kind == fine && d.isText && slices.Contains(in.Subject.Groups, d.text), wrong
}

// within looks for a value in a list of the request, or among the keys of a map.
type within struct {
	reader reader
	path   *path
	words  types.Adapter
	at     int32
}

func (w *within) holds(in *Input) (bool, fault) {
	d, wrong := w.reader.read(in)
	if wrong.kind != fine {
		return false, wrong
	}
	value, wrong := w.path.follow(in)
	if wrong.kind != fine {
		return false, wrong
	}
	switch entries := value.(type) {
	case []any:
		return w.lists(entries, d), fault{}
	case map[string]any:
		_, ok := entries[d.text]
		return ok && d.isText, fault{}
	default:
		return false, fault{wrongType, w.at}
	}
}

func (w *within) lists(entries []any, wanted datum) bool {
	for _, entry := range entries {
		if equal(wanted, datumOf(entry), w.words) {
			return true
		}
	}
	return false
}

// partOf are the functions that look for one text in another.
var partOf = map[string]func(text, part string) bool{
	overloads.StartsWith: strings.HasPrefix,
	overloads.EndsWith:   strings.HasSuffix,
	overloads.Contains:   strings.Contains,
}

// parted asks whether a text has another in it.
type parted struct {
	whole, part reader
	has         func(text, part string) bool
	at          int32
}

func (p *parted) holds(in *Input) (bool, fault) {
	whole, wrong := p.whole.read(in)
	if wrong.kind != fine {
		return false, wrong
	}
	part, wrong := p.part.read(in)
	if wrong.kind != fine {
		return false, wrong
	}
	if !whole.isText || !part.isText {
		return false, fault{wrongType, p.at}
	}
	return p.has(whole.text, part.text), fault{}
}

// present asks whether a name is there.
type present struct{ get func(*Input) string }

func (p present) holds(in *Input) (bool, fault) { return p.get(in) != "", fault{} }

// keyed asks whether a map of the request has a key.
type keyed struct {
	path *path
	key  key
}

func (k *keyed) holds(in *Input) (bool, fault) {
	value, wrong := k.path.follow(in)
	if wrong.kind != fine {
		return false, wrong
	}
	entries, ok := value.(map[string]any)
	if !ok {
		return false, k.key.astray(value)
	}
	_, ok = entries[k.key.name]
	return ok, fault{}
}
