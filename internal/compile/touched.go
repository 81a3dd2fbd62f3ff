// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

// touched is what the next Compile has to look at.
type touched struct {
	// objects are to be read again, or are gone.
	objects records
	// servers are resource servers that claim or are in force with something else, perhaps.
	servers records
	// issuers says that who holds which URL is to be settled anew, on which the trust bundle rests.
	issuers bool
	// audiences are those whose bundles are to be made anew.
	audiences map[*audience]*touch
	// trust is to be made anew.
	trust bool
	// revocations says that some revoke something else than before.
	revocations bool
	// reports are to be made anew.
	reports records
}

// touch says what beside the bundle rests on what has become of an audience.
type touch struct {
	// standing says that another form is in force there, or none: everybody's report.
	standing bool
	// policies says that one that names it says something else: what is said of grants and of delegations.
	policies bool
	// onward says that a delegation that names it hands on something else: what is said of other delegations, which may hand
	// on to it.
	onward bool
}

func newTouched() touched {
	return touched{objects: records{}, servers: records{}, audiences: map[*audience]*touch{}, reports: records{}}
}

func (t *touched) audience(a *audience) *touch {
	if t.audiences[a] == nil {
		t.audiences[a] = &touch{}
	}
	return t.audiences[a]
}

func (t *touched) report(all []*record) {
	for _, r := range all {
		t.reports[r] = true
	}
}

// records are a set of them.
type records map[*record]bool

func (s records) set(r *record, in bool) {
	if in {
		s[r] = true
	} else {
		delete(s, r)
	}
}
