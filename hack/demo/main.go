// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows Behalf's main job to a person: it brings up a control plane, the manager, two authorizers and an
// issuer, plays the scenes of test/scenes, and takes everything down again, or leaves it running if asked.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"behalf.dev/behalf/test/scenes"
	"behalf.dev/behalf/test/stack"
)

func main() {
	keep := flag.Bool("keep", os.Getenv("KEEP") == "1", "leave everything running and say how to go on")
	down := flag.Bool("down", false, "only stop what an earlier run left running")
	binaries := flag.String("binaries", "bin", "folder with manager, authorizer and issuer")
	flag.Parse()

	os.Exit(exit(*binaries, *keep, *down))
}

// exit runs the demo and gives the status to exit with: 130 is a shell's for an interrupt.
func exit(binaries string, keep, down bool) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := run(ctx, binaries, keep, down)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		fmt.Fprintln(os.Stderr, "\ninterrupted; nothing is left running")
		return 130
	case err != nil:
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		return 1
	default:
		return 0
	}
}

func run(ctx context.Context, binaries string, keep, down bool) error {
	// client-go and controller-runtime log through logr; the demo speaks for itself.
	ctrllog.SetLogger(logr.Discard())
	previous, err := readState()
	if err != nil {
		return err
	}
	if err := previous.stop(); err != nil {
		return err
	}
	if down {
		if previous.Dir == "" {
			fmt.Println("nothing is running")
		}
		return nil
	}
	dir, err := os.MkdirTemp("", "behalf-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the run: %w", err)
	}
	err = play(ctx, dir, binaries, keep)
	// What went wrong is to be read in the logs; what went well or was interrupted leaves nothing.
	if kept := err == nil && keep; kept || (err != nil && ctx.Err() == nil) {
		return err
	}
	return errors.Join(err, os.RemoveAll(dir))
}

func play(ctx context.Context, dir, binaries string, keep bool) (err error) {
	paper := newPaper(os.Stdout)
	paper.heading("Behalf: on-behalf-of authorization for Kubernetes", "Everything below is real: an API server, the manager, two authorizers, an issuer, and signed tokens.")
	began := time.Now()
	repository, err := filepath.Abs(".")
	if err != nil {
		return fmt.Errorf("finding the checkout: %w", err)
	}
	s, err := stack.Start(ctx, stack.Options{Binaries: binaries, Repository: repository, Dir: dir, Outlive: keep, Progress: os.Stdout})
	if err != nil {
		return fmt.Errorf("starting Behalf (logs are in %s): %w", dir, err)
	}
	// Left running only after everything went well.
	defer func() {
		if err != nil || !keep {
			s.Stop()
		}
	}()
	if err := scenes.Setup(ctx, s); err != nil {
		return fmt.Errorf("applying config/samples (logs are in %s): %w", dir, err)
	}
	paper.step(began, "config/samples applied by their owners and enforced on both authorizers")
	if err := playScenes(ctx, s, paper); err != nil {
		return fmt.Errorf("%w (logs are in %s)", err, dir)
	}
	if err := glance(ctx, s, paper); err != nil {
		return err
	}
	paper.done(len(scenes.All()), time.Since(began))
	if !keep {
		return nil
	}
	if err := (state{Dir: dir, PIDs: s.Cluster.PIDs()}).write(); err != nil {
		return err
	}
	return howToGoOn(s, paper)
}

func playScenes(ctx context.Context, s *stack.Stack, paper *paper) error {
	for i, scene := range scenes.All() {
		paper.heading(fmt.Sprintf("%d. %s", i+1, scene.Title), scene.Story)
		if err := scene.Play(ctx, &scenes.Stage{Stack: s, Audience: paper}); err != nil {
			return fmt.Errorf("scene %d, %s: %w", i+1, scene.Title, err)
		}
	}
	return nil
}

// glance shows what an admin sees at the end.
func glance(ctx context.Context, s *stack.Stack, paper *paper) error {
	paper.heading("At a glance: kubectl get behalf -A", "The copilot asks for a scope that no API has, the chat for one that it may not use, and the portal for one that security has just forbidden: WithinPolicy says so.")
	out, err := s.Kubectl(ctx, "get", "behalf", "-A")
	paper.verbatim(out)
	return err
}

func howToGoOn(s *stack.Stack, paper *paper) error {
	paper.heading("It is still running", "Go on in this or another terminal:")
	authorizer := s.Authorizers[0]
	restart, err := authorizer.Script()
	if err != nil {
		return err
	}
	for _, line := range []string{
		"export KUBECONFIG=" + s.Cluster.AdminKubeconfig,
		"alias kubectl=" + s.Cluster.Binary("kubectl"),
		"",
		"kubectl get behalf -A",
		"kubectl describe servicedelegation -n sales copilot",
		"kubectl explain delegationpolicy.spec",
		"kubectl delete delegationpolicy no-comments-through-the-portal",
		"tail -f " + filepath.Join(s.Cluster.Dir, "authorizer-a.decisions.jsonl"),
		"",
		"# ask for a decision by hand (docs/asking.md)",
		"TOKEN=$(kubectl create token " + stack.PEP + " -n " + stack.Namespace + " --audience behalf-authzen)",
		"curl -s http://" + authorizer.AuthZEN + `/access/v1/evaluation -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '` + byHand + "'",
		"",
		"# kill an authorizer, see what it waits for, start it again",
		"pkill -9 -f node-id=authorizer-a",
		"curl -s http://" + s.Authorizers[1].Health + "/readyz",
		restart + " &",
		"",
		"make demo-down    # stops everything",
	} {
		paper.verbatim(line + "\n")
	}
	return nil
}

// byHand is scene 3 as an AuthZEN evaluation.
const byHand = `{"subject": {"type": "user", "id": "dr-grey", "properties": {"issuer": "corp", "groups": ["clinicians"], "claims": {"patients": ["p-17"]}}}, ` +
	`"action": {"name": "records:read"}, "resource": {"type": "patient", "id": "p-17"}, ` +
	`"context": {"audience": "https://records.clinic.example", "actor": "clinic/scheduler"}}`
