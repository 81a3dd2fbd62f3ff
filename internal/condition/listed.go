// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"slices"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// textList and anyList are lists of the request. CEL boxes every entry that it looks at while it looks for a text; these
// look where the texts lie. They are pointers, for a set of constants hashes what it is asked for.
type (
	textList struct {
		traits.Lister
		native []string
	}
	anyList struct {
		traits.Lister
		native []any
	}
)

// Contains looks for an entry.
func (l *textList) Contains(wanted ref.Val) ref.Val {
	text, ok := wanted.(types.String)
	return types.Bool(ok && slices.Contains(l.native, string(text)))
}

// Contains looks for an entry.
func (l *anyList) Contains(wanted ref.Val) ref.Val {
	text, ok := wanted.(types.String)
	if !ok {
		return l.Lister.Contains(wanted)
	}
	return types.Bool(slices.ContainsFunc(l.native, func(entry any) bool {
		other, ok := entry.(string)
		return ok && other == string(text)
	}))
}
