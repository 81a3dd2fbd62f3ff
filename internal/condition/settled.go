// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// shared is an expression that no error arose in. CEL uses a few of its errors again and again, and writes into each the
// first expression that meets it: whichever that was, on whichever goroutine. Writing this there beforehand keeps it from
// doing so, and says that the place has yet to be found.
const shared = -1

func init() {
	types.LabelErrNode(shared, types.NoSuchOverloadErr())
	types.LabelErrNode(shared, types.Int(1<<62).ConvertToType(types.TimestampType))
}

// labelShared does the same for the library of numbers, whose error is to be had from its functions alone.
func labelShared(functions interpreter.Dispatcher) {
	if absolute, ok := functions.FindOverload("math_abs_int"); ok {
		types.LabelErrNode(shared, absolute.Unary(types.Int(math.MinInt64)))
	}
}

// settling is the last thing done to a step.
var settling = interpreter.CustomDecoratorV2(settle)

// settle makes a step say the same at every time: an error says where it arose, and a map comes in the order of its keys.
// It leaves fields alone: their values come from our own adapter, and their errors are labelled.
func settle(s interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	switch constant := s.(type) {
	case interpreter.InterpretableConst:
		if entries, ok := constant.Value().(traits.Mapper); ok {
			return interpreter.NewConstValue(s.ID(), inOrder(entries)), nil
		}
		return s, nil
	case interpreter.InterpretableAttribute:
		return s, nil
	}
	return &step{s, func(frame *interpreter.ExecutionFrame) ref.Val { return settled(s.ID(), s.Exec(frame)) }}, nil
}

func settled(id int64, value ref.Val) ref.Val {
	switch v := value.(type) {
	case *types.Err:
		if v.NodeID() == shared {
			return types.NewErrWithNodeID(id, "%s", v.Error())
		}
		return types.LabelErrNode(id, v)
	case traits.Mapper:
		return inOrder(v)
	default:
		return value
	}
}

// orderedMap is a map that is gone through by its keys in ascending order. Go's own order is another at every time, and
// makes of a map a list that is another at every time.
type orderedMap struct{ traits.Mapper }

func inOrder(entries traits.Mapper) traits.Mapper {
	if _, ok := entries.(orderedMap); ok {
		return entries
	}
	return orderedMap{entries}
}

// Iterator gives the keys.
func (m orderedMap) Iterator() traits.Iterator {
	var keys []ref.Val
	for it := m.Mapper.Iterator(); it.HasNext() == types.True; {
		keys = append(keys, it.Next())
	}
	slices.SortFunc(keys, compareKeys)
	return types.NewRefValList(types.DefaultTypeAdapter, keys).Iterator()
}

// compareKeys orders keys by their types and then by themselves.
func compareKeys(a, b ref.Val) int {
	switch x := a.(type) {
	case types.String:
		if y, ok := b.(types.String); ok {
			return cmp.Compare(x, y)
		}
	case types.Int:
		if y, ok := b.(types.Int); ok {
			return cmp.Compare(x, y)
		}
	case types.Uint:
		if y, ok := b.(types.Uint); ok {
			return cmp.Compare(x, y)
		}
	case types.Double:
		if y, ok := b.(types.Double); ok {
			return cmp.Compare(x, y)
		}
	case types.Bool:
		if y, ok := b.(types.Bool); ok && x != y {
			return map[types.Bool]int{false: -1, true: 1}[x]
		}
	}
	return strings.Compare(a.Type().TypeName(), b.Type().TypeName())
}
