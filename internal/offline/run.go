// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/document"
	"behalf.dev/behalf/internal/manifest"
)

// Runner runs suites.
type Runner struct {
	// Now is the clock of cases that have none, neither their own nor their suite's.
	Now time.Time
	// Namespace is that of objects in manifests which name none; without it, such an object is an error.
	Namespace string
	// Only picks cases by their names; nil picks all.
	Only *regexp.Regexp

	worlds map[string]*World
}

// Outcome is what became of the cases of one suite that were picked.
type Outcome struct {
	File    string
	Results []Result
}

// Result is what became of one case.
type Result struct {
	Case
	// At is the time at which it was decided.
	At  time.Time
	Got authz.Decision
}

// ReadSuites finds the suites in files and folders: in a folder, in every file that holds one. The error joins everything
// that is wrong.
func ReadSuites(names []string) ([]*Suite, error) {
	files, err := manifest.Files(names)
	if err != nil {
		return nil, err
	}
	var suites []*Suite
	var errs []error
	for _, file := range files {
		found, err := suitesIn(file)
		suites, errs = append(suites, found...), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(suites) == 0 {
		return nil, fmt.Errorf("there is no %s in %s", manifest.KindDelegationTest, strings.Join(names, ", "))
	}
	return suites, nil
}

func suitesIn(file manifest.File) ([]*Suite, error) {
	documents, err := file.Documents(nil)
	if err != nil {
		return nil, err
	}
	var suites []*Suite
	var errs []error
	for _, d := range documents {
		is, err := IsSuite(d)
		switch {
		case err != nil:
			errs = append(errs, err)
		case is:
			suite, err := ReadSuite(d)
			if err == nil {
				suites = append(suites, suite)
			}
			errs = append(errs, err)
		case file.Named:
			errs = append(errs, d.Fault("kind", "is not that of a "+manifest.KindDelegationTest))
		}
	}
	if file.Named && len(documents) == 0 {
		errs = append(errs, &document.Fault{File: file.Name, Message: "holds no " + manifest.KindDelegationTest})
	}
	return suites, errors.Join(append(errs, namedTwice(suites))...)
}

// namedTwice errs where two suites of one file have a case of one name. Within a suite that was seen to.
func namedTwice(suites []*Suite) error {
	lines := map[string]int{}
	for _, suite := range suites {
		for _, c := range suite.Cases {
			if first, twice := lines[c.Name]; twice && first != c.Line {
				return &document.Fault{
					File: suite.File, Line: c.Line,
					Message: fmt.Sprintf("%q is the name of the case in line %d too; give each its own", c.Name, first),
				}
			}
			lines[c.Name] = c.Line
		}
	}
	return nil
}

// Prepare compiles what the suites decide by. The warnings are about manifests that are accepted; the error joins everything
// that is wrong.
func (r *Runner) Prepare(ctx context.Context, suites []*Suite) ([]*document.Fault, error) {
	r.worlds = map[string]*World{}
	var warnings []*document.Fault
	var errs []error
	for _, suite := range suites {
		key := worldKey(suite)
		if _, ready := r.worlds[key]; ready {
			continue
		}
		world, err := Load(ctx, manifest.Options{Files: suite.Manifests, Namespace: r.Namespace})
		r.worlds[key] = world
		if world != nil {
			warnings = append(warnings, world.Warnings...)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return warnings, errors.Join(errs...)
}

func worldKey(suite *Suite) string { return strings.Join(suite.Manifests, "\x00") }

// Load reads and compiles manifests.
func Load(ctx context.Context, options manifest.Options) (*World, error) {
	set, err := manifest.Read(ctx, options)
	if err != nil {
		return nil, err
	}
	return NewWorld(set)
}

// Run decides the cases that are picked. The suite's manifests must have been prepared.
func (r *Runner) Run(suite *Suite) Outcome {
	outcome := Outcome{File: suite.File}
	for _, c := range suite.Cases {
		if r.Only != nil && !r.Only.MatchString(c.Name) {
			continue
		}
		at := firstTime(c.Now, suite.Now, r.Now)
		outcome.Results = append(outcome.Results, Result{Case: c, At: at, Got: r.worlds[worldKey(suite)].Decide(c.Request, at)})
	}
	return outcome
}

func firstTime(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// Passed says whether the decision is as expected.
func (r *Result) Passed() bool {
	return r.Want.agrees(r.Got.Outcome, r.Got.Denial) && r.Want.agreesOnDryRun(r.Got.DryRun)
}

func (e Expectation) agrees(outcome authz.Outcome, denial authz.Denial) bool {
	return e.Outcome == outcome && (e.Leg == "" || e.Leg == denial.Leg) && (e.Reason == "" || e.Reason == denial.Reason)
}

// agreesOnDryRun: what only a dry run lets pass is expected to be said.
func (e Expectation) agreesOnDryRun(got *authz.Denial) bool {
	if e.DryRun == nil || got == nil {
		return e.DryRun == nil && got == nil
	}
	return e.DryRun.agrees(authz.Deny, *got)
}
