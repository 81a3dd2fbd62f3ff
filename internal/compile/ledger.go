// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

const acceptedMessage = "Compiled without errors."

// ledger keeps, while a World is compiled, what becomes of each object.
type ledger struct {
	problems []Problem
	bundles  map[Key][]string
}

// landed notes that an object is part of a bundle.
func (l *ledger) landed(bundle string, objects ...authz.ObjectRef) {
	for _, object := range objects {
		l.bundles[KeyOf(object)] = append(l.bundles[KeyOf(object)], bundle)
	}
}

// close sorts the problems; a ledger that is not closed gives no reports.
func (l *ledger) close() {
	slices.SortFunc(l.problems, compareProblems)
	l.problems = slices.Compact(l.problems)
}

// report is what became of one object.
func (l *ledger) report(object authz.ObjectRef, own []Problem) Report {
	r := Report{
		Object: object, Accepted: true, Reason: v1alpha1.ReasonAccepted, Message: acceptedMessage,
		Bundles: sortedNames(l.bundles[KeyOf(object)]),
	}
	for _, p := range own {
		if p.Severity == Error {
			r.Accepted, r.Reason, r.Message = false, p.Reason, p.Field+": "+p.Message
			break
		}
	}
	return r
}
