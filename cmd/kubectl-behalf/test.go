// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"behalf.dev/behalf/internal/cli"
)

const testHelp = `Run suites: files of kind DelegationTest, which name manifests, requests and the decisions that these must get.

In a folder, and in the folders below it, every file that holds a DelegationTest is run.

Exit codes: 0 where all decisions are as expected, 1 where some are not, 2 where something could not be run.`

const testExample = `  # All suites of a folder
  kubectl behalf test tests

  # The cases that are about the portal, each by its name
  kubectl behalf test tests --run portal -v

  # For a pipeline
  kubectl behalf test tests -o junit > report.xml`

func newTest(s cli.Streams, code *int) *cobra.Command {
	var test cli.Test
	var at clock
	var only pattern
	command := &cobra.Command{
		Use:     "test FILE|FOLDER...",
		Short:   "Run suites of requests with the decisions that they must get",
		Long:    testHelp,
		Example: testExample,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			test.Files, test.Runner.Now, test.Runner.Only = files, at.now(), only.compiled
			*code = test.Run(c.Context(), s)
			return nil
		},
	}
	flags := command.Flags()
	flags.Var(&only, "run", "run only the cases whose names this regular expression matches")
	flags.StringVarP(&test.Runner.Namespace, "namespace", "n", "", "namespace of objects in manifests that name none; without it they are an error")
	flags.Var(&at, "now", "the clock of cases that have none, neither their own nor their suite's, as in RFC 3339 (default the present)")
	flags.VarP(&test.Output, "output", "o", "json, yaml or junit (default text)")
	flags.BoolVarP(&test.Verbose, "verbose", "v", false, "name the cases that passed too")
	return command
}

// pattern is a flag for a regular expression.
type pattern struct{ compiled *regexp.Regexp }

// String is the expression.
func (p *pattern) String() string {
	if p.compiled == nil {
		return ""
	}
	return p.compiled.String()
}

// Set takes an expression of Go's syntax.
func (p *pattern) Set(text string) error {
	compiled, err := regexp.Compile(text)
	if err != nil {
		return fmt.Errorf("reading the expression: %w", err)
	}
	p.compiled = compiled
	return nil
}

// Type is how the help calls it.
func (p *pattern) Type() string { return "regexp" }
