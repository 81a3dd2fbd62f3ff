// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// datum is a value as it lies in the request or in the expression: a text, or anything else.
type datum struct {
	text   string
	isText bool
	// other is nil, a bool, a float64, a list or a map as JSON has them, or a number of the expression.
	other any
}

func datumOf(value any) datum {
	if text, ok := value.(string); ok {
		return datum{text: text, isText: true}
	}
	return datum{other: value}
}

// value is the datum as CEL has it.
func (d datum) value(words types.Adapter) ref.Val {
	if d.isText {
		return types.String(d.text)
	}
	return words.NativeToValue(d.other)
}

// equal is CEL's equality. What is not written out here is left to CEL.
func equal(a, b datum, words types.Adapter) bool {
	if a.isText || b.isText {
		return a.isText && b.isText && a.text == b.text
	}
	switch x := a.other.(type) {
	case bool:
		y, ok := b.other.(bool)
		return ok && x == y
	case float64:
		if y, ok := b.other.(float64); ok {
			return x == y
		}
		return types.Double(x).Equal(b.value(words)) == types.True
	}
	return types.Equal(a.value(words), b.value(words)) == types.True
}

// reader reads one side of a comparison.
type reader interface {
	read(in *Input) (datum, fault)
}

// constant stands in the expression.
type constant struct{ datum }

func (c *constant) read(*Input) (datum, fault) { return c.datum, fault{} }

// name is a text of the request.
type name struct {
	get func(*Input) string
	// required is one that is lacking where it is empty.
	required bool
	at       int32
}

func (n *name) read(in *Input) (datum, fault) {
	text := n.get(in)
	if text == "" && n.required {
		return datum{}, fault{noField, n.at}
	}
	return datum{text: text, isText: true}, fault{}
}

// plainNames are the variables that are a text.
var plainNames = map[string]func(*Input) string{
	"audience": func(in *Input) string { return in.Audience },
	"scope":    func(in *Input) string { return in.Scope },
}

func contextOf(in *Input) map[string]any { return in.Context }

// path leads into the claims, the properties or the context of the request.
type path struct {
	root func(*Input) map[string]any
	keys []key
}

// key is one step of it.
type key struct {
	name string
	at   int32
}

func (p *path) read(in *Input) (datum, fault) {
	value, wrong := p.follow(in)
	return datumOf(value), wrong
}

func (p *path) follow(in *Input) (any, fault) {
	entries := p.root(in)
	last := len(p.keys) - 1
	if last < 0 {
		return entries, fault{}
	}
	for i := range last {
		value, ok := entries[p.keys[i].name]
		if !ok {
			return nil, fault{noKey, p.keys[i].at}
		}
		if entries, ok = value.(map[string]any); !ok {
			return nil, p.keys[i+1].astray(value)
		}
	}
	value, ok := entries[p.keys[last].name]
	if !ok {
		return nil, fault{noKey, p.keys[last].at}
	}
	return value, fault{}
}

// astray is what comes of looking for a key in something that is no map.
func (k *key) astray(value any) fault {
	if _, ok := value.([]any); ok {
		return fault{wrongType, k.at}
	}
	return fault{noKey, k.at}
}
