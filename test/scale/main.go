// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Command scale measures how long it takes until a change is enforced by many authorizers, with a real API server, the real
// manager as a process of its own, and authorizers in this one; and what that costs the manager. It reports that as
// docs/benchmarks.md has it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"behalf.dev/behalf/test/report"
)

func main() { os.Exit(command()) }

// command gives the exit code.
func command() int {
	p := usual()
	into := flag.String("into", "", "the document in which to replace the report; otherwise it is only printed")
	quick := flag.Bool("quick", false, "a small world, few authorizers and few changes, to try the program out")
	only := flag.String("only", "", "the parts to measure, separated by commas: "+strings.Join(parts, ", "))
	flag.StringVar(&p.manager, "manager", "bin/manager", "the manager, as make build builds it")
	flag.Func("delegations", "the sizes of the worlds, separated by commas", numbers(&p.delegations))
	flag.Func("authorizers", "how many of them to connect, step by step, separated by commas", numbers(&p.streams))
	flag.DurationVar(&p.idle, "idle", p.idle, "for how long to watch an idle manager for writes to the API server")
	flag.IntVar(&p.whole, "whole", p.whole, "how many of the authorizers decode and load what they get; the others verify and count it")
	rival := flag.String("rival", "", "serve at this address what admissions are compared with, and measure nothing")
	flag.Parse()
	if *quick {
		p = p.brief()
		flag.Parse() // what is asked for goes before what is brief
	}
	log.SetLogger(logr.Discard()) // clients have nothing to say that is not in an error
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *rival != "" {
		return exit(serveRival(ctx, *rival))
	}
	return exit(run(ctx, p, *only, *into, os.Stdout))
}

// exit gives the exit code, and says what went wrong.
func exit(err error) int {
	if err != nil {
		fmt.Fprintf(os.Stderr, "scale: %v\n", err)
		return 1
	}
	return 0
}

// numbers reads a list for a flag.
func numbers(into *[]int) func(string) error {
	return func(list string) error {
		*into = nil
		for part := range strings.SplitSeq(list, ",") {
			n, err := strconv.Atoi(part)
			if err != nil || n <= 0 {
				return fmt.Errorf("%q is no number above 0", part)
			}
			*into = append(*into, n)
		}
		if !slices.IsSorted(*into) {
			return errors.New("the numbers must rise")
		}
		return nil
	}
}

// The parts of the report.
const (
	partBroadcast   = "broadcast"
	partChanges     = "changes"
	partRevocations = "revocations"
	partReconnect   = "reconnect"
	partIdle        = "idle"
	partAdmission   = "admission"
)

var parts = []string{partBroadcast, partChanges, partRevocations, partReconnect, partIdle, partAdmission}

// plan is what to measure, and how thoroughly.
type plan struct {
	manager string
	parts   []string
	// delegations are the sizes of the worlds, over this many resource servers.
	delegations []int
	servers     int
	// streams are the numbers of authorizers, in rising order.
	streams []int
	// whole is how many of them, at most, are whole.
	whole                int
	changes, revocations int
	idle                 time.Duration
	// rounds of the comparison with a broadcast.
	rounds int
	// turn is how long each webhook is asked at a time, and turns how often.
	turn  time.Duration
	turns int
	// pods is how many are created through the API server.
	pods int
}

func usual() plan {
	return plan{
		delegations: []int{1000, 10_000}, servers: 100, streams: []int{10, 100, 1000}, whole: 100,
		changes: 100, revocations: 100, idle: time.Minute, rounds: 100,
		turn: 2 * time.Second, turns: 9, pods: 10_000,
	}
}

// brief is the plan for trying out.
func (p plan) brief() plan {
	p.delegations, p.servers, p.streams = []int{100, 300}, 10, []int{5, 20}
	p.changes, p.revocations, p.idle, p.rounds, p.turn, p.turns, p.pods = 10, 10, 5*time.Second, 5, 200*time.Millisecond, 3, 200
	return p
}

func (p plan) has(part string) bool { return slices.Contains(p.parts, part) }

var errUnknownPart = errors.New("there is no such part")

// only keeps what is asked for; everything where nothing is.
func (p plan) only(list string) (plan, error) {
	p.parts = parts
	if list == "" {
		return p, nil
	}
	p.parts = strings.Split(list, ",")
	for _, part := range p.parts {
		if !slices.Contains(parts, part) {
			return p, fmt.Errorf("reading -only: %w as %q: name some of %s", errUnknownPart, part, strings.Join(parts, ", "))
		}
	}
	return p, nil
}

// atRest is how long a report that is kept waits for those who use the machine.
const atRest = 3 * time.Minute

// trialRun marks figures of which nobody can say whether they are Behalf's.
const trialRun = "**Others were using the machine: these figures are those of a trial, and bounds may fall short for that alone.**"

func run(ctx context.Context, p plan, only, into string, out io.Writer) error {
	p, err := p.only(only)
	if err != nil {
		return err
	}
	if into != "" {
		progressf("waiting until the machine is at rest, for up to %s", atRest)
		report.Rest(ctx, atRest)
	}
	r := report.New(out, "make scale-report")
	r.Machine(ctx)
	if report.Busy() {
		r.Printf("%s\n", trialRun)
	}
	if p.has(partBroadcast) {
		if err := broadcast(ctx, r, p); err != nil {
			return fmt.Errorf("comparing with a broadcast: %w", err)
		}
	}
	if !slices.Equal(p.parts, []string{partBroadcast}) {
		if err := trials(ctx, r, p); err != nil {
			return err
		}
	}
	r.Verdicts()
	r.Printf("\nLoad average at the end: %s.\n", report.LoadAverage())
	if into == "" {
		return nil
	}
	return r.Write(into)
}

// trials measures each world in a control plane of its own.
func trials(ctx context.Context, r *report.Report, p plan) error {
	var all []*trial
	for _, delegations := range p.delegations {
		t := &trial{plan: p, delegations: delegations, full: p.streams[len(p.streams)-1]}
		if err := t.run(ctx); err != nil {
			return fmt.Errorf("measuring a world of %d delegations: %w", delegations, err)
		}
		all = append(all, t)
	}
	tell(r, p, all)
	return nil
}

// progressf says on standard error what is being done.
func progressf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s  "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}
