// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"regexp"
	"strings"
	"testing"

	"behalf.dev/behalf/test/mutants"
)

// mutant is one fault in the product, as mutants.Mutant has it, and the law that must notice it.
type mutant struct {
	intends, file, text, becomes string
	law                          string
}

// TestMutants builds the product once more with every mutant in it, all switched off, and runs the laws with one after the
// other switched on: each must make its law fail, and none may without.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a test binary and runs it for every mutant")
	}
	all := make([]mutants.Mutant, 0, len(faults))
	for _, m := range faults {
		all = append(all, mutants.Mutant{Intends: m.intends, File: m.file, Text: m.text, Becomes: m.becomes})
	}
	binary := mutants.Build(t, "../..", "test/reference", all)
	if out, failed := binary.Run(t, mutants.None, "TestLaws"); failed {
		t.Fatalf("without any mutant a law fails:\n%s", out)
	}
	survivors := make([]string, len(faults))
	mutants.Each(len(faults), func(i int) {
		slug := strings.ReplaceAll(faults[i].law, " ", "_")
		out, failed := binary.Run(t, i, "^TestLaws$/^"+regexp.QuoteMeta(slug)+"$")
		if !failed || !strings.Contains(out, "the law does not hold: "+faults[i].law) {
			survivors[i] = out
		}
	})
	killed := len(faults)
	for i, out := range survivors {
		if out != "" {
			killed--
			t.Errorf("the law %q did not notice that %s:\n%s", faults[i].law, faults[i].intends, out)
		}
	}
	t.Logf("%d of %d mutants killed", killed, len(faults))
	assertEveryLawHasOne(t)
}

func assertEveryLawHasOne(t *testing.T) {
	t.Helper()
	for _, law := range laws {
		found := false
		for _, m := range faults {
			found = found || m.law == law.law
		}
		if !found {
			t.Errorf("no mutant shows that this law can fail: %s", law.law)
		}
	}
}
