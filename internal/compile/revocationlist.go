// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"behalf.dev/behalf/internal/bundle"
)

// listRevocations makes the revocation list, in the order of the objects' names. A few changes are made in a copy of it.
func (c *Compiler) listRevocations(d *Delta) {
	changed := c.touched.revocations
	if c.revocations != nil && len(changed) == 0 {
		return
	}
	list := &bundle.Revocations{Format: bundle.Format}
	if c.revocations == nil || len(changed) > few {
		list.Entries = c.allRevocations()
	} else {
		list.Entries = slices.Clone(c.revocations.Entries)
		for r := range changed {
			list.Entries = spliced(list.Entries, r)
		}
	}
	c.revocations, d.Revocations = list, list
}

func (c *Compiler) allRevocations() []bundle.Revocation {
	var entries []bundle.Revocation
	for _, r := range slices.SortedFunc(maps.Keys(c.revoking), compareRecords) {
		entries = append(entries, r.revocation.entries...)
	}
	return entries
}

// spliced has the entries of an object in the place of those that it had before.
func spliced(entries []bundle.Revocation, r *record) []bundle.Revocation {
	from, _ := slices.BinarySearchFunc(entries, r.key.Name, func(e bundle.Revocation, name string) int {
		return strings.Compare(e.Source.Name, name)
	})
	to := from
	for to < len(entries) && entries[to].Source.Name == r.key.Name {
		to++
	}
	if entries = slices.Replace(entries, from, to, r.revocation.listed()...); len(entries) == 0 {
		return nil // as for a list that never had any
	}
	return entries
}

// revoke takes a revocation into the list or out of it; one that revokes nothing stays outside.
func (c *Compiler) revoke(r *record, before *revocation) {
	if reflect.DeepEqual(before.listed(), r.revocation.listed()) {
		return
	}
	c.touched.revocations[r] = true
	c.revoking.set(r, len(r.revocation.listed()) > 0)
}

// listed are the entries of a revocation that is there.
func (r *revocation) listed() []bundle.Revocation {
	if r == nil {
		return nil
	}
	return r.entries
}
