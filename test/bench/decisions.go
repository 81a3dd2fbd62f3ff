// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"behalf.dev/behalf/test/bench/measure"
	"behalf.dev/behalf/test/estate"
	"behalf.dev/behalf/test/report"
)

// decision is what one kind of request cost each contender, over one estate.
type decision struct {
	kind  string
	costs []measure.Result
}

func (d decision) cpu(contender int) float64 { return float64(d.costs[contender].CPU) }

// decide measures every kind of request over one estate, all contenders taking turns.
func decide(ctx context.Context, size estate.Size, plan measure.Plan) ([]decision, error) {
	cases, err := contenders(ctx, estate.New(size))
	if err != nil {
		return nil, fmt.Errorf("an estate of %+v: %w", size, err)
	}
	results := plan.Run(cases)
	rows := make([]decision, len(kinds))
	for i, k := range kinds {
		rows[i] = decision{k.name, results[i*count : (i+1)*count]}
	}
	return rows, nil
}

// estates are those over which all contenders decide, and by what name.
var estates = []struct {
	name string
	size estate.Size
}{
	{"100 delegations, no conditions", estate.Of(100, 0)},
	{"100 delegations, a condition each", estate.Of(100, 100)},
	{"10,000 delegations, no conditions", estate.Of(10_000, 0)},
	{"10,000 delegations, a condition each", estate.Of(10_000, 100)},
	{"100,000 delegations, no conditions", estate.Of(100_000, 0)},
	{"100,000 delegations, a condition each", estate.Of(100_000, 100)},
	{"10,000 delegations, a condition that reckons with times each", arithmetic()},
}

func arithmetic() estate.Size {
	size := estate.Of(10_000, 100)
	size.Arithmetic = true
	return size
}

// decisions measures them all, and what the issue asks of them.
func decisions(ctx context.Context, r *report.Report, p plans) error {
	r.Heading("One decision")
	measured := make([][]decision, len(estates))
	for i, e := range estates {
		rows, err := decide(ctx, e.size, p.fine)
		if err != nil {
			return err
		}
		measured[i] = rows
		decisionTable(r, e.name, rows)
	}
	growth(r, measured)
	plain, conditional := measured[2], measured[3]
	r.AtMost("without a condition, processor time over the floor's", 3, plain[0].cpu(behalf)/plain[0].cpu(floor), "×")
	r.AtMost("without a condition, allocations", 0, plain[0].costs[behalf].Allocs, "")
	r.AtMost("with a condition and a chain of two, over the floor's", 6, conditional[1].cpu(behalf)/conditional[1].cpu(floor), "×")
	r.AtMost("100,000 delegations over 100, without a condition", 1.6, measured[4][0].cpu(behalf)/measured[0][0].cpu(behalf), "×")
	r.AtMost("100,000 delegations over 100, with a condition", 1.6, measured[5][0].cpu(behalf)/measured[1][0].cpu(behalf), "×")
	r.AtLeast("OPA over Behalf, 10,000 rules with a condition", 30, conditional[0].cpu(opaEngine)/conditional[0].cpu(behalf), "×")
	r.AtLeast("cedar-go over Behalf, 10,000 rules with a condition", 4, conditional[0].cpu(cedarEngine)/conditional[0].cpu(behalf), "×")
	return nil
}

// growth is what a hundred thousand delegations cost over a hundred.
func growth(r *report.Report, measured [][]decision) {
	r.Printf("\n100,000 delegations over 100:\n\n")
	var lines [][]string
	for i, k := range kinds {
		line := []string{k.name}
		for contender := range count {
			for _, conditions := range []int{0, 1} {
				line = append(line, report.Ratio(measured[4+conditions][i].cpu(contender), measured[conditions][i].cpu(contender)))
			}
		}
		lines = append(lines, line)
	}
	r.Table([]string{
		"request", "floor", "with a condition", "Behalf", "with a condition", "OPA", "with a condition", "cedar-go", "with a condition",
	}, lines)
}

func decisionTable(r *report.Report, name string, rows []decision) {
	r.Printf("\n%s:\n\n", name)
	var lines [][]string
	for _, row := range rows {
		f, b, o, c := row.costs[floor], row.costs[behalf], row.costs[opaEngine], row.costs[cedarEngine]
		lines = append(lines, []string{
			row.kind, report.Took(f.CPU), report.Took(b.CPU), fmt.Sprintf("%.0f", b.Allocs), report.Ratio(row.cpu(behalf), row.cpu(floor)),
			report.Took(o.CPU), fmt.Sprintf("%.0f", o.Allocs), report.Ratio(row.cpu(opaEngine), row.cpu(behalf)),
			report.Took(c.CPU), fmt.Sprintf("%.0f", c.Allocs), report.Ratio(row.cpu(cedarEngine), row.cpu(behalf)),
		})
	}
	r.Table([]string{
		"request", "floor", "Behalf", "allocations", "Behalf / floor", "OPA", "allocations", "OPA / Behalf", "cedar-go", "allocations", "cedar-go / Behalf",
	}, lines)
}
