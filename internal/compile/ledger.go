// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

const acceptedMessage = "Compiled without errors."

// ledger gathers what becomes of one object.
type ledger struct {
	object   authz.ObjectRef
	problems []Problem
	bundles  []string
}

// openLedger begins with what is wrong with the object by itself.
func openLedger(f *findings) *ledger {
	return &ledger{object: f.object, problems: slices.Clone(f.problems)}
}

// problem notes what else is wrong.
func (l *ledger) problem(problems []Problem) { l.problems = append(l.problems, problems...) }

// landed notes that the object is part of a bundle.
func (l *ledger) landed(bundle string) { l.bundles = append(l.bundles, bundle) }

// close gives the report, and the problems in order.
func (l *ledger) close() (Report, []Problem) {
	slices.SortFunc(l.problems, compareProblems)
	l.problems = slices.Compact(l.problems)
	r := Report{
		Object: l.object, Accepted: true, Reason: v1alpha1.ReasonAccepted, Message: acceptedMessage,
		Bundles: sortedNames(l.bundles),
	}
	for _, p := range l.problems {
		if p.Severity == Error {
			r.Accepted, r.Reason, r.Message = false, p.Reason, p.Field+": "+p.Message
			break
		}
	}
	return r, l.problems
}
