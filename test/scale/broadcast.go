// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"behalf.dev/behalf/test/report"
)

// comparison is one line of BenchmarkOneChangeToAll.
type comparison struct {
	resources, clients int
	// change and floor are times, ratio is one over the other, and perClient is the heap that each client costs, at both of
	// its ends.
	change, floor time.Duration
	ratio         float64
	perClient     int64
}

// broadcast runs the benchmark of internal/distribution, which alone can put a Server beside a plain broadcast.
func broadcast(ctx context.Context, r *report.Report, p plan) error {
	progressf("one change beside a broadcast of the same bytes")
	command := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench=^BenchmarkOneChangeToAll$",
		"-benchtime="+strconv.Itoa(p.rounds)+"x", "./internal/distribution")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("go test -bench: %w: %s%s", err, out, stderr.Bytes())
	}
	found := comparisons(string(out))
	if len(found) == 0 {
		return fmt.Errorf("%w: %s", errNoComparison, out)
	}
	tellBroadcast(r, p, found)
	return nil
}

var errNoComparison = errors.New("reading the benchmark: it has no line that is known here")

var (
	benchmarkName   = regexp.MustCompile(`^BenchmarkOneChangeToAll/resources=(\d+)/clients=(\d+)`)
	benchmarkFigure = regexp.MustCompile(`(\S+) (ratio|µs/change|µs/floor|B/client)`)
)

// comparisons reads what go test -bench prints.
func comparisons(out string) []comparison {
	var all []comparison
	for line := range strings.Lines(out) {
		name := benchmarkName.FindStringSubmatch(line)
		if name == nil {
			continue
		}
		figures := map[string]float64{}
		for _, figure := range benchmarkFigure.FindAllStringSubmatch(line, -1) {
			figures[figure[2]], _ = strconv.ParseFloat(figure[1], 64) // no figure is 0, and shows
		}
		all = append(all, comparison{
			resources: number(name[1]), clients: number(name[2]), ratio: figures["ratio"],
			change: microseconds(figures["µs/change"]), floor: microseconds(figures["µs/floor"]), perClient: int64(figures["B/client"]),
		})
	}
	return all
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits) // the pattern lets nothing else come
	return n
}

func microseconds(f float64) time.Duration { return time.Duration(f * float64(time.Microsecond)) }

func tellBroadcast(r *report.Report, p plan, found []comparison) {
	r.Heading("One change beside a broadcast")
	r.Printf("The same bytes (2 KiB) to the same clients over TLS on loopback, in turns, in one process; medians of %d rounds. The broadcast is a plain "+
		"gRPC stream to each client, written without a thought and read to the end; Behalf's ends when every client has acknowledged.\n\n", p.rounds)
	var rows [][]string
	for _, c := range found {
		rows = append(rows, []string{
			counted(c.resources), counted(c.clients), report.Took(c.floor), report.Took(c.change), report.Ratio(c.ratio, 1), report.Bytes(c.perClient),
		})
		r.AtMost(fmt.Sprintf("one change over a broadcast, %s resources, %s clients", counted(c.resources), counted(c.clients)), 3, c.ratio, "×")
	}
	r.Table([]string{"resources", "clients", "broadcast", "Behalf", "Behalf / broadcast", "heap for each client, both ends"}, rows)
	few, many := sized(found, 1000, 100), sized(found, 10_000, 100)
	if few.change == 0 || many.change == 0 {
		return
	}
	r.AtMost("one change, 10,000 resources over 1,000, 100 clients", 1.3, float64(many.change)/float64(few.change), "×")
	r.AtMost("memory of a client, 10,000 resources over 1,000", 1.1, float64(many.perClient)/float64(few.perClient), "×")
}

func sized(found []comparison, resources, clients int) comparison {
	for _, c := range found {
		if c.resources == resources && c.clients == clients {
			return c
		}
	}
	return comparison{}
}
