// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "strings"

// verdicts says of each line that must be reached whether it was.
func (r *report) verdicts() {
	r.heading("What must be reached")
	var rows [][]string
	for _, l := range r.reached {
		bound, verdict := "at most ", "holds"
		if l.atLeast {
			bound = "at least "
		}
		if !l.holds() {
			verdict = "**falls short**"
		}
		rows = append(rows, []string{l.demand, strings.TrimSpace(bound + number(l.limit) + " " + l.unit), strings.TrimSpace(number(l.figure) + " " + l.unit), verdict})
	}
	r.table([]string{"figure", "bound", "measured", ""}, rows)
}
