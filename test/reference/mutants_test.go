// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// mutant is one fault in the product, and the law that must notice it. In text, MUTANT is true while the fault is switched
// on. To adapt a row to changed code, keep what it intends and write what stands there now.
type mutant struct {
	intends string // the fault, in a sentence
	file    string // within the module
	text    string // what stands there once, and only once
	becomes string
	law     string
}

// TestMutants builds the product once more with every mutant in it, all switched off, and runs the laws with one after the
// other switched on: each must make its law fail, and none may without.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a test binary and runs it for every mutant")
	}
	binary := buildMutants(t)
	if out, failed := runLaws(binary, "", "TestLaws"); failed {
		t.Fatalf("without any mutant a law fails:\n%s", out)
	}
	survivors := make([]string, len(mutants))
	forEachMutant(func(i int) {
		slug := strings.ReplaceAll(mutants[i].law, " ", "_")
		out, failed := runLaws(binary, fmt.Sprint(i), "^TestLaws$/^"+regexp.QuoteMeta(slug)+"$")
		if !failed || !strings.Contains(out, "the law does not hold: "+mutants[i].law) {
			survivors[i] = out
		}
	})
	killed := len(mutants)
	for i, out := range survivors {
		if out != "" {
			killed--
			t.Errorf("the law %q did not notice that %s:\n%s", mutants[i].law, mutants[i].intends, out)
		}
	}
	t.Logf("%d of %d mutants killed", killed, len(mutants))
	assertEveryLawHasOne(t)
}

func assertEveryLawHasOne(t *testing.T) {
	t.Helper()
	for _, law := range laws {
		found := false
		for _, m := range mutants {
			found = found || m.law == law.law
		}
		if !found {
			t.Errorf("no mutant shows that this law can fail: %s", law.law)
		}
	}
}

func forEachMutant(do func(int)) {
	next := make(chan int)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range mutants {
		next <- i
	}
	close(next)
	group.Wait()
}

// switchedBy is the variable by which a test binary learns which mutant is on.
const switchedBy = "BEHALF_MUTANT"

func runLaws(binary, mutant, pattern string) (out string, failed bool) {
	cmd := exec.Command(binary, "-test.run="+pattern, "-test.timeout=2m")
	cmd.Env = append(os.Environ(), switchedBy+"="+mutant)
	raw, err := cmd.CombinedOutput()
	return string(raw), err != nil
}

// buildMutants builds this package's tests over patched copies of the product's files.
func buildMutants(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	overlay := map[string]string{}
	for file, text := range patched(t) {
		source, err := filepath.Abs(filepath.Join("../..", file))
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
	binary := filepath.Join(folder, "laws.test")
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-overlay", filepath.Join(folder, "overlay.json"), "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the mutants do not compile: %v\n%s", err, out)
	}
	return binary
}

// patched gives the text of every file with mutants, and of a switch in each of their packages.
func patched(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for i, m := range mutants {
		text, read := files[m.file]
		if !read {
			raw, err := os.ReadFile(filepath.Join("../..", m.file))
			if err != nil {
				t.Fatalf("the mutant that %s: %v", m.intends, err)
			}
			text = string(raw)
		}
		if n := strings.Count(text, m.text); n != 1 {
			t.Fatalf("the mutant that %s: this stands %d times in %s, and not once; adapt its row:\n%s", m.intends, n, m.file, m.text)
		}
		files[m.file] = strings.Replace(text, m.text, strings.ReplaceAll(m.becomes, "MUTANT", fmt.Sprintf("mutated(%d)", i)), 1)
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
