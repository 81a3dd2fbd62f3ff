// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/xml"
	"fmt"
	"path/filepath"

	"behalf.dev/behalf/internal/offline"
)

// The elements of JUnit's report, as far as pipelines agree on them (github.com/testmoapp/junitxml). Times are left out:
// deciding takes none worth telling, and the same suites give the same bytes.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	ClassName string        `xml:"classname,attr"`
	File      string        `xml:"file,attr"`
	Line      int           `xml:"line,attr"`
	Failure   *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",cdata"`
}

func (r report) junit() ([]byte, error) {
	all := junitSuites{Name: "kubectl behalf test", Tests: r.passed + r.failed, Failures: r.failed}
	for _, outcome := range r.outcomes {
		all.Suites = append(all.Suites, junitOf(outcome))
	}
	raw, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing JUnit: %w", err)
	}
	return append([]byte(xml.Header), append(raw, '\n')...), nil
}

func junitOf(outcome offline.Outcome) junitSuite {
	file := filepath.ToSlash(outcome.File)
	suite := junitSuite{Name: file, Tests: len(outcome.Results)}
	for i := range outcome.Results {
		result := &outcome.Results[i]
		c := junitCase{Name: result.Name, ClassName: file, File: file, Line: result.Line}
		if !result.Passed() {
			suite.Failures++
			c.Failure = &junitFailure{
				Message: "want " + wanted(result.Want) + "; got " + got(result.Got), Type: "decision",
				Text: string(failure(result)),
			}
		}
		suite.Cases = append(suite.Cases, c)
	}
	return suite
}
