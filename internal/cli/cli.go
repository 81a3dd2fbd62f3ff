// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli is what the commands of kubectl-behalf do and how they tell it: text for people, JSON and YAML for programs,
// JUnit for pipelines. Flags are the business of cmd/kubectl-behalf.
package cli

import (
	"errors"
	"fmt"
	"io"

	"behalf.dev/behalf/internal/document"
)

// The exit codes of every command.
const (
	// OK is for an Allow, and for suites in which all is as expected.
	OK = 0
	// No is for a Deny, and for suites in which something is not as expected.
	No = 1
	// Failed is for what could not be decided: the command line, the manifests or the request are wrong.
	Failed = 2
)

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Color says that Out is a terminal that shows colours.
	Color bool
}

// fail tells everything that an error joins, one to a line.
func (s Streams) fail(what string, err error) int {
	all := flatten(err)
	if len(all) == 1 {
		fmt.Fprintf(s.Err, "Error: %s: %s\n", what, printable(all[0].Error()))
		return Failed
	}
	fmt.Fprintf(s.Err, "Error: %s, for %d reasons:\n", what, len(all))
	for _, one := range all {
		fmt.Fprintf(s.Err, "  %s\n", printable(one.Error()))
	}
	return Failed
}

func flatten(err error) []error {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, flatten(one)...)
	}
	return all
}

// warn tells each warning once, however many suites share the manifest that it is about.
func (s Streams) warn(warnings []*document.Fault) {
	told := map[document.Fault]bool{}
	for _, w := range warnings {
		if !told[*w] {
			told[*w] = true
			fmt.Fprintf(s.Err, "Warning: %s\n", printable(w.Error()))
		}
	}
}

// write ends a command whose output was made, or could not be.
func (s Streams) write(out []byte, err error, code int) int {
	if err == nil {
		_, err = s.Out.Write(out)
	}
	if err != nil {
		return s.fail("the output could not be written", err)
	}
	return code
}
