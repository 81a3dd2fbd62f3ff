// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"fmt"
)

// Bounds of what a request may bring. The cost estimate of every expression rests on them, so they hold for all that an
// expression reads.
const (
	// MaxName is the largest id, name, group, audience or scope, in bytes.
	MaxName = 1024
	// MaxEntries is the largest list or map, the subject's groups among them.
	MaxEntries = 256
	// MaxText is the largest text within claims, properties and context, in bytes.
	MaxText = 32 << 10
	// MaxTotal is the largest sum of texts, keys and values within each of claims, properties and context, in bytes; a value
	// counts 16 beside its text.
	MaxTotal = 256 << 10
	perValue = 16
	// MaxChain is the longest chain that is looked at; the chain leg allows less.
	MaxChain = 64
	// MaxNesting is how deep lists and maps may lie within each other.
	MaxNesting = 16
)

// ErrOutOfBounds says that a request is larger than conditions may be asked about.
var ErrOutOfBounds = errors.New("the request is out of bounds")

// Check holds parts of the input to the bounds. Evaluating a program whose parts were not checked is bounded by nothing.
func (in *Input) Check(parts Parts) error {
	var err error
	if parts&Names != 0 {
		err = in.checkNames()
	}
	if parts&Groups != 0 && err == nil {
		err = in.checkGroups()
	}
	if parts&Chain != 0 && err == nil {
		err = in.checkChain()
	}
	if parts&Claims != 0 && err == nil {
		err = checkPart("subject.claims", in.Subject.Claims)
	}
	if parts&Properties != 0 && err == nil {
		err = checkPart("resource.properties", in.Resource.Properties)
	}
	if parts&Context != 0 && err == nil {
		err = checkPart("context", in.Context)
	}
	return err
}

func (in *Input) checkNames() error {
	s, r := in.Subject, in.Resource
	switch {
	case !isName(s.ID) || !isName(s.Issuer) || !isName(s.Username) || !isName(s.Session):
		return fmt.Errorf("%w: a name of the subject %w", ErrOutOfBounds, errName)
	case !isName(in.Audience) || !isName(in.Scope) || !isName(r.Type) || !isName(r.ID):
		return fmt.Errorf("%w: the audience, the scope or a name of the resource %w", ErrOutOfBounds, errName)
	default:
		return nil
	}
}

func (in *Input) checkGroups() error {
	if len(in.Subject.Groups) > MaxEntries {
		return fmt.Errorf("%w: the subject has %d groups, more than %d", ErrOutOfBounds, len(in.Subject.Groups), MaxEntries)
	}
	for _, group := range in.Subject.Groups {
		if !isName(group) {
			return fmt.Errorf("%w: a group of the subject %w", ErrOutOfBounds, errName)
		}
	}
	return nil
}

func (in *Input) checkChain() error {
	if len(in.Chain) > MaxChain {
		return fmt.Errorf("%w: the chain has %d actors, more than %d", ErrOutOfBounds, len(in.Chain), MaxChain)
	}
	for i := range in.Chain {
		if !isName(in.Chain[i].Namespace) || !isName(in.Chain[i].ServiceAccount) {
			return fmt.Errorf("%w: the name of an actor %w", ErrOutOfBounds, errName)
		}
	}
	return nil
}

func isName(name string) bool { return len(name) <= MaxName && valid(name) }

func checkPart(name string, entries map[string]any) error {
	if len(entries) == 0 {
		return nil
	}
	budget := MaxTotal
	if err := checkMap(entries, 1, &budget); err != nil {
		return fmt.Errorf("%w: %s %w", ErrOutOfBounds, name, err)
	}
	return nil
}

var (
	errName    = fmt.Errorf("is longer than %d bytes or not UTF-8", MaxName)
	errNested  = fmt.Errorf("is nested deeper than %d", MaxNesting)
	errEntries = fmt.Errorf("has a list or map with more than %d entries", MaxEntries)
	errText    = fmt.Errorf("has a text longer than %d bytes", MaxText)
	errTotal   = fmt.Errorf("has more than %d bytes", MaxTotal)
	errUTF8    = errors.New("has a text that is not UTF-8")
	errNotJSON = errors.New("has a value that is not of JSON")
)

func checkValue(value any, depth int, budget *int) error {
	*budget -= perValue
	if *budget < 0 {
		return errTotal
	}
	switch v := value.(type) {
	case nil, bool, float64:
		return nil
	case string:
		return checkText(v, budget)
	case []any:
		return checkList(v, depth, budget)
	case map[string]any:
		return checkMap(v, depth, budget)
	default:
		return errNotJSON
	}
}

func checkText(text string, budget *int) error {
	*budget -= len(text)
	if len(text) > MaxText {
		return errText
	}
	if *budget < 0 {
		return errTotal
	}
	if !valid(text) {
		return errUTF8
	}
	return nil
}

func checkList(list []any, depth int, budget *int) error {
	if depth > MaxNesting {
		return errNested
	}
	if len(list) > MaxEntries {
		return errEntries
	}
	for _, entry := range list {
		if err := checkValue(entry, depth+1, budget); err != nil {
			return err
		}
	}
	return nil
}

func checkMap(entries map[string]any, depth int, budget *int) error {
	if depth > MaxNesting {
		return errNested
	}
	if len(entries) > MaxEntries {
		return errEntries
	}
	for key, entry := range entries {
		if err := checkText(key, budget); err != nil {
			return err
		}
		if text, ok := entry.(string); ok && len(text) <= MaxText && isPlain(text) {
			*budget -= perValue + len(text) // what nearly all are, without two more calls
			continue
		}
		if err := checkValue(entry, depth+1, budget); err != nil {
			return err
		}
	}
	if *budget < 0 {
		return errTotal
	}
	return nil
}
