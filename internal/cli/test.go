// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"

	"behalf.dev/behalf/internal/offline"
)

// Test runs suites.
type Test struct {
	// Files are suites and folders that hold some.
	Files  []string
	Runner offline.Runner
	Output Format
	// Verbose has the text name the cases that passed too.
	Verbose bool
}

// Run gives the exit code: OK where all is as expected, No where something is not, Failed where something could not be run.
func (t Test) Run(ctx context.Context, s Streams) int {
	const unrun = "no test was run"
	suites, err := offline.ReadSuites(t.Files)
	if err != nil {
		return s.fail(unrun, err)
	}
	warnings, err := t.Runner.Prepare(ctx, suites)
	s.warn(warnings)
	if err != nil {
		return s.fail(unrun, err)
	}
	report := t.run(suites)
	if report.passed+report.failed == 0 {
		return s.fail(unrun, errors.New("no case has a name that --run matches"))
	}
	code := OK
	if report.failed > 0 {
		code = No
	}
	out, err := t.render(report, s.Color)
	return s.write(out, err, code)
}

// report is what became of all suites, by file.
type report struct {
	outcomes       []offline.Outcome
	passed, failed int
}

func (t Test) run(suites []*offline.Suite) report {
	var r report
	for _, suite := range suites {
		outcome := t.Runner.Run(suite)
		if len(outcome.Results) == 0 {
			continue
		}
		passed, failed := count(outcome)
		r.passed, r.failed = r.passed+passed, r.failed+failed
		if last := len(r.outcomes) - 1; last >= 0 && r.outcomes[last].File == outcome.File { // several suites in one file
			r.outcomes[last].Results = append(r.outcomes[last].Results, outcome.Results...)
		} else {
			r.outcomes = append(r.outcomes, outcome)
		}
	}
	return r
}

func count(outcome offline.Outcome) (passed, failed int) {
	for i := range outcome.Results {
		if outcome.Results[i].Passed() {
			passed++
		} else {
			failed++
		}
	}
	return passed, failed
}

func (t Test) render(r report, color bool) ([]byte, error) {
	switch t.Output {
	case Text:
		return r.text(palette(color), t.Verbose), nil
	case JUnit:
		return r.junit()
	case JSON, YAML:
	}
	return structured(t.Output, r.view())
}
