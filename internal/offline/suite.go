// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/document"
	"behalf.dev/behalf/internal/manifest"
)

// Suite is one DelegationTest.
type Suite struct {
	File string
	// Manifests are the files and folders to decide by, as they are found from where the program runs.
	Manifests []string
	// Now is the clock of cases without one of their own; zero where the suite has none.
	Now   time.Time
	Cases []Case
}

// Case is one request with the decision that it must get.
type Case struct {
	Name string
	Line int
	// Now is the case's own clock; zero where it has none.
	Now     time.Time
	Request *authz.Request
	Want    Expectation
}

// Expectation is what a decision must be. An empty leg or reason is not looked at.
type Expectation struct {
	Outcome authz.Outcome
	Leg     authz.Leg
	Reason  authz.Reason
	// DryRun is what only a dry run keeps from denying; nil for nothing.
	DryRun *Expectation
}

type suiteFile struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Manifests  []string      `json:"manifests"`
	Now        document.Time `json:"now"`
	Cases      []caseFile    `json:"cases"`
}

type caseFile struct {
	Name    string        `json:"name"`
	Now     document.Time `json:"now"`
	Request *requestFile  `json:"request"`
	Expect  *expectFile   `json:"expect"`
}

type expectFile struct {
	Decision string      `json:"decision"`
	Leg      string      `json:"leg"`
	Reason   string      `json:"reason"`
	DryRun   *dryRunFile `json:"dryRun"`
}

type dryRunFile struct {
	Leg    string `json:"leg"`
	Reason string `json:"reason"`
}

// IsSuite says whether a document is a DelegationTest, right or wrong. An error is a *document.Fault.
func IsSuite(d document.Document) (bool, error) {
	_, kind, err := d.Kind()
	return kind == manifest.KindDelegationTest, err
}

// ReadSuite reads a DelegationTest. A suite without cases is an error: what tests nothing must not pass. The error joins
// everything that is wrong, each a *document.Fault.
func ReadSuite(d document.Document) (*Suite, error) {
	var written suiteFile
	if err := d.Decode(&written); err != nil {
		return nil, err
	}
	b := suiteBuilder{builder{document: d}}
	b.heading(&written)
	suite := &Suite{File: d.File(), Manifests: b.manifests(written.Manifests), Now: written.Now.Time, Cases: b.cases(written.Cases)}
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	return suite, nil
}

type suiteBuilder struct{ builder }

func (b *suiteBuilder) heading(written *suiteFile) {
	if want := v1alpha1.GroupVersion.String(); written.APIVersion != want {
		b.faultf("apiVersion", "is %q; give %s", written.APIVersion, want)
	}
	if written.Kind != manifest.KindDelegationTest {
		b.faultf("kind", "is %q; give %s", written.Kind, manifest.KindDelegationTest)
	}
}

// manifests are found from the folder of the suite.
func (b *suiteBuilder) manifests(written []string) []string {
	if len(written) == 0 {
		b.faultf("manifests", "names nothing; give the files or folders to decide by")
	}
	found := make([]string, 0, len(written))
	for i, name := range written {
		switch {
		case name == "" || name == manifest.Stdin:
			b.faultf(fmt.Sprintf("manifests[%d]", i), "is %q; give a file or a folder", name)
		case filepath.IsAbs(name):
			found = append(found, filepath.Clean(name))
		default:
			found = append(found, filepath.Join(filepath.Dir(b.document.File()), name))
		}
	}
	return found
}

func (b *suiteBuilder) cases(written []caseFile) []Case {
	if len(written) == 0 {
		b.faultf("cases", "are none, so this tests nothing; add one")
	}
	cases := make([]Case, 0, len(written))
	lines := map[string]int{}
	for i := range written {
		b.at = fmt.Sprintf("cases[%d].", i)
		line := b.document.LineOf(strings.TrimSuffix(b.at, "."))
		if first, twice := lines[written[i].Name]; twice {
			b.faultf("name", "%q is that of the case in line %d too; give each its own", written[i].Name, first)
		}
		lines[written[i].Name] = line
		cases = append(cases, b.testCase(&written[i], line))
	}
	b.at = ""
	return cases
}

func (b *suiteBuilder) testCase(written *caseFile, line int) Case {
	c := Case{Name: written.Name, Line: line, Now: written.Now.Time}
	if c.Name == "" {
		b.faultf("name", "is missing; say in a sentence what the case is about")
	}
	if written.Request == nil {
		b.faultf("request", "is missing")
	} else {
		inner := builder{document: b.document, at: b.at + "request."}
		c.Request = inner.request(written.Request)
		b.errs = append(b.errs, inner.errs...)
	}
	if written.Expect == nil {
		b.faultf("expect", "is missing; give decision: Allow or Deny")
	} else {
		c.Want = b.expectation(written.Expect)
	}
	return c
}

func (b *suiteBuilder) expectation(written *expectFile) Expectation {
	e := b.denial("expect.", written.Leg, written.Reason)
	switch written.Decision {
	case authz.Allow.String():
		e.Outcome = authz.Allow
		if written.Leg != "" || written.Reason != "" {
			b.faultf("expect.decision", "is Allow, which has neither leg nor reason; remove them, or put them under dryRun")
		}
	case authz.Deny.String():
	default:
		b.faultf("expect.decision", "is %q; give Allow or Deny", written.Decision)
	}
	if written.DryRun != nil {
		dryRun := b.denial("expect.dryRun.", written.DryRun.Leg, written.DryRun.Reason)
		e.DryRun = &dryRun
	}
	return e
}

func (b *suiteBuilder) denial(at, leg, reason string) Expectation {
	if leg != "" && !slices.Contains(authz.Legs(), authz.Leg(leg)) {
		b.faultf(at+"leg", "%s", noSuch("leg", leg, authz.Legs()))
	}
	if reason != "" && !slices.Contains(authz.Reasons(), authz.Reason(reason)) {
		b.faultf(at+"reason", "%s", noSuch("reason", reason, authz.Reasons()))
	}
	return Expectation{Leg: authz.Leg(leg), Reason: authz.Reason(reason)}
}

func noSuch[T ~string](what, written string, known []T) string {
	names := make([]string, len(known))
	for i, name := range known {
		names[i] = string(name)
	}
	if near := document.Nearest(written, names); near != "" {
		return fmt.Sprintf("%q is no %s; did you mean %s?", written, what, near)
	}
	return fmt.Sprintf("%q is no %s; there are %s", written, what, strings.Join(names, ", "))
}
