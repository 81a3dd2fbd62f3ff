// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mutants takes defences out of the product, one at a time, so that a test can be seen to notice.
package mutants

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Mutant is one fault in the product. In what it becomes, MUTANT is true while the fault is switched on. To adapt a row to
// changed code, keep what it intends and write what stands there now.
type Mutant struct {
	Intends string // the fault, in a sentence
	File    string // within the module
	Text    string // what stands there once, and only once
	Becomes string
}

// None is the number of no mutant.
const None = -1

// Fault is a mutant, and the test that must notice it.
type Fault struct {
	// Threat is the row of THREATS that it lets through.
	Threat int
	// In is the package of the test, a folder within the module, and Noticed its name: slashes stand between a test and its
	// subtest.
	In, Noticed string
	Mutant
}

// TakeOut switches one fault after the other on, package by package: the test that must notice has to fail then, and to pass
// without. root is the module's folder.
func TakeOut(t *testing.T, root string, faults []Fault) {
	t.Helper()
	byPackage := map[string][]Fault{}
	for _, f := range faults {
		byPackage[f.In] = append(byPackage[f.In], f)
	}
	for _, in := range slices.Sorted(maps.Keys(byPackage)) {
		t.Run(in, func(t *testing.T) { takeOut(t, root, in, byPackage[in]) })
	}
}

func takeOut(t *testing.T, root, in string, faults []Fault) {
	t.Helper()
	all := make([]Mutant, len(faults))
	for i, f := range faults {
		all[i] = f.Mutant
	}
	binary := Build(t, root, in, all)
	survivors := make([]string, len(faults))
	Each(len(faults), func(i int) {
		for _, mutant := range []int{None, i} {
			if out, failed := binary.Run(t, mutant, pattern(faults[i].Noticed)); failed != (mutant == i) {
				survivors[i] = fmt.Sprintf("with fault %d:\n%s", mutant, out)
			}
		}
	})
	killed := len(faults)
	for i, out := range survivors {
		if out != "" {
			killed--
			t.Errorf("THREATS %d: %s did not notice that %s, %s", faults[i].Threat, faults[i].Noticed, faults[i].Intends, out)
		}
	}
	t.Logf("%d of %d faults noticed", killed, len(faults))
}

// pattern matches one test, with the spaces as the test runner writes them.
func pattern(name string) string {
	parts := strings.Split(strings.ReplaceAll(name, " ", "_"), "/")
	for i, part := range parts {
		parts[i] = "^" + part + "$"
	}
	return strings.Join(parts, "/")
}

// switchedBy is the variable by which a test binary learns which mutant is on.
const switchedBy = "BEHALF_MUTANT"

// Binary is the tests of a package over a product with mutants in it, all of them switched off.
type Binary struct{ path, folder string }

// Build builds the tests of a package, a folder within the module, over patched copies of the product's files. root is the
// module's folder.
func Build(t *testing.T, root, pkg string, all []Mutant) Binary {
	t.Helper()
	folder := t.TempDir()
	overlay := map[string]string{}
	for file, text := range patched(t, root, all) {
		source, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(folder, strings.ReplaceAll(file, "/", "-"))
		write(t, copied, text)
		overlay[source] = copied
	}
	raw, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "overlay.json"), string(raw))
	b := Binary{path: filepath.Join(folder, "package.test"), folder: filepath.Join(root, pkg)}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(folder, "overlay.json"), "-o", b.path, ".")
	// As make build has it, so that what does not change is compiled already.
	cmd.Dir, cmd.Env = b.folder, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the mutants do not compile: %v\n%s", err, out)
	}
	return b
}

// Run runs the tests that a pattern matches with one mutant switched on, or None. That no test ran is an error.
func (b Binary) Run(t *testing.T, mutant int, pattern string) (out string, failed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), b.path, "-test.run="+pattern, "-test.timeout=2m", "-test.v")
	cmd.Dir, cmd.Env = b.folder, append(os.Environ(), switchedBy+"="+strconv.Itoa(mutant))
	raw, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Errorf("running the tests that match %s: %v", pattern, err)
	}
	if !strings.Contains(string(raw), "=== RUN") {
		t.Errorf("no test matches %s:\n%s", pattern, raw)
	}
	return string(raw), err != nil
}

// Each does something for every number below n, on all processors.
func Each(n int, do func(int)) {
	next := make(chan int)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}

// patched gives the text of every file with mutants, and of a switch in each of their packages.
func patched(t *testing.T, root string, all []Mutant) map[string]string {
	t.Helper()
	files := map[string]string{}
	for i, m := range all {
		text, read := files[m.File]
		if !read {
			raw, err := os.ReadFile(filepath.Join(root, m.File))
			if err != nil {
				t.Fatalf("the mutant that %s: %v", m.Intends, err)
			}
			text = string(raw)
		}
		if n := strings.Count(text, m.Text); n != 1 {
			t.Fatalf("the mutant that %s: this stands %d times in %s, and not once; adapt its row:\n%s", m.Intends, n, m.File, m.Text)
		}
		files[m.File] = strings.Replace(text, m.Text, strings.ReplaceAll(m.Becomes, "MUTANT", fmt.Sprintf("mutated(%d)", i)), 1)
	}
	for file := range files {
		folder := filepath.Dir(file)
		files[filepath.Join(folder, "mutated_switch.go")] = fmt.Sprintf(
			"package %s\n\nimport \"os\"\nimport \"strconv\"\n\nvar switchedOn = os.Getenv(%q)\n\nfunc mutated(n int) bool { return switchedOn == strconv.Itoa(n) }\n",
			filepath.Base(folder), switchedBy)
	}
	return files
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
