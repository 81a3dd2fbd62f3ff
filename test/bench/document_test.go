// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var quoted = regexp.MustCompile("(?s)```(go|rego|cedar)\n(.*?)```")

// The document shows how each engine is asked; that must be how it is asked.
func TestTheDocumentQuotesWhatIsMeasured(t *testing.T) {
	document := read(t, "../../docs/benchmarks.md")
	sources := map[string]string{
		"go": read(t, "../estate/floor.go"), "rego": read(t, "opa/behalf.rego"), "cedar": read(t, "cedar/entities.cedar"),
	}
	blocks := quoted.FindAllStringSubmatch(document, -1)
	if len(blocks) != 4 {
		t.Errorf("%d passages are quoted, want 4", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(sources[block[1]], block[2]) {
			t.Errorf("this stands in the document, and not in the source:\n%s", block[2])
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestTheReportTakesThePlaceOfTheLastOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	for _, text := range []string{"first\n", "second\n"} {
		before, err := os.ReadFile(path)
		if err != nil {
			before = []byte("before\n" + begin + end + "after\n")
		}
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
		r := &report{out: &strings.Builder{}}
		r.printf("%s", text)
		if err := r.write(path); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := read(t, path), "before\n"+begin+"\nsecond\n\n"+end+"after\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := os.WriteFile(path, []byte("no markers\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&report{}).write(path); err == nil {
		t.Error("a report was written where there is no place for it")
	}
}

func TestALineHoldsUpToItsBound(t *testing.T) {
	for _, c := range []struct {
		sentence string
		line     line
		want     bool
	}{
		{"at most, just", line{limit: 3, figure: 3}, true},
		{"at most, beyond", line{limit: 3, figure: 3.01}, false},
		{"at least, just", line{limit: 30, atLeast: true, figure: 30}, true},
		{"at least, short", line{limit: 30, atLeast: true, figure: 29.9}, false},
	} {
		if got := c.line.holds(); got != c.want {
			t.Errorf("%s: %t", c.sentence, got)
		}
	}
}
