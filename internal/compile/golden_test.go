// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/token"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference before it is committed")

const goldenFolder = "testdata/golden"

// TestGolden compiles testdata/golden/CASE/in.yaml and compares bundles, problems and reports with the files beside it.
func TestGolden(t *testing.T) {
	for _, name := range goldenCases(t) {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(goldenFolder, name)
			got := render(t, compile.Compile(loadWorld(t, dir)))
			if *update {
				write(t, dir, got)
			}
			compare(t, dir, got)
		})
	}
}

// TestGoldenBundlesLoad proves that whatever compiles is what an authorizer takes, all of a case together.
func TestGoldenBundlesLoad(t *testing.T) {
	for _, name := range goldenCases(t) {
		t.Run(name, func(t *testing.T) {
			r := compile.Compile(loadWorld(t, filepath.Join(goldenFolder, name)))
			load(t, r)
		})
	}
}

// load joins all that was compiled, as an authorizer does.
func load(t *testing.T, r *compile.Result) *engine.Snapshot {
	t.Helper()
	var policies []*engine.Policy
	for name, p := range r.Policies {
		loaded, err := engine.LoadPolicy(recode(t, p), statement(bundle.KindPolicy, name.String()))
		if err != nil {
			t.Fatalf("loading %s: %v", name, err)
		}
		policies = append(policies, loaded)
	}
	trust, err := token.NewTrust(recode(t, r.Trust), statement(bundle.KindTrust, bundle.TrustName))
	if err != nil {
		t.Fatalf("loading trust: %v", err)
	}
	revocations, err := engine.LoadRevocations(recode(t, r.Revocations), statement(bundle.KindRevocations, bundle.RevocationsName))
	if err != nil {
		t.Fatalf("loading revocations: %v", err)
	}
	snapshot, err := engine.NewSnapshot(policies, trust, revocations)
	if err != nil {
		t.Fatalf("joining: %v", err)
	}
	return snapshot
}

// recode takes a bundle the way it travels.
func recode[T bundle.Content](t *testing.T, content *T) *T {
	t.Helper()
	raw, err := bundle.Encode(content)
	if err != nil {
		t.Fatal(err)
	}
	again, err := bundle.Decode[T](raw)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func statement(kind bundle.Kind, name string) bundle.Statement {
	now := time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
	return bundle.Statement{
		Kind: kind, Name: name, Revision: 1, IssuedAt: now.Unix(), LeaseUntil: now.Add(time.Hour).Unix(),
	}
}

func goldenCases(tb testing.TB) []string {
	tb.Helper()
	entries, err := os.ReadDir(goldenFolder)
	if err != nil {
		tb.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// render gives the files of a result by their names.
func render(tb testing.TB, r *compile.Result) map[string][]byte {
	tb.Helper()
	files := map[string][]byte{
		"out/trust.json":       readable(tb, r.Trust),
		"out/revocations.json": readable(tb, r.Revocations),
		"problems.yaml":        problemsFile(tb, r.Problems),
		"reports.yaml":         reportsFile(tb, r),
	}
	for name, p := range r.Policies {
		files["out/"+name.Namespace+"."+name.Name+".json"] = readable(tb, p)
	}
	return files
}

// readable are the canonical bytes with line breaks.
func readable[T bundle.Content](tb testing.TB, content *T) []byte {
	tb.Helper()
	raw, err := bundle.Encode(content)
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		tb.Fatal(err)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func problemsFile(tb testing.TB, problems []compile.Problem) []byte {
	tb.Helper()
	type entry struct {
		Object   string `json:"object"`
		Field    string `json:"field"`
		Severity string `json:"severity"`
		Reason   string `json:"reason"`
		Message  string `json:"message"`
	}
	entries := make([]entry, 0, len(problems))
	for _, p := range problems {
		entries = append(entries, entry{p.Object.String(), p.Field, p.Severity.String(), p.Reason, p.Message})
	}
	return asYAML(tb, entries)
}

func reportsFile(tb testing.TB, r *compile.Result) []byte {
	tb.Helper()
	type entry struct {
		Object    string                    `json:"object"`
		Accepted  bool                      `json:"accepted"`
		Reason    string                    `json:"reason"`
		Message   string                    `json:"message"`
		Bundles   []string                  `json:"bundles,omitempty"`
		StandIn   bool                      `json:"standIn,omitempty"`
		Effective []v1alpha1.AudienceScopes `json:"effective,omitempty"`
		Excess    []v1alpha1.ExcessScope    `json:"excess,omitempty"`
	}
	reports := slices.SortedFunc(maps.Values(r.Reports), func(a, b compile.Report) int {
		return strings.Compare(a.Object.String(), b.Object.String())
	})
	entries := make([]entry, 0, len(reports))
	for _, o := range reports {
		entries = append(entries, entry{
			o.Object.String(), o.Accepted, o.Reason, o.Message, o.Bundles, o.StandIn, o.Effective, o.Excess,
		})
	}
	return asYAML(tb, entries)
}

func asYAML(tb testing.TB, v any) []byte {
	tb.Helper()
	raw, err := yaml.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func write(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func compare(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, got := range files {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%v; run go test ./internal/compile -update and read what it wrote", err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not as told:\n%s\nwant\n%s", name, got, want)
		}
	}
	written, err := filepath.Glob(filepath.Join(dir, "out", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range written {
		if _, ok := files["out/"+filepath.Base(file)]; !ok {
			t.Errorf("%s is not compiled any more", file)
		}
	}
}
