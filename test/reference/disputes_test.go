// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"testing"
)

// disputes are the differences that are known, in which the text speaks for the model and the other side has not followed
// yet. A dispute that no longer comes up has to leave the table, so that it cannot hide another one.
var disputes = []struct {
	text    string
	applies func(comparison) bool
}{
	{
		"a decision rests on nothing that another request rested on (authz.Decision.Declarations: those beyond the chain are nil)",
		func(c comparison) bool { return len(c.got.Rests.Declarations) > len(c.want.Rests.Declarations) },
	},
}

// disputed is the index of the dispute that explains a difference; -1 where none does.
func (c comparison) disputed() int {
	for i, d := range disputes {
		if d.applies(c) {
			return i
		}
	}
	return -1
}

func assertStillDisputed(t *testing.T, counts *tally) {
	t.Helper()
	for i, d := range disputes {
		t.Logf("%8d  disputed: %s", counts.disputed[i], d.text)
		if counts.disputed[i] == 0 {
			t.Errorf("no longer disputed, so take it out of the table: %s", d.text)
		}
	}
}
