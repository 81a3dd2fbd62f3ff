// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import "strings"

// line is something that must be reached, with what was.
type line struct {
	demand string
	// limit is what the figure may be at most; atLeast turns it round.
	limit   float64
	atLeast bool
	figure  float64
	unit    string
}

func (l line) holds() bool {
	if l.atLeast {
		return l.figure >= l.limit
	}
	return l.figure <= l.limit
}

// AtMost notes a figure that must not be more than the limit.
func (r *Report) AtMost(demand string, limit, figure float64, unit string) {
	r.reached = append(r.reached, line{demand: demand, limit: limit, figure: figure, unit: unit})
}

// AtLeast notes a figure that must not be less than the limit.
func (r *Report) AtLeast(demand string, limit, figure float64, unit string) {
	r.reached = append(r.reached, line{demand: demand, limit: limit, atLeast: true, figure: figure, unit: unit})
}

// Verdicts says of each line that must be reached whether it was.
func (r *Report) Verdicts() {
	r.Heading("What must be reached")
	var rows [][]string
	for _, l := range r.reached {
		bound, verdict := "at most ", "holds"
		if l.atLeast {
			bound = "at least "
		}
		if !l.holds() {
			verdict = "**falls short**"
		}
		rows = append(rows, []string{l.demand, strings.TrimSpace(bound + Number(l.limit) + " " + l.unit), strings.TrimSpace(Number(l.figure) + " " + l.unit), verdict})
	}
	r.Table([]string{"figure", "bound", "measured", ""}, rows)
}
