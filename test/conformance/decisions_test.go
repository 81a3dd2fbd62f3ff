// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package conformance holds the decisions that every build of Behalf must give: decisions/ has them as users write such
// tests, and kubectl-behalf runs them.
package conformance

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"behalf.dev/behalf/internal/authz"
	_ "behalf.dev/behalf/internal/cli" // what is built below, so that go test runs this anew when it changes
	"behalf.dev/behalf/test/scenes"
)

// fewest is how many cases there must be at the least.
const fewest = 60

// elsewhere are the reasons that no request in a file can be denied for, and the tests that hold their denials.
var elsewhere = map[authz.Reason]struct{ why, file, says string }{
	authz.ReasonActorMismatch: {
		"a file names its actor once, so that no two claims can disagree", "internal/token/refused_test.go", "authz.ReasonActorMismatch",
	},
	authz.ReasonStaleBundle: {
		"bundles are always fresh without a cluster", "internal/engine/legs_test.go", "authz.ReasonStaleBundle",
	},
	authz.ReasonInternalError: {
		"no input is known that brings it about", "internal/engine/snapshot_test.go", "authz.ReasonInternalError",
	},
}

// told are the questions that scenes ask between what is done in them.
var told = []string{
	"the workflow pays inv-7, approved",
	"the workflow pays inv-8 with the approval for inv-7",
	"the portal comments on Alice's ticket for her",
	"the portal comments on Alice's ticket for her, after the change",
	"the portal reads Alice's ticket with the lost session",
	"Alice signs in anew",
}

// stories of the main job, each with a file of its own.
var stories = []string{"portal", "copilot", "clinic", "incident", "payment", "nobody", "chain"}

type decision struct {
	Decision string       `json:"decision"`
	Leg      authz.Leg    `json:"leg"`
	Reason   authz.Reason `json:"reason"`
}

type report struct {
	Passed, Failed int
	Files          []struct {
		File  string
		Cases []struct {
			Name   string
			Passed bool
			Want   decision
		}
	}
}

func TestDecisions(t *testing.T) {
	dependsOn(t, "decisions", "../../config/samples", "../../cmd/kubectl-behalf")
	out, err := exec.CommandContext(t.Context(), build(t), "test", "decisions", "-o", "json").Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Errorf("kubectl-behalf ends with %d: %s", exit.ExitCode(), exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	var all report
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wanted := map[string]decision{}
	reasons, legs, files := map[authz.Reason]int{}, map[authz.Leg]int{}, map[string]int{}
	for _, file := range all.Files {
		for _, c := range file.Cases {
			if !c.Passed {
				t.Errorf("%s: %s: not as expected; run kubectl-behalf test %[1]s", file.File, c.Name)
			}
			if denied := c.Want.Decision == authz.Deny.String(); denied && (c.Want.Leg == "" || c.Want.Reason == "") {
				t.Errorf("%s: %s: the case does not say which leg denies and why", file.File, c.Name)
			}
			wanted[c.Name] = c.Want
			reasons[c.Want.Reason]++
			legs[c.Want.Leg]++
			files[filepath.ToSlash(file.File)]++
		}
	}
	if all.Passed < fewest || all.Failed != 0 {
		t.Errorf("%d cases passed and %d failed, want at least %d and none", all.Passed, all.Failed, fewest)
	}
	coversReasons(t, reasons)
	for _, leg := range authz.Legs() {
		if legs[leg] == 0 {
			t.Errorf("no case is denied by the leg %s", leg)
		}
	}
	coversScenes(t, wanted)
	for _, story := range stories {
		if files["decisions/stories/"+story+".yaml"] == 0 {
			t.Errorf("no case tells the story %s", story)
		}
	}
}

// dependsOn reads files that only other processes read otherwise: go test takes a result from its cache unless one of the
// files that the test itself read has changed.
func dependsOn(t *testing.T, folders ...string) {
	t.Helper()
	for _, folder := range folders {
		if err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			_, err = os.ReadFile(path)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// build makes the program with the flags of make build, so that what that compiled is not compiled again.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "kubectl-behalf")
	command := exec.CommandContext(t.Context(), "go", "build", "-o", program, "behalf.dev/behalf/cmd/kubectl-behalf")
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -trimpath"))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building kubectl-behalf: %v\n%s", err, out)
	}
	return program
}

func coversReasons(t *testing.T, reasons map[authz.Reason]int) {
	t.Helper()
	for _, reason := range authz.Reasons() {
		exception, ok := elsewhere[reason]
		switch {
		case !ok && reasons[reason] == 0:
			t.Errorf("no case is denied for %s", reason)
		case ok && reasons[reason] > 0:
			t.Errorf("%s can be had from a file: take it from the exceptions", reason)
		case ok:
			if raw, err := os.ReadFile("../../" + exception.file); err != nil || !strings.Contains(string(raw), exception.says) {
				t.Errorf("%s is not tested in %s any more (%v)", reason, exception.file, err)
			}
		}
	}
}

// coversScenes holds the cases to the questions of the scenes that the demo tells, by their titles.
func coversScenes(t *testing.T, wanted map[string]decision) {
	t.Helper()
	for _, scene := range scenes.All() {
		for _, q := range scene.Questions {
			got, ok := wanted[q.Title]
			want := decision{authz.Deny.String(), authz.Leg(q.Want.Leg), authz.Reason(q.Want.Reason)}
			if q.Want.Allow {
				want = decision{Decision: authz.Allow.String()}
			}
			if !ok || got != want {
				t.Errorf("%s: the case %q wants %+v, the scene %+v", scene.Title, q.Title, got, want)
			}
		}
	}
	for _, title := range told {
		if _, ok := wanted[title]; !ok {
			t.Errorf("there is no case %q", title)
		}
	}
}
