// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"slices"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// counter counts what an evaluation does, apart from any price: each step that is run, each pair of values that is
// compared, each entry that is gone through, and each KiB of text that a function is given or gives.
type counter struct {
	*dialect
	steps uint64
}

func (c *counter) decorate(whole interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	switch s := whole.(type) {
	case interpreter.InterpretableConst:
		return s, nil
	case interpreter.InterpretableAttribute:
		return &countedField{s, c}, nil
	case interpreter.InterpretableCall:
		run, err := c.runner(s)
		if err != nil || s.Function() == operators.NotStrictlyFalse || s.Function() == "or" || s.Function() == "orValue" {
			return c.counted(s), err
		}
		counted := &countedCall{s, c, run}
		return &step{s, counted.exec}, nil
	default:
		return c.counted(s), nil
	}
}

func (c *counter) counted(s interpreter.InterpretableV2) interpreter.InterpretableV2 {
	return &step{s, func(frame *interpreter.ExecutionFrame) ref.Val {
		c.steps++
		return s.Exec(frame)
	}}
}

type countedField struct {
	interpreter.InterpretableAttribute
	counter *counter
}

func (f *countedField) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	f.counter.steps++
	return f.InterpretableAttribute.Exec(frame)
}

func (f *countedField) Eval(a interpreter.Activation) ref.Val { return f.Exec(interpreter.AsFrame(a)) }

type countedCall struct {
	interpreter.InterpretableCall
	counter *counter
	run     func([]ref.Val) ref.Val
}

func (c *countedCall) exec(frame *interpreter.ExecutionFrame) ref.Val {
	args := make([]ref.Val, len(c.Args()))
	for i, arg := range c.Args() {
		args[i] = arg.Exec(frame)
		if types.IsUnknownOrError(args[i]) {
			return args[i]
		}
	}
	result := c.run(args)
	c.counter.steps += 1 + workOf(c.Function(), args)
	if reads[c.Function()] {
		c.counter.steps += kibOf(append(slices.Clone(args), result))
	}
	return result
}

// reads are functions that read all of a text, or write one.
var reads = map[string]bool{
	"contains": true, "lowerAscii": true, "upperAscii": true, "replace": true, "join": true, "split": true, "substring": true, "trim": true,
	"matches": true, "find": true, "findAll": true, "indexOf": true, "lastIndexOf": true, "size": true, operators.Add: true,
	"url": true, "isURL": true, "ip": true, "isIP": true, "cidr": true, "isCIDR": true, "int": true, "double": true, "timestamp": true, "duration": true,
}

func kibOf(values []ref.Val) uint64 {
	length := 0
	for _, value := range values {
		text, _ := value.(types.String)
		length += len(text)
	}
	return uint64(length) / 1024
}

func workOf(function string, args []ref.Val) uint64 {
	switch function {
	case operators.Equals, operators.NotEquals:
		return pairs(args[0], args[1])
	case operators.In:
		return search(args[1], args[0])
	case "indexOf", "lastIndexOf", "includes":
		return search(args[0], args[1])
	case "sets.contains":
		return searches(args[0], args[1])
	case "sets.intersects":
		return searches(args[1], args[0])
	case "sets.equivalent":
		return searches(args[0], args[1]) + searches(args[1], args[0])
	case "distinct":
		return searches(args[0], args[0]) / 2
	case "min", "max", "sum", "isSorted", "slice", "flatten", "join":
		return entries(args[0])
	default:
		return 0
	}
}

func entries(value ref.Val) uint64 {
	list, ok := value.(traits.Lister)
	if !ok {
		return 0
	}
	return uint64(list.Size().(types.Int))
}

// searches look in a list for each entry of another, and may find the last.
func searches(in, wanted ref.Val) uint64 {
	var work uint64
	if list, ok := wanted.(traits.Lister); ok {
		for it := list.Iterator(); it.HasNext() == types.True; {
			work += search(in, it.Next())
		}
	}
	return work
}

func search(in, wanted ref.Val) uint64 {
	var work uint64
	if list, ok := in.(traits.Lister); ok {
		for it := list.Iterator(); it.HasNext() == types.True; {
			entry := it.Next()
			work += pairs(entry, wanted)
			if types.Equal(entry, wanted) == types.True {
				break
			}
		}
	}
	return work
}

// pairs are those that types.Equal looks at.
func pairs(a, b ref.Val) uint64 {
	work := uint64(1)
	switch x := a.(type) {
	case traits.Mapper:
		y, ok := b.(traits.Mapper)
		if !ok || x.Size() != y.Size() {
			return work
		}
		for it := x.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			other, found := y.Find(key)
			if !found {
				return work
			}
			one := x.Get(key)
			work += pairs(one, other)
			if types.Equal(one, other) != types.True {
				return work
			}
		}
	case traits.Lister:
		y, ok := b.(traits.Lister)
		if !ok || x.Size() != y.Size() {
			return work
		}
		for i := types.Int(0); i < x.Size().(types.Int); i++ {
			work += pairs(x.Get(i), y.Get(i))
			if types.Equal(x.Get(i), y.Get(i)) != types.True {
				return work
			}
		}
	}
	return work
}
