// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// The functions on lists that Kubernetes has, by its names: isSorted, sum, min, max, indexOf, lastIndexOf, includes. Those
// of Kubernetes ignore entries that cannot be compared with one another; here they err.

var (
	comparableTypes = []*cel.Type{
		cel.IntType, cel.UintType, cel.DoubleType, cel.BoolType, cel.DurationType, cel.TimestampType, cel.StringType,
	}
	summableTypes = []struct {
		celType *cel.Type
		zero    ref.Val
	}{
		{cel.IntType, types.Int(0)},
		{cel.UintType, types.Uint(0)},
		{cel.DoubleType, types.Double(0)},
		{cel.DurationType, types.Duration{}},
	}
)

func listLibrary() []cel.EnvOption {
	var sorted, sums, least, greatest []cel.FunctionOpt
	for _, t := range comparableTypes {
		list, name := []*cel.Type{cel.ListType(t)}, t.TypeName()
		sorted = append(sorted, cel.MemberOverload(fmt.Sprintf("list_%s_is_sorted_bool", name), list, cel.BoolType, cel.UnaryBinding(isSorted)))
		least = append(least, cel.MemberOverload(fmt.Sprintf("list_%s_min_%s", name, name), list, t, cel.UnaryBinding(outermost("min", -1))))
		greatest = append(greatest, cel.MemberOverload(fmt.Sprintf("list_%s_max_%s", name, name), list, t, cel.UnaryBinding(outermost("max", 1))))
	}
	for _, s := range summableTypes {
		list, name := []*cel.Type{cel.ListType(s.celType)}, s.celType.TypeName()
		sums = append(sums, cel.MemberOverload(fmt.Sprintf("list_%s_sum_%s", name, name), list, s.celType, cel.UnaryBinding(sumFrom(s.zero))))
	}
	entry := cel.TypeParamType("A")
	looked := []*cel.Type{cel.ListType(entry), entry}
	return []cel.EnvOption{
		cel.Function("isSorted", sorted...), cel.Function("sum", sums...), cel.Function("min", least...), cel.Function("max", greatest...),
		cel.Function("indexOf", cel.MemberOverload("list_a_index_of_int", looked, cel.IntType, cel.BinaryBinding(firstPlace))),
		cel.Function("lastIndexOf", cel.MemberOverload("list_a_last_index_of_int", looked, cel.IntType, cel.BinaryBinding(lastPlace))),
		cel.Function("includes", cel.MemberOverload("list_includes_dyn_dyn", []*cel.Type{cel.DynType, cel.DynType}, cel.BoolType, cel.BinaryBinding(includes))),
	}
}

var listFunctions = listPrices()

func listPrices() map[string]*price {
	prices := map[string]*price{}
	for _, t := range comparableTypes {
		name := t.TypeName()
		prices[fmt.Sprintf("list_%s_is_sorted_bool", name)] = gone
		prices[fmt.Sprintf("list_%s_min_%s", name, name)] = gone.giving(anEntry)
		prices[fmt.Sprintf("list_%s_max_%s", name, name)] = gone.giving(anEntry)
	}
	for _, s := range summableTypes {
		name := s.celType.TypeName()
		prices[fmt.Sprintf("list_%s_sum_%s", name, name)] = gone
	}
	return prices
}

// through goes through a list until visit gives a value, which is then the result.
func through(list ref.Val, visit func(entry ref.Val) ref.Val) ref.Val {
	iterable, ok := list.(traits.Iterable)
	if !ok {
		return types.MaybeNoSuchOverloadErr(list)
	}
	for it := iterable.Iterator(); it.HasNext() == types.True; {
		if result := visit(it.Next()); result != nil {
			return result
		}
	}
	return nil
}

// compareEntries gives an error for what cannot be compared.
func compareEntries(a, b ref.Val) (types.Int, ref.Val) {
	comparer, ok := a.(traits.Comparer)
	if !ok {
		return 0, types.MaybeNoSuchOverloadErr(a)
	}
	result := comparer.Compare(b)
	order, ok := result.(types.Int)
	if !ok {
		return 0, types.MaybeNoSuchOverloadErr(result)
	}
	return order, nil
}

func isSorted(list ref.Val) ref.Val {
	var previous ref.Val
	result := through(list, func(entry ref.Val) ref.Val {
		if previous == nil {
			previous = entry
			return nil
		}
		order, err := compareEntries(previous, entry)
		previous = entry
		if err == nil && order > 0 {
			return types.False
		}
		return err
	})
	if result == nil {
		return types.True
	}
	return result
}

// outermost finds the entry that all others are on the other side of.
func outermost(function string, side types.Int) func(ref.Val) ref.Val {
	return func(list ref.Val) ref.Val {
		var best ref.Val
		result := through(list, func(entry ref.Val) ref.Val {
			if best == nil {
				best = entry
				return nil
			}
			order, err := compareEntries(entry, best)
			if err == nil && order == side {
				best = entry
			}
			return err
		})
		switch {
		case result != nil:
			return result
		case best == nil:
			return types.NewErr("%s of an empty list", function)
		default:
			return best
		}
	}
}

func sumFrom(zero ref.Val) func(ref.Val) ref.Val {
	return func(list ref.Val) ref.Val {
		total := zero
		result := through(list, func(entry ref.Val) ref.Val {
			if adder, ok := total.(traits.Adder); ok {
				total = adder.Add(entry)
			}
			if types.IsError(total) {
				return total
			}
			return nil
		})
		if result != nil {
			return result
		}
		return total
	}
}

func firstPlace(list, wanted ref.Val) ref.Val {
	place, found := types.Int(0), types.Int(-1)
	result := through(list, func(entry ref.Val) ref.Val {
		if types.Equal(entry, wanted) == types.True {
			found = place
			return found
		}
		place++
		return nil
	})
	if types.IsError(result) {
		return result
	}
	return found
}

func lastPlace(list, wanted ref.Val) ref.Val {
	place, found := types.Int(0), types.Int(-1)
	result := through(list, func(entry ref.Val) ref.Val {
		if types.Equal(entry, wanted) == types.True {
			found = place
		}
		place++
		return nil
	})
	if types.IsError(result) {
		return result
	}
	return found
}

// includes asks for an entry of a list, or for what is no list: a token's audience may be either.
func includes(whole, wanted ref.Val) ref.Val {
	if list, ok := whole.(traits.Lister); ok {
		return types.Bool(firstPlace(list, wanted) != types.Int(-1))
	}
	return types.Bool(types.Equal(whole, wanted) == types.True)
}
