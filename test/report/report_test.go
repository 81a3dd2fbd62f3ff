// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheReportTakesThePlaceOfTheLastOne(t *testing.T) {
	const begin, end = "<!-- What follows is written by make bench. -->\n", "<!-- What precedes is written by make bench. -->\n"
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	write(t, path, "before\n"+begin+end+"after\n")
	for _, text := range []string{"first\n", "second\n"} {
		r := New(io.Discard, "make bench")
		r.Printf("%s", text)
		if err := r.Write(path); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := "before\n" + begin + "\nsecond\n\n" + end + "after\n"; string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestADocumentWithoutAPlaceForTheReportIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	write(t, path, "<!-- What follows is written by make other. -->\n<!-- What precedes is written by make other. -->\n")
	if err := New(io.Discard, "make bench").Write(path); err == nil {
		t.Error("a report was written where there is no place for it")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestALineHoldsUpToItsBound(t *testing.T) {
	for sentence, c := range map[string]struct {
		note func(*Report)
		want string
	}{
		"at most, just":    {func(r *Report) { r.AtMost("it", 3, 3, "×") }, "| it | at most 3 × | 3 × | holds |\n"},
		"at most, beyond":  {func(r *Report) { r.AtMost("it", 3, 3.1, "×") }, "| it | at most 3 × | 3.1 × | **falls short** |\n"},
		"at least, just":   {func(r *Report) { r.AtLeast("it", 30, 30, "") }, "| it | at least 30 | 30 | holds |\n"},
		"at least, short":  {func(r *Report) { r.AtLeast("it", 30, 29.9, "") }, "| it | at least 30 | 29.9 | **falls short** |\n"},
		"beyond by little": {func(r *Report) { r.AtMost("it", 3, 3.01, "×") }, "| it | at most 3 × | 3.0 × | **falls short** |\n"},
	} {
		var out strings.Builder
		r := New(&out, "make bench")
		c.note(r)
		r.Verdicts()
		if !strings.HasSuffix(out.String(), c.want) {
			t.Errorf("%s: got\n%s", sentence, out.String())
		}
	}
}

func TestFiguresAreSpeltWithThreeDigits(t *testing.T) {
	for want, got := range map[string]string{
		"640 ns": Took(640), "12.0 µs": Took(12 * time.Microsecond), "1234 ms": Took(1234 * time.Millisecond), "12.3 ms": Took(12345 * time.Microsecond),
		"2.5 ×": Ratio(5, 2), "9000 B": Bytes(9000), "12.0 KB": Bytes(12_000), "4.00 MB": Bytes(4_000_000),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
