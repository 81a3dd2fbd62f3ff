// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
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
