// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrNotCanonical says that a checked expression is not what Compile gives for its text.
var ErrNotCanonical = errors.New("the checked expression is not what its text gives here")

// Program is a condition ready to be evaluated, by any number of goroutines at once.
type Program struct {
	fact   fact
	cost   uint64
	reads  Parts
	places places
}

// Load makes an expression ready that came with its checked form. It trusts neither: it parses the text, checks it again,
// holds it to the same rules and limits as Compile and takes it only if that gives the checked form byte for byte. What is
// evaluated is what people read, and means here what it meant where it was compiled. A program that is in use already is
// given again.
func Load(expression string, checked []byte) (*Program, error) {
	from := originOf(expression, checked)
	if program := loaded.find(from); program != nil {
		return program, nil
	}
	program, err := load(expression, checked)
	if err != nil {
		return nil, fmt.Errorf("loading condition: %w", err)
	}
	loaded.keep(from, program)
	return program, nil
}

func load(expression string, checked []byte) (program *Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			program, err = nil, fmt.Errorf("panic: %v", r)
		}
	}()
	judged, err := newJudged(expression)
	if err != nil {
		return nil, err
	}
	again, err := encode(judged.tree)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(checked, again) {
		return nil, ErrNotCanonical
	}
	planned, err := judged.plan()
	if err != nil {
		return nil, err
	}
	return &Program{fact: planned, cost: judged.estimate.bill.total, reads: readsOf(judged.tree.NativeRep()), places: placesOf(judged.tree.NativeRep())}, nil
}

// Cost is the static estimate, as at Compile.
func (p *Program) Cost() uint64 { return p.cost }

// Reads are the parts of an Input that the program may read.
func (p *Program) Reads() Parts { return p.reads }

// Eval says whether the condition holds. What it reads must have passed Check. An error is an *Error about ErrEvaluating.
// Where there is one the bool is false and means nothing: whether an error counts as met is for the caller to say.
func (p *Program) Eval(in *Input) (held bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			held, err = false, p.stopped(r)
		}
	}()
	held, wrong := p.fact.holds(in)
	if wrong.kind != fine {
		return false, p.failed(wrong)
	}
	return held, nil
}

// stopped says what stopped an evaluation: the meter, with a fault, or a panic.
func (p *Program) stopped(reason any) error {
	if f, ok := reason.(fault); ok {
		return p.failed(f)
	}
	return p.failed(fault{kind: panicked})
}

func (p *Program) failed(f fault) error {
	failed := p.places.at(f.at).refuse(kinds[f.kind])
	if path := p.places.path(f.at); path != "" && (f.kind == noKey || f.kind == noField) {
		failed.Message += ": " + path
	}
	failed.during = ErrEvaluating
	return failed
}
