// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Command bench measures what decisions, loading and compiling cost, beside a floor and other engines in the same run, and
// reports it as docs/benchmarks.md has it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"behalf.dev/behalf/test/bench/measure"
	"behalf.dev/behalf/test/report"
)

func main() {
	into := flag.String("into", "", "the document in which to replace the report; otherwise it is only printed")
	quick := flag.Bool("quick", false, "measure briefly, to try the program out")
	only := flag.String("only", "", "the one section to measure: decisions, scales, loading or compiling")
	busy := flag.Bool("busy", false, "take the fastest of many short rounds, on a machine on which others are at work")
	flag.Parse()
	if err := run(context.Background(), options{*into, *quick, *busy, *only}, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

type options struct {
	into  string
	quick bool
	busy  bool
	only  string
}

// section is a part of the report.
type section struct {
	name  string
	write func(context.Context, *report.Report, plans) error
}

var sections = []section{{"decisions", decisions}, {"scales", scales}, {"loading", loading}, {"compiling", compiling}}

// plans are how thoroughly to measure what takes nanoseconds to microseconds, and what takes milliseconds or more.
type plans struct{ fine, coarse measure.Plan }

func run(ctx context.Context, o options, out io.Writer) error {
	p := plans{
		fine:   measure.Plan{Rounds: 15, Turn: 20 * time.Millisecond, Warm: rotation},
		coarse: measure.Plan{Rounds: 7, Turn: 50 * time.Millisecond, Collected: true},
	}
	if o.quick {
		p.fine.Rounds, p.fine.Turn, p.coarse.Rounds, p.coarse.Turn = 3, 5*time.Millisecond, 1, time.Millisecond
	}
	if o.busy {
		p.fine.Rounds, p.fine.Turn, p.fine.Fastest, p.coarse.Fastest = 60, 2*time.Millisecond, true, true
	}
	r := report.New(out, "make bench-report")
	if err := machine(ctx, r, p); err != nil {
		return err
	}
	for _, s := range sections {
		if o.only != "" && o.only != s.name {
			continue
		}
		if err := s.write(ctx, r, p); err != nil {
			return fmt.Errorf("measuring %s: %w", s.name, err)
		}
	}
	r.Verdicts()
	if o.into == "" {
		return nil
	}
	return r.Write(o.into)
}
