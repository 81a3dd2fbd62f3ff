// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"behalf.dev/behalf/test/report"
)

// tell writes down what the trials came to.
func tell(r *report.Report, p plan, all []*trial) {
	for _, part := range []struct {
		name string
		tell func(*report.Report, []*trial)
	}{
		{partChanges, tellChanges},
		{partChanges, tellMemory},
		{partChanges, tellConnecting},
		{partRevocations, tellRevocations},
		{partReconnect, tellReconnect},
		{partIdle, tellIdle},
		{partAdmission, tellAdmissions},
	} {
		if p.has(part.name) {
			part.tell(r, all)
		}
	}
}

var courseHead = []string{
	"enforced everywhere, p50", "p99", "latest", "Enforced=True, p50", "p99", "latest", "bytes to each", "processor time of the manager",
}

func (s series) cells() []string {
	return []string{
		milliseconds(percentile(s.everywhere, 50)), milliseconds(percentile(s.everywhere, 99)), milliseconds(most(s.everywhere)),
		milliseconds(percentile(s.enforced, 50)), milliseconds(percentile(s.enforced, 99)), milliseconds(most(s.enforced)),
		report.Bytes(s.bytes), milliseconds(s.processor),
	}
}

func tellChanges(r *report.Report, all []*trial) {
	r.Heading("One changed ServiceDelegation")
	r.Printf("From the API server's answer; %d changes in a row.\n\n", all[0].changes)
	var rows [][]string
	for _, t := range all {
		for _, found := range t.rounds {
			rows = append(rows, append([]string{counted(t.delegations), counted(found.streams)}, found.changes.cells()...))
			if found.streams == 100 {
				r.AtMost(fmt.Sprintf("a change, %s delegations, enforced by 100 authorizers, p99", counted(t.delegations)),
					1000, inMilliseconds(percentile(found.changes.everywhere, 99)), "ms")
			}
		}
	}
	r.Table(append([]string{"delegations", "authorizers"}, courseHead...), rows)
}

func tellRevocations(r *report.Report, all []*trial) {
	r.Heading("One more DelegationRevocation")
	r.Printf("From the API server's answer; %d revocations in a row.\n\n", all[0].plan.revocations)
	var rows [][]string
	for _, t := range all {
		streams := t.full
		rows = append(rows, append([]string{counted(t.delegations), counted(streams)}, t.revocations.cells()...))
		what := fmt.Sprintf("a revocation, %s delegations, enforced by %s authorizers, ", counted(t.delegations), counted(streams))
		r.AtMost(what+"p99", 1000, inMilliseconds(percentile(t.revocations.everywhere, 99)), "ms")
		r.AtMost(what+"the latest", 5000, inMilliseconds(most(t.revocations.everywhere)), "ms")
	}
	r.Table(append([]string{"delegations", "authorizers"}, courseHead...), rows)
}

// tellMemory reckons each authorizer's share from the first step on: with it comes what all share.
func tellMemory(r *report.Report, all []*trial) {
	r.Heading("Memory of the manager")
	var rows [][]string
	var each []int64
	for _, t := range all {
		rows = append(rows, append([]string{counted(t.delegations), "0"}, append(t.alone.cells(), "")...))
		first := t.rounds[0]
		for i, found := range t.rounds {
			share := ""
			if i > 0 {
				perStream := (found.memory.live() - first.memory.live()) / int64(found.streams-first.streams)
				share = report.Bytes(perStream)
				if found.streams == t.full {
					each = append(each, perStream)
				}
			}
			rows = append(rows, append([]string{counted(t.delegations), counted(found.streams)}, append(found.memory.cells(), share)...))
		}
	}
	r.Table([]string{"delegations", "authorizers", "live heap", "stacks", "resident", "resident at its highest", "heap and stacks for each further authorizer"}, rows)
	if len(each) > 1 {
		r.AtMost(fmt.Sprintf("memory of the manager for each authorizer, %s delegations over %s", counted(all[len(all)-1].delegations), counted(all[0].delegations)),
			1.2, float64(each[len(each)-1])/float64(each[0]), "×")
	}
}

func (m memory) cells() []string {
	return []string{report.Bytes(m.heap), report.Bytes(m.stacks), report.Bytes(m.resident), report.Bytes(m.highest)}
}

func tellConnecting(r *report.Report, all []*trial) {
	r.Heading("Coming for the first time")
	var rows [][]string
	for _, t := range all {
		for _, found := range t.rounds {
			rows = append(rows, []string{
				counted(t.delegations), counted(found.streams - found.joined), counted(found.joined), seconds(found.connect), counted(found.connectWrites),
			})
		}
	}
	r.Table([]string{"delegations", "authorizers before", "new at once", "until each held everything", "writes to the API server"}, rows)
}

func tellReconnect(r *report.Report, all []*trial) {
	r.Heading("Coming back to unchanged bundles")
	var rows [][]string
	for _, t := range all {
		found, streams := t.reconnect, counted(t.full)
		rows = append(rows, []string{
			counted(t.delegations), streams, seconds(found.herd), counted(found.herdResent),
			seconds(found.ready), seconds(found.restart), seconds(found.renewed), counted(found.restartResent),
		})
		what := fmt.Sprintf("%s delegations, %s authorizers reconnect ", counted(t.delegations), streams)
		r.AtMost(what+"at once", 30, found.herd.Seconds(), "s")
		r.AtMost(what+"after a restart of the manager", 30, max(found.restart, found.renewed).Seconds(), "s")
		r.AtMost(what+"and are sent bundles", 0, float64(found.herdResent+found.restartResent), "")
	}
	r.Table([]string{
		"delegations", "authorizers", "all at once", "bundles sent", "manager killed: ready", "all connected", "all leases renewed", "bundles sent",
	}, rows)
}

func tellIdle(r *report.Report, all []*trial) {
	r.Heading("Idle")
	for _, t := range all {
		r.Printf("%s delegations, %s authorizers, %s: %d writes to the API server but leases%s.\n",
			counted(t.delegations), counted(t.full), t.idle, t.idleWrites.total(), t.idleWrites)
		r.AtMost(fmt.Sprintf("%s delegations, writes to the API server in %s of idleness", counted(t.delegations), t.idle), 0, float64(t.idleWrites.total()), "")
	}
}

// String lists what was written, behind a colon; nothing where nothing was.
func (w writes) String() string {
	var text strings.Builder
	for i, what := range slices.Sorted(maps.Keys(w)) {
		text.WriteString(map[bool]string{true: ": ", false: ", "}[i == 0])
		fmt.Fprintf(&text, "%s %.0f", what, w[what])
	}
	return text.String()
}

func inMilliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.0f ms", inMilliseconds(d)) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// counted spells a number with a comma before each three digits.
func counted(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
