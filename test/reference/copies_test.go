// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"bytes"
	"reflect"
	"slices"

	"behalf.dev/behalf/test/reference"
)

// copyOf is a world that shares nothing that a law changes with the first.
func copyOf(w reference.World) reference.World {
	w.ResourceServers = copies(w.ResourceServers)
	w.Policies = copies(w.Policies)
	w.ServiceDelegations = copies(w.ServiceDelegations)
	w.Issuers = copies(w.Issuers)
	w.Grants = copies(w.Grants)
	w.Revocations = copies(w.Revocations)
	w.Namespaces = slices.Clone(w.Namespaces)
	return w
}

func copies[T any, P interface {
	*T
	DeepCopy() *T
}](list []T) []T {
	out := make([]T, len(list))
	for i := range list {
		out[i] = *P(&list[i]).DeepCopy()
	}
	return out
}

// shuffleAll shuffles every list of objects and every list within them.
func shuffleAll(c *chance, v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		swap := reflect.Swapper(v.Interface())
		c.Shuffle(v.Len(), swap)
		for i := range v.Len() {
			shuffleAll(c, v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			shuffleAll(c, v.Elem())
		}
	case reflect.Struct:
		if isKept(v) {
			return
		}
		for _, field := range v.Fields() {
			shuffleAll(c, field)
		}
	default:
	}
}

func sortBytes(list [][]byte) { slices.SortFunc(list, bytes.Compare) }
