// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

// Units of cost. One is some tens of ns: a field, a comparison of two numbers, a sum.
const (
	// bytesPerStep are compared in about the time in which a walk takes a step, which is a unit.
	bytesPerStep = 1024
	// bytesPerScan are gone through one by one in a unit.
	bytesPerScan = 10
	// bytesPerSearch are searched in a unit, for a text that is fixed.
	bytesPerSearch = 16
	// parsing a text that is no address, URL, number or instant gives an error, which quotes it.
	bytesPerParse, parsing = 2, 8
	// numeral is how long a number or an instant is as a text.
	numeral = 64
)

// price bounds what a function costs and what it gives, by the extents of what it is given. It never falls as they grow:
// so what Compile works out from the bounds of a request is never below what the same price comes to on a request.
type price struct {
	// base is what it costs however large things are.
	base uint64
	// more is what it costs beyond that; nil for nothing.
	more func(of []extent) uint64
	// gives bounds the result; nil for a number, an instant or a bool.
	gives func(of []*extent) *extent
}

// result bounds what the function gives.
func (p *price) result(of []*extent) *extent {
	if p.gives == nil {
		return scalar(0)
	}
	return p.gives(of)
}

// surcharge is what the function costs beyond its base.
func (p *price) surcharge(of []extent) uint64 {
	if p.more == nil {
		return 0
	}
	return p.more(of)
}

// or is the price of a function that is one of two, as the types at run time have it.
func (p *price) or(q *price) *price {
	if p == nil {
		return q
	}
	both := &price{base: max(p.base, q.base)}
	if p.more != nil || q.more != nil {
		both.more = func(of []extent) uint64 { return max(p.surcharge(of), q.surcharge(of)) }
	}
	if p.gives != nil || q.gives != nil {
		both.gives = func(of []*extent) *extent { return either(p.result(of), q.result(of)) }
	}
	return both
}

// costing charges so much however large things are.
func costing(base uint64) *price { return &price{base: base} }

func (p *price) giving(gives func(of []*extent) *extent) *price {
	return &price{p.base, p.more, gives}
}

// scanning goes through the texts one by one.
func scanning(bytesPerUnit uint64) *price {
	return &price{base: 1, more: func(of []extent) uint64 {
		var length uint64
		for _, operand := range of {
			length = plus(length, operand.text)
		}
		return length / bytesPerUnit
	}}
}

// parsed reads a text as something else.
func parsed(bytesPerUnit uint64) *price {
	p := scanning(bytesPerUnit)
	p.base = parsing
	return p
}

// The results that functions give.
var (
	itself    = func(of []*extent) *extent { return of[0] }
	someText  = func(of []*extent) *extent { return scalar(of[0].text) }
	anEntry   = func(of []*extent) *extent { return of[0].part() }
	aNumeral  = func([]*extent) *extent { return scalar(numeral) }
	oneOfBoth = func(of []*extent) *extent { return either(of[0], of[1]) }

	perhapsItself  = func(of []*extent) *extent { return wrapped(of[0]) }
	perhapsAnEntry = func(of []*extent) *extent { return wrapped(of[0].part()) }
)

// pairwise bounds the steps of comparing: at most all of a, so often, and at most all of b, so often.
func pairwise(a extent, often uint64, b extent, oftenB uint64) uint64 {
	nodes := min(times(a.nodes, often), times(b.nodes, oftenB))
	return max(nodes, min(times(a.bytes, often), times(b.bytes, oftenB))/bytesPerStep)
}

// compared is the price of comparing two values whole.
var compared = &price{base: 1, more: func(of []extent) uint64 { return pairwise(of[0], 1, of[1], 1) }}

// ranked is the price of comparing two values for order: only texts have a length that matters.
var ranked = &price{base: 1, more: func(of []extent) uint64 { return min(of[0].text, of[1].text) / bytesPerStep }}

// sought is the price of looking for a value in a list.
var sought = &price{base: 1, more: func(of []extent) uint64 {
	return max(of[1].entries, pairwise(of[0], of[1].entries, of[1], 1))
}}

// lookedUp is the price of looking for a value among the keys of a map.
var lookedUp = &price{base: 1, more: func(of []extent) uint64 { return of[0].text / bytesPerStep }}

// indexed is the same for a list that comes first.
var indexed = &price{base: 1, more: func(of []extent) uint64 {
	return max(of[0].entries, pairwise(of[1], of[0].entries, of[0], 1))
}}

// matched is the price of comparing each of one list with each of another, so often.
func matched(often uint64) *price {
	return &price{base: 1, more: func(of []extent) uint64 {
		a, b := of[0], of[1]
		return times(often, max(times(a.entries, b.entries), pairwise(a, b.entries, b, a.entries)))
	}}
}

// gone is the price of going through a list once.
var gone = &price{base: 1, more: func(of []extent) uint64 { return plus(of[0].entries, of[0].bytes/bytesPerStep) }}

// matching is the price of a regular expression: a quarter unit for every instruction over every byte.
func matching(instructions uint64) *price {
	return &price{base: 1, more: func(of []extent) uint64 { return times(of[0].text+1, 1+instructions/4) }}
}
