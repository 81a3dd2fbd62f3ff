// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/common/overloads"
)

// allowed lists the overloads that conditions may use: total functions of their arguments, whose result is at most as
// large as what went in and whose cost the estimator knows. Left out are those that read the time zone database of the
// machine, that multiply texts (replace, format, join), that join lists or bytes (a joined list is walked from its root at every step), and
// bytes, which stand here only where what a function is given is of any type.
var allowed = setOf(logic, comparison, arithmetic, containers, texts, instants, conversions, optionals)

var (
	logic = []string{
		overloads.Conditional, overloads.LogicalAnd, overloads.LogicalOr, overloads.LogicalNot, overloads.NotStrictlyFalse,
		overloads.Equals, overloads.NotEquals,
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
		overloads.AddInt64, overloads.AddUint64, overloads.AddDouble, overloads.AddString,
		overloads.AddTimestampDuration, overloads.AddDurationTimestamp, overloads.AddDurationDuration,
		overloads.SubtractInt64, overloads.SubtractUint64, overloads.SubtractDouble,
		overloads.SubtractTimestampTimestamp, overloads.SubtractTimestampDuration, overloads.SubtractDurationDuration,
		overloads.MultiplyInt64, overloads.MultiplyUint64, overloads.MultiplyDouble,
		overloads.DivideInt64, overloads.DivideUint64, overloads.DivideDouble,
		overloads.ModuloInt64, overloads.ModuloUint64, overloads.NegateInt64, overloads.NegateDouble,
	}
	containers = []string{
		overloads.IndexList, overloads.IndexMap, overloads.InList, overloads.InMap,
		overloads.SizeString, overloads.SizeStringInst, overloads.SizeList, overloads.SizeListInst,
		overloads.SizeMap, overloads.SizeMapInst, overloads.SizeBytes, overloads.SizeBytesInst,
		"list_sets_contains_list", "list_sets_equivalent_list", "list_sets_intersects_list",
	}
	texts = []string{
		overloads.ContainsString, overloads.StartsWithString, overloads.EndsWithString,
		overloads.Matches, overloads.MatchesString,
		"string_char_at_int", "string_index_of_string", "string_index_of_string_int",
		"string_last_index_of_string", "string_last_index_of_string_int",
		"string_lower_ascii", "string_upper_ascii", "string_trim",
		"string_split_string", "string_split_string_int", "string_substring_int", "string_substring_int_int",
	}
	instants = []string{
		overloads.TimestampToYear, overloads.TimestampToMonth, overloads.TimestampToDayOfYear,
		overloads.TimestampToDayOfMonthZeroBased, overloads.TimestampToDayOfMonthOneBased, overloads.TimestampToDayOfWeek,
		overloads.TimestampToHours, overloads.TimestampToMinutes, overloads.TimestampToSeconds, overloads.TimestampToMilliseconds,
		overloads.DurationToHours, overloads.DurationToMinutes, overloads.DurationToSeconds, overloads.DurationToMilliseconds,
	}
	conversions = []string{
		overloads.ToDyn,
		overloads.IntToInt, overloads.UintToInt, overloads.DoubleToInt, overloads.StringToInt, overloads.TimestampToInt, overloads.DurationToInt,
		overloads.UintToUint, overloads.IntToUint, overloads.DoubleToUint, overloads.StringToUint,
		overloads.DoubleToDouble, overloads.IntToDouble, overloads.UintToDouble, overloads.StringToDouble,
		overloads.BoolToBool, overloads.StringToBool,
		overloads.StringToString, overloads.BoolToString, overloads.IntToString, overloads.UintToString, overloads.DoubleToString,
		overloads.BytesToString, overloads.TimestampToString, overloads.DurationToString,
		overloads.TimestampToTimestamp, overloads.StringToTimestamp, overloads.IntToTimestamp,
		overloads.DurationToDuration, overloads.StringToDuration,
	}
	optionals = []string{
		"select_optional_field", "list_optindex_optional_int", "optional_list_optindex_optional_int",
		"map_optindex_optional_value", "optional_map_optindex_optional_value", "optional_list_index_int", "optional_map_index_value",
		"optional_of", "optional_none", "optional_value", "optional_hasValue", "optional_or_optional", "optional_orValue_value",
	}
)

func setOf(lists ...[]string) map[string]bool {
	set := map[string]bool{}
	for _, list := range lists {
		for _, overload := range list {
			set[overload] = true
		}
	}
	return set
}

func notAllowed(function, overload string) string {
	if strings.HasSuffix(overload, "_tz") {
		return fmt.Sprintf("%s() with a time zone reads the machine's time zone database; conditions count in UTC", function)
	}
	if overload == overloads.AddList || overload == overloads.AddBytes {
		return "lists and bytes cannot be joined in conditions: ask about each of them; where numbers or texts are meant, say so with double() or string()"
	}
	return fmt.Sprintf("%s() cannot be used in conditions", function)
}
