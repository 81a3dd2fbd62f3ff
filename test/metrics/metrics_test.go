// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const page = "../../docs/metrics.md"

var update = flag.Bool("update", false, "write the tables of the page anew; read the difference before it is committed")

var table = regexp.MustCompile(`(?s)(<!-- metrics of the (\w+), written by test/metrics -->\n)(.*?)(<!-- end -->\n)`)

const head = "| Metric | Type | Unit | Labels | Meaning |\n|---|---|---|---|---|\n"

// tables are what should stand between the marks of the page, by program.
func tables(all []metric) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		if out[m.program] == "" {
			out[m.program] = head
		}
		out[m.program] += m.row()
	}
	return out
}

func TestThePageListsEveryMetricOfTheCodeAndNoOther(t *testing.T) {
	all, err := readSource("../..")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := tables(all)
	if *update {
		raw = table.ReplaceAllFunc(raw, func(found []byte) []byte {
			parts := table.FindSubmatch(found)
			return []byte(string(parts[1]) + want[string(parts[2])] + string(parts[4]))
		})
		if err := os.WriteFile(page, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]string{}
	for _, found := range table.FindAllStringSubmatch(string(raw), -1) {
		got[found[2]] = found[3]
	}
	for program := range got {
		if want[program] == "" {
			t.Errorf("the page has a table of %s, which makes no metric", program)
		}
	}
	for program, rows := range want {
		compare(t, program, rows, got[program])
	}
}

func compare(t *testing.T, program, want, got string) {
	t.Helper()
	wanted, there := strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n")
	for _, row := range wanted {
		if !slices.Contains(there, row) {
			t.Errorf("%s: the page lacks %s", program, row)
		}
	}
	for _, row := range there {
		if !slices.Contains(wanted, row) {
			t.Errorf("%s: the code has no %s", program, row)
		}
	}
	if t.Failed() {
		t.Error("run go test ./test/metrics -update and read what it wrote")
	}
}

// Every label is explained, so that nobody adds one without saying that its values are a closed list (THREATS 25).
func TestThePageExplainsEveryLabel(t *testing.T) {
	all, err := readSource("../..")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, labels, found := strings.Cut(string(raw), "\n## Labels\n")
	if !found {
		t.Fatal("the page has no section Labels")
	}
	for _, m := range all {
		for _, label := range m.labels {
			if !regexp.MustCompile("(?m)^\\| `" + label + "` \\| [^|\n]*`" + m.name + "`").MatchString(labels) {
				t.Errorf("label %s of %s is not explained", label, m.name)
			}
		}
	}
}

func TestNamesAreOurOwn(t *testing.T) {
	all, err := readSource("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d metrics were found: the reader has gone blind", len(all))
	}
	seen := map[string]bool{}
	for _, m := range all {
		if !strings.HasPrefix(m.name, "behalf_") || m.help == "" || seen[m.program+m.name] {
			t.Errorf("%+v: its name must begin with behalf_ and be the program's only one, and it must have a meaning", m)
		}
		seen[m.program+m.name] = true
	}
}

func TestWhatTheReaderOfTheSourceSees(t *testing.T) {
	cases := map[string]struct {
		source string
		want   []string
		err    string
	}{
		"a vector with its labels": {
			`prometheus.NewCounterVec(prometheus.CounterOpts{Name: "behalf_x_total", Help: "X."}, []string{"a", "b"})`,
			[]string{"| `behalf_x_total` | counter |  | `a`, `b` | X. |\n"},
			"",
		},
		"a histogram in seconds": {
			`prometheus.NewHistogram(prometheus.HistogramOpts{Name: "behalf_x_seconds", Help: "X.", Buckets: prometheus.LinearBuckets(1, 1, 3)})`,
			[]string{"| `behalf_x_seconds` | histogram | s |  | X. |\n"},
			"",
		},
		"a gauge that is a function": {
			`prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "behalf_x_bytes", Help: "X."}, nil)`,
			[]string{"| `behalf_x_bytes` | gauge | bytes |  | X. |\n"},
			"",
		},
		"descriptions": {
			`prometheus.NewDesc("behalf_x_total", "X.", []string{"a"}, nil); var _ = prometheus.NewDesc("behalf_y_timestamp_seconds", "Y.", nil, nil)`,
			[]string{"| `behalf_x_total` | counter |  | `a` | X. |\n", "| `behalf_y_timestamp_seconds` | gauge | Unix time, s |  | Y. |\n"},
			"",
		},
		"no metric in what is none":       {`prometheus.NewRegistry()`, nil, ""},
		"a name that is put together":     {`prometheus.NewDesc("behalf_" + x, "X.", nil, nil)`, nil, "must be written out"},
		"a name that is hidden in a part": {`prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "behalf", Name: "x"})`, nil, "Namespace hides its name"},
		"options from elsewhere":          {`prometheus.NewGauge(options)`, nil, "must be written out"},
		"labels from elsewhere":           {`prometheus.NewDesc("behalf_x", "X.", labels, nil)`, nil, "must be written out"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			folder := filepath.Join(root, "internal", "manager")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "x.go"), []byte("package manager\n\nvar _ = "+c.source+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			all, err := readSource(root)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %q", err, c.err)
				}
				return
			}
			var rows []string
			for _, m := range all {
				rows = append(rows, m.row())
			}
			if err != nil || !slices.Equal(rows, c.want) {
				t.Errorf("got %q, %v; want %q", rows, err, c.want)
			}
		})
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`)

func TestLinksOfThePagesLeadSomewhere(t *testing.T) {
	for _, name := range []string{"metrics.md", "operations.md"} {
		text := readPage(t, name)
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			target, section := found[1], strings.TrimPrefix(found[2], "#")
			if target == "" {
				target = name
			}
			if _, err := os.Stat(filepath.Join("../../docs", target)); err != nil {
				t.Errorf("%s: %s leads nowhere: %v", name, found[0], err)
				continue
			}
			if section != "" && !hasHeading(readPage(t, target), section) {
				t.Errorf("%s: %s has no section %s", name, target, section)
			}
		}
	}
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// hasHeading takes the name of a section as GitHub makes it: in lower case, with hyphens.
func hasHeading(text, section string) bool {
	for line := range strings.Lines(text) {
		if title, is := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); is && strings.HasPrefix(line, "#") &&
			strings.ReplaceAll(strings.ToLower(strings.TrimSpace(title)), " ", "-") == section {
			return true
		}
	}
	return false
}
