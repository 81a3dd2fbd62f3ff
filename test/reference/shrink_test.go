// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"reflect"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// shrink makes what target points to smaller for as long as fails says that the failure is still there: it takes entries out
// of lists and maps and clears fields, large parts first, until nothing more can go. Its result is a local minimum.
func shrink(target any, fails func() bool) {
	for shrinkValue(reflect.ValueOf(target).Elem(), fails) {
	}
}

// shrinkValue tries every way to make a value smaller, and says whether one of them was kept.
func shrinkValue(v reflect.Value, fails func() bool) bool {
	if v.IsZero() || !v.CanSet() || isKept(v) {
		return false
	}
	if !isObject(v) && tryValue(v, reflect.Zero(v.Type()), fails) {
		return true
	}
	switch v.Kind() {
	case reflect.Slice:
		return shrinkSlice(v, fails)
	case reflect.Map:
		return shrinkMap(v, fails)
	case reflect.Pointer:
		return shrinkPointer(v, fails)
	case reflect.Struct:
		return shrinkStruct(v, fails)
	default:
		return false
	}
}

// isObject says that a value is an object with a name, which must stay: no two may be called the same.
func isObject(v reflect.Value) bool {
	return v.Kind() == reflect.Struct && v.FieldByName("ObjectMeta").IsValid()
}

// isKept says of names, times and short texts that a reader is better off with them as they were.
func isKept(v reflect.Value) bool {
	isTime := v.Type() == reflect.TypeFor[metav1.ObjectMeta]() || v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeFor[metav1.Time]()
	return isTime || v.Kind() == reflect.String && v.Len() < 100
}

// tryValue keeps a value if the failure stays.
func tryValue(v, smaller reflect.Value, fails func() bool) bool {
	before := reflect.New(v.Type()).Elem()
	before.Set(v)
	v.Set(smaller)
	if fails() {
		return true
	}
	v.Set(before)
	return false
}

func shrinkSlice(v reflect.Value, fails func() bool) bool {
	kept := false
	for size := v.Len() / 2; size > 0; size /= 2 {
		for from := 0; from+size <= v.Len(); {
			if tryValue(v, without(v, from, size), fails) {
				kept = true
			} else {
				from += size
			}
		}
	}
	for i := range v.Len() {
		kept = shrinkEntry(v, i, fails) || kept
	}
	return kept
}

// shrinkEntry works on a copy of the list, which others may share.
func shrinkEntry(v reflect.Value, i int, fails func() bool) bool {
	v.Set(without(v, 0, 0))
	return shrinkValue(v.Index(i), fails)
}

// without is a copy of a list that lacks some entries.
func without(v reflect.Value, from, size int) reflect.Value {
	out := reflect.MakeSlice(v.Type(), 0, v.Len()-size)
	out = reflect.AppendSlice(out, v.Slice(0, from))
	return reflect.AppendSlice(out, v.Slice(from+size, v.Len()))
}

func shrinkMap(v reflect.Value, fails func() bool) bool {
	kept := false
	for _, key := range v.MapKeys() {
		smaller := reflect.MakeMap(v.Type())
		for _, other := range v.MapKeys() {
			if !other.Equal(key) {
				smaller.SetMapIndex(other, v.MapIndex(other))
			}
		}
		kept = tryValue(v, smaller, fails) || kept
	}
	return kept
}

func shrinkPointer(v reflect.Value, fails func() bool) bool {
	own := reflect.New(v.Type().Elem())
	own.Elem().Set(v.Elem())
	v.Set(own)
	return shrinkValue(v.Elem(), fails)
}

func shrinkStruct(v reflect.Value, fails func() bool) bool {
	kept := false
	for _, field := range v.Fields() {
		kept = shrinkValue(field, fails) || kept
	}
	return kept
}
