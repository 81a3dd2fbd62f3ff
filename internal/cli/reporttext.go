// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"fmt"
	"strings"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/offline"
)

// text tells a report to a person.
func (r report) text(p colors, verbose bool) []byte {
	var out bytes.Buffer
	for _, outcome := range r.outcomes {
		fileText(&out, outcome, p, verbose)
	}
	fmt.Fprintf(&out, "%d passed, %d failed\n", r.passed, r.failed)
	return out.Bytes()
}

func fileText(out *bytes.Buffer, outcome offline.Outcome, p colors, verbose bool) {
	passed, failed := count(outcome)
	if failed == 0 {
		fmt.Fprintf(out, "%sok%s    %s: %d passed\n", p.good, p.off, printable(outcome.File), passed)
	} else {
		fmt.Fprintf(out, "%sFAIL%s  %s: %d passed, %d failed\n", p.bad, p.off, printable(outcome.File), passed, failed)
	}
	for i := range outcome.Results {
		result := &outcome.Results[i]
		switch {
		case !result.Passed():
			fmt.Fprintf(out, "  %sFAIL%s  %s (line %d)\n", p.bad, p.off, printable(result.Name), result.Line)
			for line := range bytes.Lines(failure(result)) {
				fmt.Fprintf(out, "        %s", line)
			}
		case verbose:
			fmt.Fprintf(out, "  %sok%s    %s\n", p.good, p.off, printable(result.Name))
		}
	}
}

// failure tells what was wanted, what came, and why.
func failure(r *offline.Result) []byte {
	var out bytes.Buffer
	table := newTable(&out)
	row(table, "want", wanted(r.Want))
	row(table, "got", got(r.Got))
	switch {
	case r.Got.Message != "":
		row(table, "why", r.Got.Message)
	case r.Got.DryRun != nil:
		row(table, "why", r.Got.DryRun.Message)
	case r.Got.Allowed() && len(r.Got.Policies) > 0:
		row(table, "why", "permitted by "+named(r.Got.Policies))
	}
	for i, one := range r.Got.Obstacles() {
		if i > 0 { // the first is told above
			row(table, "also", string(one.Leg)+" "+string(one.Reason)+": "+one.Message)
		}
	}
	table.Flush() //nolint:errcheck // a buffer takes everything
	return out.Bytes()
}

func named(objects []authz.ObjectRef) string {
	names := make([]string, len(objects))
	for i, object := range objects {
		names[i] = object.String()
	}
	return strings.Join(names, " and ")
}

func wanted(want offline.Expectation) string {
	text := words(want.Outcome.String(), string(want.Leg), string(want.Reason))
	if want.DryRun != nil {
		text += words(", in a dry run of Deny", string(want.DryRun.Leg), string(want.DryRun.Reason))
	}
	return text
}

func got(d authz.Decision) string {
	text := words(d.Outcome.String(), string(d.Leg), string(d.Reason))
	if d.DryRun != nil {
		text += words(", in a dry run of Deny", string(d.DryRun.Leg), string(d.DryRun.Reason))
	}
	return text
}

func words(all ...string) string {
	return strings.TrimRight(strings.Join(all, " "), " ")
}
