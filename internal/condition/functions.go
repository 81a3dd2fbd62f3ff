// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"
	"maps"
	"strings"

	"github.com/google/cel-go/common/overloads"
)

// functions lists the overloads that conditions may use, with their prices: total functions of their arguments, whose
// time and memory are bounded by the sizes of those. docs/adr/0012 has a reason for every function of CEL's and
// Kubernetes' libraries that is here or is not. Bytes stand here only where what a function is given is of any type.
var functions = priceList(
	priced(costing(1), logic),
	priced(compared, []string{overloads.Equals, overloads.NotEquals}),
	priced(ranked, comparison),
	priced(costing(1), arithmetic),
	priced(costing(2), instants),
	map[string]*price{overloads.AddString: joined},
	containers, texts, conversions, optionals, listFunctions, addresses, urlFunctions,
	priced(costing(1), mathFunctions),
	priced(gone, mathLists),
)

// priced gives one price to many.
func priced(p *price, list []string) map[string]*price {
	prices := map[string]*price{}
	for _, overload := range list {
		prices[overload] = p
	}
	return prices
}

func priceList(lists ...map[string]*price) map[string]*price {
	all := map[string]*price{}
	for _, list := range lists {
		maps.Copy(all, list)
	}
	return all
}

var (
	logic = []string{
		overloads.LogicalAnd, overloads.LogicalOr, overloads.LogicalNot, overloads.Conditional,
	}
	comparison = []string{
		overloads.LessBool, overloads.LessInt64, overloads.LessInt64Double, overloads.LessInt64Uint64,
		overloads.LessUint64, overloads.LessUint64Double, overloads.LessUint64Int64,
		overloads.LessDouble, overloads.LessDoubleInt64, overloads.LessDoubleUint64,
		overloads.LessString, overloads.LessBytes, overloads.LessTimestamp, overloads.LessDuration,
		overloads.LessEqualsBool, overloads.LessEqualsInt64, overloads.LessEqualsInt64Double, overloads.LessEqualsInt64Uint64,
		overloads.LessEqualsUint64, overloads.LessEqualsUint64Double, overloads.LessEqualsUint64Int64,
		overloads.LessEqualsDouble, overloads.LessEqualsDoubleInt64, overloads.LessEqualsDoubleUint64,
		overloads.LessEqualsString, overloads.LessEqualsBytes, overloads.LessEqualsTimestamp, overloads.LessEqualsDuration,
		overloads.GreaterBool, overloads.GreaterInt64, overloads.GreaterInt64Double, overloads.GreaterInt64Uint64,
		overloads.GreaterUint64, overloads.GreaterUint64Double, overloads.GreaterUint64Int64,
		overloads.GreaterDouble, overloads.GreaterDoubleInt64, overloads.GreaterDoubleUint64,
		overloads.GreaterString, overloads.GreaterBytes, overloads.GreaterTimestamp, overloads.GreaterDuration,
		overloads.GreaterEqualsBool, overloads.GreaterEqualsInt64, overloads.GreaterEqualsInt64Double, overloads.GreaterEqualsInt64Uint64,
		overloads.GreaterEqualsUint64, overloads.GreaterEqualsUint64Double, overloads.GreaterEqualsUint64Int64,
		overloads.GreaterEqualsDouble, overloads.GreaterEqualsDoubleInt64, overloads.GreaterEqualsDoubleUint64,
		overloads.GreaterEqualsString, overloads.GreaterEqualsBytes, overloads.GreaterEqualsTimestamp, overloads.GreaterEqualsDuration,
	}
	arithmetic = []string{
		overloads.AddInt64, overloads.AddUint64, overloads.AddDouble,
		overloads.AddTimestampDuration, overloads.AddDurationTimestamp, overloads.AddDurationDuration,
		overloads.SubtractInt64, overloads.SubtractUint64, overloads.SubtractDouble,
		overloads.SubtractTimestampTimestamp, overloads.SubtractTimestampDuration, overloads.SubtractDurationDuration,
		overloads.MultiplyInt64, overloads.MultiplyUint64, overloads.MultiplyDouble,
		overloads.DivideInt64, overloads.DivideUint64, overloads.DivideDouble,
		overloads.ModuloInt64, overloads.ModuloUint64, overloads.NegateInt64, overloads.NegateDouble,
	}
	instants = []string{
		overloads.TimestampToYear, overloads.TimestampToMonth, overloads.TimestampToDayOfYear,
		overloads.TimestampToDayOfMonthZeroBased, overloads.TimestampToDayOfMonthOneBased, overloads.TimestampToDayOfWeek,
		overloads.TimestampToHours, overloads.TimestampToMinutes, overloads.TimestampToSeconds, overloads.TimestampToMilliseconds,
		overloads.DurationToHours, overloads.DurationToMinutes, overloads.DurationToSeconds, overloads.DurationToMilliseconds,
	}
	mathFunctions = []string{
		"math_@min_double", "math_@min_int", "math_@min_uint", "math_@min_double_double", "math_@min_int_int", "math_@min_uint_uint",
		"math_@min_int_uint", "math_@min_int_double", "math_@min_double_int", "math_@min_double_uint", "math_@min_uint_int", "math_@min_uint_double",
		"math_@max_double", "math_@max_int", "math_@max_uint", "math_@max_double_double", "math_@max_int_int", "math_@max_uint_uint",
		"math_@max_int_uint", "math_@max_int_double", "math_@max_double_int", "math_@max_double_uint", "math_@max_uint_int", "math_@max_uint_double",
		"math_ceil_double", "math_floor_double", "math_round_double", "math_trunc_double",
		"math_isInf_double", "math_isNaN_double", "math_isFinite_double",
		"math_abs_double", "math_abs_int", "math_abs_uint", "math_sign_double", "math_sign_int", "math_sign_uint",
		"math_bitAnd_int_int", "math_bitAnd_uint_uint", "math_bitOr_int_int", "math_bitOr_uint_uint", "math_bitXor_int_int", "math_bitXor_uint_uint",
		"math_bitNot_int_int", "math_bitNot_uint_uint", "math_bitShiftLeft_int_int", "math_bitShiftLeft_uint_int",
		"math_bitShiftRight_int_int", "math_bitShiftRight_uint_int", "math_sqrt_double", "math_sqrt_int", "math_sqrt_uint",
	}
	mathLists = []string{
		"math_@min_list_double", "math_@min_list_int", "math_@min_list_uint", "math_@max_list_double", "math_@max_list_int", "math_@max_list_uint",
	}
)

var containers = map[string]*price{
	overloads.IndexList:          costing(1).giving(anEntry),
	overloads.IndexMap:           costing(1).giving(anEntry),
	overloads.InList:             sought,
	overloads.InMap:              lookedUp,
	overloads.SizeString:         scanning(bytesPerScan),
	overloads.SizeStringInst:     scanning(bytesPerScan),
	overloads.SizeBytes:          costing(1),
	overloads.SizeBytesInst:      costing(1),
	overloads.SizeList:           costing(1),
	overloads.SizeListInst:       costing(1),
	overloads.SizeMap:            costing(1),
	overloads.SizeMapInst:        costing(1),
	"list_sets_contains_list":    matched(1),
	"list_sets_intersects_list":  matched(1),
	"list_sets_equivalent_list":  matched(2),
	"list_distinct":              gathered(&price{base: 1, more: func(of []extent) uint64 { return matched(1).more([]extent{of[0], of[0]}) }}),
	"list_slice":                 gathered(gone),
	"list_flatten":               flattened,
	"list_a_index_of_int":        indexed,
	"list_a_last_index_of_int":   indexed,
	"list_includes_dyn_dyn":      {base: 2, more: func(of []extent) uint64 { return plus(indexed.more(of), compared.more(of)) }},
	"list_join":                  spliced,
	"list_join_string":           spliced,
	"string_find_all_string":     cut,
	"string_find_all_string_int": cut,
}

// gathered is a list of some entries of another.
func gathered(p *price) *price { return p.giving(itself) }

// flattened is a list of the entries of lists.
var flattened = &price{base: 1, more: func(of []extent) uint64 { return of[0].nodes }, gives: func(of []*extent) *extent {
	inner := either(of[0].each, of[0].part().each)
	return &extent{nodes: of[0].nodes, bytes: of[0].bytes, entries: of[0].nodes, each: inner}
}}

var texts = map[string]*price{
	overloads.ContainsString:           scanning(bytesPerSearch),
	overloads.StartsWithString:         scanning(bytesPerStep),
	overloads.EndsWithString:           scanning(bytesPerStep),
	overloads.Matches:                  costing(1), // and what its pattern costs
	overloads.MatchesString:            costing(1),
	"string_find_string":               costing(1).giving(someText),
	"string_char_at_int":               scanning(bytesPerScan).giving(aNumeral),
	"string_index_of_string":           located,
	"string_index_of_string_int":       located,
	"string_last_index_of_string":      located,
	"string_last_index_of_string_int":  located,
	"string_lower_ascii":               scanning(bytesPerScan).giving(someText),
	"string_upper_ascii":               scanning(bytesPerScan).giving(someText),
	"string_trim":                      scanning(bytesPerScan).giving(someText),
	"string_substring_int":             scanning(bytesPerScan).giving(someText),
	"string_substring_int_int":         scanning(bytesPerScan).giving(someText),
	"string_split_string":              cut,
	"string_split_string_int":          cut,
	"string_replace_string_string":     replaced,
	"string_replace_string_string_int": replaced,
}

var conversions = priceList(
	priced(costing(1), []string{
		overloads.IntToInt, overloads.UintToInt, overloads.DoubleToInt, overloads.TimestampToInt, overloads.DurationToInt,
		overloads.UintToUint, overloads.IntToUint, overloads.DoubleToUint, overloads.DoubleToDouble, overloads.IntToDouble, overloads.UintToDouble,
		overloads.BoolToBool, overloads.TimestampToTimestamp, overloads.IntToTimestamp, overloads.DurationToDuration,
	}),
	priced(parsed(bytesPerScan), []string{
		overloads.StringToInt, overloads.StringToUint, overloads.StringToDouble, overloads.StringToBool,
		overloads.StringToTimestamp, overloads.StringToDuration,
	}),
	priced(costing(4).giving(aNumeral), []string{
		overloads.BoolToString, overloads.IntToString, overloads.UintToString, overloads.DoubleToString,
		overloads.TimestampToString, overloads.DurationToString, "ip_to_string", "cidr_to_string",
	}),
	map[string]*price{
		overloads.ToDyn:          costing(1).giving(itself),
		overloads.StringToString: costing(1).giving(someText),
		overloads.BytesToString:  costing(1),
	},
)

var optionals = map[string]*price{
	"select_optional_field":                costing(1), // and what the field has, which the estimate knows
	"list_optindex_optional_int":           costing(1).giving(perhapsAnEntry),
	"optional_list_optindex_optional_int":  costing(1).giving(perhapsAnEntry),
	"map_optindex_optional_value":          costing(1).giving(perhapsAnEntry),
	"optional_map_optindex_optional_value": costing(1).giving(perhapsAnEntry),
	"optional_list_index_int":              costing(1).giving(anEntry),
	"optional_map_index_value":             costing(1).giving(anEntry),
	"optional_of":                          costing(1).giving(perhapsItself),
	"optional_none":                        costing(1),
	"optional_value":                       costing(1).giving(itself),
	"optional_hasValue":                    costing(1),
	"optional_or_optional":                 costing(1).giving(oneOfBoth),
	"optional_orValue_value":               costing(1).giving(oneOfBoth),
}

var addresses = priceList(
	priced(parsed(bytesPerParse), []string{
		"string_to_ip", "is_ip", "ip_is_canonical", "string_to_cidr", "is_cidr", "cidr_contains_ip_string", "cidr_contains_cidr_string",
	}),
	priced(costing(1), []string{
		"cidr_contains_cidr", "cidr_contains_ip_ip", "ip_family", "cidr_ip", "ip_is_global_unicast", "ip_is_link_local_multicast",
		"ip_is_link_local_unicast", "ip_is_loopback", "cidr_is_mask", "ip_is_unspecified", "cidr_masked", "cidr_prefix_length",
	}),
)

func notAllowed(function, overload string) string {
	if strings.HasSuffix(overload, "_tz") {
		return fmt.Sprintf("%s() with a time zone reads the machine's time zone database; conditions count in UTC", function)
	}
	if overload == overloads.AddList || overload == overloads.AddBytes {
		return "lists and bytes cannot be joined in conditions: ask about each of them; where numbers or texts are meant, say so with double() or string()"
	}
	return fmt.Sprintf("%s() cannot be used in conditions", function)
}
