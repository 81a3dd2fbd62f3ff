// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	"behalf.dev/behalf/internal/cli"
)

// page tells users how to test.
func page(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// example is one block of the page. Its file is what the line above it names, if it names one at its end.
type example struct{ file, language, text string }

var block = regexp.MustCompile("(?m)^(?:.*`([^`\n]+)`:\n\n)?```([a-z]+)\n((?s:.*?\n))```$")

func examples(t *testing.T) []example {
	t.Helper()
	var all []example
	for _, match := range block.FindAllStringSubmatch(page(t), -1) {
		all = append(all, example{match[1], match[2], match[3]})
	}
	return all
}

func TestThePagesExamplesDoWhatItSays(t *testing.T) {
	all := examples(t)
	samples, err := filepath.Abs("../../config")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, err := range []error{os.Mkdir("tests", 0o755), os.Symlink(samples, "config")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	for i, e := range all {
		if e.file != "" && e.language == "yaml" && e.file != "tests/wrong.yaml" {
			write(t, e)
		}
		if e.language != "sh" {
			continue
		}
		if strings.Contains(e.text, "wrong.yaml") { // shown after what comes of it
			write(t, named(t, all, "tests/wrong.yaml"))
		}
		ran++
		arguments, ok := strings.CutPrefix(strings.TrimSpace(e.text), "kubectl behalf ")
		if !ok || i+1 == len(all) || all[i+1].language != "text" {
			t.Fatalf("no command of ours with its output after it: %s", e.text)
		}
		if got := kubectlBehalf(t, "", strings.Fields(arguments)...); got.out != all[i+1].text || got.errors != "" {
			t.Errorf("%s\n%s%s\nthe page says\n%s", e.text, got.out, got.errors, all[i+1].text)
		}
	}
	if ran != 4 {
		t.Errorf("%d commands were run, want 4", ran)
	}
}

func write(t *testing.T, e example) {
	t.Helper()
	if err := os.WriteFile(e.file, []byte(e.text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func named(t *testing.T, all []example, file string) example {
	t.Helper()
	for _, e := range all {
		if e.file == file {
			return e
		}
	}
	t.Fatalf("the page has no %s", file)
	return example{}
}

// The pipeline's command line must be one that is understood.
func TestThePipelineOnThePageRuns(t *testing.T) {
	var pipeline struct {
		Jobs map[string]struct {
			Steps []struct{ Run string }
		}
	}
	for _, e := range examples(t) {
		if e.language == "yaml" && strings.HasPrefix(e.text, "jobs:") {
			if err := yaml.Unmarshal([]byte(e.text), &pipeline); err != nil {
				t.Fatal(err)
			}
		}
	}
	ran := false
	for _, step := range pipeline.Jobs["policies"].Steps {
		command, _, _ := strings.Cut(step.Run, " > ")
		if arguments, ours := strings.CutPrefix(command, "kubectl behalf "); ours {
			ran = true
			inFolder(t, map[string]string{"tests": suite})
			if got := kubectlBehalf(t, "", append(strings.Fields(arguments), now)...); got.code != cli.OK || !strings.HasPrefix(got.out, "<?xml") {
				t.Errorf("%s: %+v", step.Run, got)
			}
		}
	}
	if !ran {
		t.Error("the pipeline runs no command of ours")
	}
}

func TestThePageExplainsEveryFlag(t *testing.T) {
	text := page(t)
	for _, command := range []*cobra.Command{newCheck(cli.Streams{}, new(int)), newTest(cli.Streams{}, new(int))} {
		command.Flags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(text, "`--"+f.Name+"`") || (f.Shorthand != "" && !strings.Contains(text, "`-"+f.Shorthand+"`")) {
				t.Errorf("the page does not explain --%s of %s", f.Name, command.Name())
			}
		})
	}
}
