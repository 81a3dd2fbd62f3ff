// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package report writes down what was measured, as Markdown in a document, with the bounds that it is held to.
package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Report is what was measured. It is printed as it grows.
type Report struct {
	out io.Writer
	// by is the command that writes it. The report stands between two lines of the document that name it.
	by      string
	text    strings.Builder
	reached []line
}

// New gives an empty Report, which is printed to out and written by a command.
func New(out io.Writer, by string) *Report { return &Report{out: out, by: by} }

// Printf adds text.
func (r *Report) Printf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.text.WriteString(text)
	fmt.Fprint(r.out, text)
}

// Heading begins a section.
func (r *Report) Heading(text string) { r.Printf("\n### %s\n\n", text) }

// Table prints rows under a head.
func (r *Report) Table(head []string, rows [][]string) {
	r.row(head)
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = "---:"
	}
	rule[0] = "---"
	r.row(rule)
	for _, row := range rows {
		r.row(row)
	}
}

func (r *Report) row(cells []string) { r.Printf("| %s |\n", strings.Join(cells, " | ")) }

// The lines between which the report stands.
func (r *Report) begin() string {
	return fmt.Sprintf("<!-- What follows is written by %s. -->\n", r.by)
}

func (r *Report) end() string {
	return fmt.Sprintf("<!-- What precedes is written by %s. -->\n", r.by)
}

var errMarkers = errors.New("it lacks the lines between which the report stands")

// Write replaces the report in a document.
func (r *Report) Write(path string) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	before, rest, found := strings.Cut(string(document), r.begin())
	_, after, ended := strings.Cut(rest, r.end())
	if !found || !ended {
		return fmt.Errorf("writing the report into %s: %w", path, errMarkers)
	}
	written := before + r.begin() + "\n" + strings.TrimSpace(r.text.String()) + "\n\n" + r.end() + after
	if err := os.WriteFile(path, []byte(written), 0o644); err != nil {
		return fmt.Errorf("writing the document: %w", err)
	}
	return nil
}
