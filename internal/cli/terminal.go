// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
)

// colors are what stands around words on a terminal.
type colors struct{ good, bad, strong, off string }

var (
	plain    = colors{}
	terminal = colors{good: "\x1b[1;32m", bad: "\x1b[1;31m", strong: "\x1b[1m", off: "\x1b[0m"}
)

func palette(color bool) colors {
	if color {
		return terminal
	}
	return plain
}

// printable keeps what comes from files from steering the terminal, and on its line: every control character becomes its
// escape.
func printable(s string) string {
	if !strings.ContainsFunc(s, steers) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			out.WriteString(`\n`)
		case steers(r):
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// steers says whether a character is for the terminal and not for the reader, those that reverse the order of text among them.
func steers(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// row is one line of a table. What is in it stays in its column.
func row(table io.Writer, columns ...string) {
	for i, column := range columns {
		columns[i] = printable(column)
	}
	fmt.Fprintf(table, "%s\n", strings.Join(columns, "\t"))
}

// rows is a row for each value; the name stands before the first.
func rows(table io.Writer, name string, values ...string) {
	for _, value := range values {
		row(table, name, value)
		name = ""
	}
}

// newTable aligns its columns. It must be flushed.
func newTable(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0) }
