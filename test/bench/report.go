// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"
)

// report is what was measured, as Markdown. It is printed as it grows.
type report struct {
	out  io.Writer
	text strings.Builder
	// reached are the lines of the issue, with what was measured.
	reached []line
}

// line is something that must be reached.
type line struct {
	demand string
	// limit is what the figure may be at most; atLeast turns it round.
	limit   float64
	atLeast bool
	figure  float64
	unit    string
}

func (r *report) printf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.text.WriteString(text)
	fmt.Fprint(r.out, text)
}

func (r *report) heading(text string) { r.printf("\n### %s\n\n", text) }

// table prints rows under a head.
func (r *report) table(head []string, rows [][]string) {
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

func (r *report) row(cells []string) { r.printf("| %s |\n", strings.Join(cells, " | ")) }

// demand notes what must be reached and was.
func (r *report) demand(l line) { r.reached = append(r.reached, l) }

func (l line) holds() bool {
	if l.atLeast {
		return l.figure >= l.limit
	}
	return l.figure <= l.limit
}

// The report stands between these lines of the document.
const (
	begin = "<!-- What follows is written by make bench-report. -->\n"
	end   = "<!-- What precedes is written by make bench-report. -->\n"
)

var errMarkers = errors.New("it lacks the lines between which the report stands")

// write replaces the report in a document.
func (r *report) write(path string) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	before, rest, found := strings.Cut(string(document), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("writing the report into %s: %w", path, errMarkers)
	}
	written := before + begin + "\n" + strings.TrimSpace(r.text.String()) + "\n\n" + end + after
	if err := os.WriteFile(path, []byte(written), 0o644); err != nil {
		return fmt.Errorf("writing the document: %w", err)
	}
	return nil
}

// took spells a time with three digits.
func took(d time.Duration) string {
	switch {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < 10*time.Millisecond:
		return digits(float64(d)/float64(time.Microsecond)) + " µs"
	default:
		return digits(float64(d)/float64(time.Millisecond)) + " ms"
	}
}

func ratio(a, b float64) string { return number(a/b) + " ×" }

// number spells a figure with one digit after the point, or none where three stand before it.
func number(f float64) string {
	switch {
	case f == math.Trunc(f):
		return fmt.Sprintf("%.0f", f)
	case f < 99.95:
		return fmt.Sprintf("%.1f", f)
	default:
		return fmt.Sprintf("%.0f", f)
	}
}

// digits is number with one digit more.
func digits(f float64) string {
	switch {
	case f < 9.995:
		return fmt.Sprintf("%.2f", f)
	case f < 99.95:
		return fmt.Sprintf("%.1f", f)
	default:
		return fmt.Sprintf("%.0f", f)
	}
}

func bytesOf(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return digits(float64(n)/1e3) + " KB"
	default:
		return digits(float64(n)/1e6) + " MB"
	}
}
