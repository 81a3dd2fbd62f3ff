// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import "github.com/google/cel-go/common/types"

// fact is a part of a condition that holds or does not hold. Facts give what CEL gives, errors included, and allocate
// nothing; whatever they cannot say is a leaf, which CEL runs.
type fact interface {
	// holds gives false where there is a fault.
	holds(in *Input) (bool, fault)
}

// certain is a constant.
type certain bool

func (c certain) holds(*Input) (bool, fault) { return bool(c), fault{} }

// every holds if all do. One that does not hold settles it, even after one that has a fault.
type every []fact

func (all every) holds(in *Input) (bool, fault) {
	var first fault
	for _, f := range all {
		held, wrong := f.holds(in)
		if wrong.kind != fine {
			first = first.or(wrong)
		} else if !held {
			return false, fault{}
		}
	}
	return first.kind == fine, first
}

// some holds if one does, even after one that has a fault.
type some []fact

func (one some) holds(in *Input) (bool, fault) {
	var first fault
	for _, f := range one {
		held, wrong := f.holds(in)
		if held {
			return true, fault{}
		}
		first = first.or(wrong)
	}
	return false, first
}

// or is the first fault of two.
func (f fault) or(later fault) fault {
	if f.kind != fine {
		return f
	}
	return later
}

type not struct{ fact }

func (n not) holds(in *Input) (bool, fault) {
	held, wrong := n.fact.holds(in)
	return !held && wrong.kind == fine, wrong
}

// choice looks at one of two.
type choice struct{ question, yes, no fact }

func (c choice) holds(in *Input) (bool, fault) {
	held, wrong := c.question.holds(in)
	switch {
	case wrong.kind != fine:
		return false, wrong
	case held:
		return c.yes.holds(in)
	default:
		return c.no.holds(in)
	}
}

// truth is a value of the request that should be a bool.
type truth struct {
	reader reader
	at     int32
}

func (t truth) holds(in *Input) (bool, fault) {
	d, wrong := t.reader.read(in)
	if wrong.kind != fine {
		return false, wrong
	}
	held, ok := d.other.(bool)
	if !ok {
		return false, fault{wrongType, t.at}
	}
	return held, fault{}
}

// same compares for equality; values of different types are unequal.
type same struct {
	a, b  reader
	words types.Adapter
}

func (s *same) holds(in *Input) (bool, fault) {
	a, wrong := s.a.read(in)
	if wrong.kind != fine {
		return false, wrong
	}
	b, wrong := s.b.read(in)
	if wrong.kind != fine {
		return false, wrong
	}
	return equal(a, b, s.words), fault{}
}
