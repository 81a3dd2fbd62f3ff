// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// meter counts what one evaluation costs, and stops it where that is too much or takes too long. It counts by the same
// prices as the estimate, before each step is taken: a step that would be too dear is never begun.
type meter struct {
	in *Input
	// left of what it may cost.
	left uint64
	// until is when it has taken too long. The clock is looked at after so many charges.
	until   time.Time
	charges uint
	// measured is where the operands of a call are measured, one call at a time.
	measured [4]extent
}

const (
	// meterName is the variable that steps find the meter by. Nobody can write it.
	meterName = "@meter"
	// chargesPerLook is how many charges lie between two looks at the clock.
	chargesPerLook = 64
)

// stopwatch tells how long something has taken. What time it is the request says.
func stopwatch() time.Time { return time.Now() } //nolint:forbidigo // nothing is decided by it but that something took too long

// newMeter starts to count.
func newMeter(in *Input, most *limit) *meter {
	return &meter{in: in, left: most.cost, until: stopwatch().Add(most.time)}
}

// ResolveName gives a variable, or the meter itself.
func (m *meter) ResolveName(name string) (any, bool) {
	if name == meterName {
		return m, true
	}
	return (*activation)(m.in).ResolveName(name)
}

// Parent is nothing: there is no scope around the request.
func (m *meter) Parent() cel.Activation { return nil }

func meterOf(frame *interpreter.ExecutionFrame) *meter {
	found, _ := frame.ResolveName(meterName)
	return found.(*meter) //nolint:forcetypeassert,errcheck // without a meter there is no evaluation: the panic denies
}

// charge panics with a fault where it comes to too much; Eval recovers it. Errors would be swallowed by && and ||.
func (m *meter) charge(at int64, cost uint64) {
	if cost > m.left {
		panic(fault{overspent, int32(at)}) //nolint:gosec // CEL counts expressions from 1, and an expression is short
	}
	m.left -= cost
	m.charges++
	if m.charges%chargesPerLook == 0 && stopwatch().After(m.until) {
		panic(fault{overtime, int32(at)}) //nolint:gosec // as above
	}
}

// metering makes steps count themselves.
type metering struct {
	*dialect
	estimate *estimate
}

func (m metering) decorate(s interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	id := s.ID()
	if call, ok := s.(interpreter.InterpretableCall); ok && m.estimate.prices[id] != nil {
		run, err := m.runner(call)
		if err != nil {
			return nil, err
		}
		c := &meteredCall{call, m.estimate.prices[id], run}
		return &step{s, c.exec}, nil
	}
	if cost, ok := m.estimate.turns[id]; ok {
		return &step{s, func(frame *interpreter.ExecutionFrame) ref.Val {
			meterOf(frame).charge(id, cost)
			return s.Exec(frame)
		}}, nil
	}
	if m.estimate.ranges[id] {
		return &step{s, func(frame *interpreter.ExecutionFrame) ref.Val { return chargeOrder(frame, id, s.Exec(frame)) }}, nil
	}
	return s, nil
}

// chargeOrder charges for a map, which a loop goes over in the order of its keys.
func chargeOrder(frame *interpreter.ExecutionFrame, id int64, value ref.Val) ref.Val {
	if entries, ok := value.(traits.Mapper); ok {
		m := meterOf(frame)
		size := gauge(entries, m.left)
		m.charge(id, orderedCost(size.entries, size.bytes))
	}
	return value
}

// meteredCall is a call whose price depends on what it is given.
type meteredCall struct {
	interpreter.InterpretableCall
	price *price
	run   func(args []ref.Val) ref.Val
}

func (c *meteredCall) exec(frame *interpreter.ExecutionFrame) ref.Val {
	args := make([]ref.Val, len(c.Args()))
	for i, arg := range c.Args() {
		args[i] = arg.Exec(frame)
		if types.IsUnknownOrError(args[i]) {
			return args[i]
		}
	}
	m := meterOf(frame)
	for i, arg := range args {
		m.measured[i] = gauge(arg, m.left)
	}
	m.charge(c.ID(), c.price.more(m.measured[:len(args)]))
	return c.run(args)
}

// runner gives what a call does, as CEL's planner would.
func (d *dialect) runner(call interpreter.InterpretableCall) (func(args []ref.Val) ref.Val, error) {
	switch function := call.Function(); {
	case function == operators.Equals:
		return func(args []ref.Val) ref.Val { return types.Equal(args[0], args[1]) }, nil
	case function == operators.NotEquals:
		return func(args []ref.Val) ref.Val { return types.Bool(types.Equal(args[0], args[1]) != types.True) }, nil
	case runPattern[function] != nil:
		return compilePattern(call)
	}
	overload, ok := d.functions.FindOverload(call.OverloadID())
	if !ok {
		overload, _ = d.functions.FindOverload(call.Function())
	}
	return func(args []ref.Val) ref.Val {
		switch {
		case overload.OperandTrait != 0 && !args[0].Type().HasTrait(overload.OperandTrait):
			return types.NewErr("no such overload: %s", call.Function())
		case len(args) == 1 && overload.Unary != nil:
			return overload.Unary(args[0])
		case len(args) == 2 && overload.Binary != nil:
			return overload.Binary(args[0], args[1])
		default:
			return overload.Function(args...)
		}
	}, nil
}
