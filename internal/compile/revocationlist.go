// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"reflect"
	"slices"
	"strings"

	"behalf.dev/behalf/internal/bundle"
)

// Revocations is the revocation list, in the order of the objects' names. It is written out when it is asked for, at the cost
// of its length, and is the same value for as long as no Delta says that it is another. Like Put, it may not be called
// beside anything else.
func (c *Compiler) Revocations() *bundle.Revocations {
	if len(c.unlisted) == 0 {
		return c.revocations
	}
	list := &bundle.Revocations{Format: bundle.Format}
	if len(c.unlisted) > few || len(c.revocations.Entries) == 0 {
		list.Entries = c.allRevocations()
	} else {
		list.Entries = slices.Clone(c.revocations.Entries)
		for name := range c.unlisted {
			list.Entries = spliced(list.Entries, name, c.revoking[name].listed())
		}
	}
	c.revocations = list
	clear(c.unlisted)
	return list
}

func (c *Compiler) allRevocations() []bundle.Revocation {
	var entries []bundle.Revocation
	for _, name := range sortedKeys(c.revoking, strings.Compare) {
		entries = append(entries, c.revoking[name].entries...)
	}
	return entries
}

// spliced has the entries of an object in the place of those that it had before.
func spliced(entries []bundle.Revocation, name string, now []bundle.Revocation) []bundle.Revocation {
	from, _ := slices.BinarySearchFunc(entries, name, func(e bundle.Revocation, name string) int {
		return strings.Compare(e.Source.Name, name)
	})
	to := from
	for to < len(entries) && entries[to].Source.Name == name {
		to++
	}
	if entries = slices.Replace(entries, from, to, now...); len(entries) == 0 {
		return nil // as for a list that never had any
	}
	return entries
}

// revoke takes a revocation into the list or out of it; one that revokes nothing stays outside.
func (c *Compiler) revoke(name string, before, now *revocation) {
	if reflect.DeepEqual(before.listed(), now.listed()) {
		return
	}
	c.touched.revocations = true
	c.unlisted[name] = true
	if len(now.listed()) > 0 {
		c.revoking[name] = now
	} else {
		delete(c.revoking, name)
	}
}

// listed are the entries of a revocation that is there.
func (r *revocation) listed() []bundle.Revocation {
	if r == nil {
		return nil
	}
	return r.entries
}
