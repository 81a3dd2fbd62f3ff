// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"behalf.dev/behalf/test/cluster"
)

// sample is one line of what Prometheus scrapes.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

var (
	sampleLine  = regexp.MustCompile(`^(\w+)(?:\{(.*)\})? (\S+)$`)
	sampleLabel = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// samples reads the lines with a name that one of the prefixes begins.
func samples(raw []byte, prefixes ...string) []sample {
	var all []sample
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !beginsWith(lines.Text(), prefixes) {
			continue
		}
		parts := sampleLine.FindStringSubmatch(lines.Text())
		if parts == nil {
			continue
		}
		value, err := strconv.ParseFloat(parts[3], 64)
		if err != nil {
			continue
		}
		labels := map[string]string{}
		for _, label := range sampleLabel.FindAllStringSubmatch(parts[2], -1) {
			labels[label[1]] = label[2]
		}
		all = append(all, sample{parts[1], labels, value})
	}
	return all
}

func beginsWith(text string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// memory is what the manager takes.
type memory struct {
	// heap is what a collection left alive, and stacks those of its goroutines.
	heap, stacks int64
	// resident is what the system says of the process, and highest the most that it was since the process began; 0 where the system does not tell.
	resident, highest int64
}

// live is what it needs; the rest is for the collector to decide on.
func (m memory) live() int64 { return m.heap + m.stacks }

const (
	metricCollections = "go_gc_cycles_total_gc_cycles_total"
	metricHeap        = "go_gc_heap_live_bytes"
	metricStacks      = "go_memory_classes_heap_stacks_bytes"
	metricResident    = "process_resident_memory_bytes"
)

var errNoFigures = errors.New("the manager does not tell what it takes")

// figures are the manager's own of this moment.
func (m *manager) figures(ctx context.Context) (memory, int64, error) {
	page, err := cluster.Page(ctx, "http://"+m.metrics+"/metrics")
	if err != nil {
		return memory{}, 0, err
	}
	values := map[string]int64{}
	for _, s := range samples([]byte(page), metricCollections, metricHeap, metricStacks, metricResident) {
		values[s.name] = int64(s.value)
	}
	if values[metricHeap] == 0 || values[metricStacks] == 0 || values[metricResident] == 0 {
		return memory{}, 0, errNoFigures
	}
	found := memory{heap: values[metricHeap], stacks: values[metricStacks], resident: values[metricResident], highest: highest(m.process.PID())}
	return found, values[metricCollections], nil
}

// processor is the time that the manager has used processors for, since it started.
func (m *manager) processor(ctx context.Context) (time.Duration, error) {
	page, err := cluster.Page(ctx, "http://"+m.metrics+"/metrics")
	if err != nil {
		return 0, err
	}
	found := samples([]byte(page), "process_cpu_seconds_total")
	if len(found) != 1 {
		return 0, errNoFigures
	}
	return time.Duration(found[0].value * float64(time.Second)), nil
}

var highWater = regexp.MustCompile(`(?m)^VmHWM:\s*(\d+) kB$`)

// highest is what Linux tells.
func highest(pid int) int64 {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	found := highWater.FindSubmatch(raw)
	if found == nil {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(string(found[1]), 10, 64) // the pattern lets nothing else come
	return kilobytes << 10
}

// collected is what is alive after two collections that began from now on. An idle manager collects every two minutes; being
// asked makes garbage, and hastens that.
func (m *manager) collected(ctx context.Context) (memory, error) {
	_, before, err := m.figures(ctx)
	if err != nil {
		return memory{}, err
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		found, collections, err := m.figures(ctx)
		if err != nil {
			return memory{}, err
		}
		if collections >= before+3 { // one may have been under way
			return found, nil
		}
	}
	return memory{}, fmt.Errorf("waiting for the manager to collect its garbage: %w", context.DeadlineExceeded)
}

// writes are the requests to the API server that change what it stores, by verb and resource, since it started.
type writes map[string]float64

// writing are the verbs of apiserver_request_total that write.
var writing = map[string]bool{"POST": true, "PUT": true, "PATCH": true, "APPLY": true, "DELETE": true, "DELETECOLLECTION": true}

// asking are resources that are created to ask something and never stored; leases are those of elections.
var asking = map[string]bool{
	"tokenreviews": true, "subjectaccessreviews": true, "selfsubjectaccessreviews": true, "selfsubjectreviews": true, "leases": true,
}

func (s *stage) writes(ctx context.Context) (writes, error) {
	raw, err := s.rest.Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the API server's metrics: %w", err)
	}
	return writesIn(raw), nil
}

func writesIn(raw []byte) writes {
	counted := writes{}
	for _, s := range samples(raw, "apiserver_request_total{") {
		verb, resource := s.labels["verb"], s.labels["resource"]
		if !writing[verb] || asking[resource] || s.labels["subresource"] == "token" {
			continue
		}
		if sub := s.labels["subresource"]; sub != "" {
			resource += "/" + sub
		}
		counted[verb+" "+resource] += s.value
	}
	return counted
}

// since is what was written after an earlier moment.
func (w writes) since(earlier writes) writes {
	more := writes{}
	for what, count := range w {
		if count > earlier[what] {
			more[what] = count - earlier[what]
		}
	}
	return more
}

func (w writes) total() int {
	sum := 0.0
	for _, count := range w {
		sum += count
	}
	return int(sum)
}

// quiet is how long nothing is written once the manager has come to rest.
const quiet = 3 * time.Second

// heldBack are what the manager writes of many objects at ten a second, and what nothing waits for.
const heldBack = "POST events"

func (w writes) without(passedOver []string) writes {
	others := maps.Clone(w)
	for _, what := range passedOver {
		delete(others, what)
	}
	return others
}

// settle waits until nothing is written any more but what is passed over, and gives how much was until then.
func (s *stage) settle(ctx context.Context, passedOver ...string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	first, err := s.writes(ctx)
	if err != nil {
		return 0, err
	}
	last := first
	for since := time.Now(); time.Since(since) < quiet; {
		if err := pause(ctx, quiet/6); err != nil {
			return 0, fmt.Errorf("waiting for the manager to come to rest, which went on with %v: %w", last.since(first), err)
		}
		now, err := s.writes(ctx)
		if err != nil {
			return 0, err
		}
		if now.since(last).without(passedOver).total() > 0 {
			since, last = time.Now(), now
		}
	}
	return last.since(first).total(), nil
}

// pause passes time; nothing is waited for.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
