// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"iter"
	"slices"

	"behalf.dev/behalf/internal/authz"
)

// access says who may see content and since when, and who no longer may. Moments are positions in the ledger. It does not
// change.
type access map[authz.Actor]term

// term is how long an account could see something: from since on, and before until; 0 is no end.
type term struct{ since, until uint64 }

func (t term) open() bool { return t.until == 0 }

// next is the access from now on, when these accounts are named. It is the same map where nothing changes.
func (a access) next(named []authz.Actor, now uint64) access {
	if a.names(named) {
		return a
	}
	next := make(access, len(named))
	for account, t := range a {
		if t.open() && !slices.Contains(named, account) {
			t.until = now
		}
		next[account] = t
	}
	for _, account := range named {
		if t, known := next[account]; !known || !t.open() {
			next[account] = term{since: now}
		}
	}
	return next
}

// opened gives the accounts that may see it.
func (a access) opened() iter.Seq[authz.Actor] {
	return func(yield func(authz.Actor) bool) {
		for account, t := range a {
			if t.open() && !yield(account) {
				return
			}
		}
	}
}

// names says whether exactly these accounts may see it.
func (a access) names(named []authz.Actor) bool {
	open := 0
	for range a.opened() {
		open++
	}
	for _, account := range named {
		if t, known := a[account]; !known || !t.open() {
			return false
		}
	}
	return open == len(named)
}

// without forgets who lost access before the given moment.
func (a access) without(before uint64) access {
	next := make(access, len(a))
	for account, t := range a {
		if t.open() || t.until > before {
			next[account] = t
		}
	}
	return next
}

// unique sorts accounts and drops doubles.
func unique(accounts []authz.Actor) []authz.Actor {
	sorted := slices.Clone(accounts)
	slices.SortFunc(sorted, compareAccounts)
	return slices.Compact(sorted)
}
