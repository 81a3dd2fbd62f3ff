// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/test/cluster"
	"behalf.dev/behalf/test/scenes"
	"behalf.dev/behalf/test/stack"
)

// long lets the tests run that take minutes.
var long = flag.Bool("long", false, "run the tests that take minutes too, as make e2e does")

// patience is how long a test waits for what must come.
const patience = time.Minute

func skipUnlessLong(t *testing.T) {
	t.Helper()
	if testing.Short() || !*long {
		t.Skip("takes minutes; run make e2e")
	}
}

func skipShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a control plane and built binaries; run make test")
	}
}

func binariesFolder(t *testing.T) string {
	t.Helper()
	bin, err := filepath.Abs(*binaries)
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// startStage brings up a stack of the test's own, with the samples applied and enforced.
func startStage(ctx context.Context, t *testing.T, lease time.Duration) *scenes.Stage {
	t.Helper()
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(ctx, stack.Options{
		Binaries: binariesFolder(t), Repository: repository, Dir: t.TempDir(), Lease: lease, Progress: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	if err := scenes.Setup(ctx, s); err != nil {
		t.Fatal(err)
	}
	return &scenes.Stage{Stack: s, Audience: writer{}}
}

// standing gives the answers of one authorizer to every question of the scenes.
func standing(ctx context.Context, on *scenes.Stage, authorizer *stack.Authorizer) (map[string]scenes.Expectation, error) {
	all := map[string]scenes.Expectation{}
	for _, question := range scenes.Questions() {
		answer, err := on.AskOne(ctx, authorizer, question)
		if err != nil {
			return nil, err
		}
		all[question.Title] = scenes.Expectation{Allow: answer.Allowed, Leg: answer.Leg, Reason: answer.Reason}
	}
	return all, nil
}

// mustStand is standing of an authorizer that must answer, and must allow something, so that something could get lost.
func mustStand(ctx context.Context, t *testing.T, on *scenes.Stage, authorizer *stack.Authorizer) map[string]scenes.Expectation {
	t.Helper()
	all, err := standing(ctx, on, authorizer)
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range all {
		if answer.Allow {
			return all
		}
	}
	t.Fatalf("%s allows nothing: %v", authorizer.Name, all)
	return nil
}

func startAgain(t *testing.T, p *stack.Program) {
	t.Helper()
	p.Kill()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
}

func mustBeReady(ctx context.Context, t *testing.T, programs ...*stack.Program) {
	t.Helper()
	for _, p := range programs {
		if err := p.AwaitReady(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// await asks until there is no error.
func await(ctx context.Context, t *testing.T, what string, ask func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("this never came true: %s: %v", what, err)
		case <-tick.C:
		}
	}
}

// says waits until a page of a program's health server says all of these.
func says(ctx context.Context, t *testing.T, health, path string, words ...string) {
	t.Helper()
	await(ctx, t, path+" says "+strings.Join(words, " … "), func() error {
		_, body, err := cluster.Get(ctx, "http://"+health+path)
		if err != nil {
			return err
		}
		for _, word := range words {
			if !strings.Contains(body, word) {
				return fmt.Errorf("it says %s", body)
			}
		}
		return nil
	})
}

func differences(want, got map[string]scenes.Expectation) string {
	if maps.Equal(want, got) {
		return ""
	}
	var lines []string
	for title, answer := range want {
		if got[title] != answer {
			lines = append(lines, fmt.Sprintf("%s: %+v, before it was %+v", title, got[title], answer))
		}
	}
	return strings.Join(lines, "\n")
}
