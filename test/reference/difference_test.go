// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/test/reference"
)

// difference is a world and a request to which model and engine gave different answers.
type difference struct {
	seed   uint64
	again  string // how to see it again
	failed error  // the world could not be loaded
	puzzle puzzle
	seen   comparison
}

// puzzle is a world and one request. It is what shrinks.
type puzzle struct {
	World reference.World
	Trial trial
}

// compare asks both.
func (p *puzzle) compare() (comparison, error) {
	snapshot, err := load(p.World)
	if err != nil {
		return comparison{}, err
	}
	model := reference.Accept(p.World)
	return compare(&p.World, model, snapshot, p.Trial), nil
}

// stillDiffersAs says whether the two still differ, and in the same words: another difference is another report. It is false
// where the model cannot read what shrinking made, such as a condition that is empty.
func (p *puzzle) stillDiffersAs(before comparison) (differs bool) {
	defer func() {
		if recover() != nil {
			differs = false
		}
	}()
	c, err := p.compare()
	return err == nil && c.differs() && sameWords(c.want, before.want) && sameWords(c.got, before.got)
}

func sameWords(a, b reference.Answer) bool {
	return a.Outcome == b.Outcome && a.Denial == b.Denial && a.DryRun == b.DryRun && slices.Equal(a.Obstacles, b.Obstacles)
}

func compare(world *reference.World, model *reference.Accepted, snapshot *engine.Snapshot, t trial) comparison {
	return comparison{
		world: world, model: model, trial: t,
		want: model.Decide(&t.Request, t.Now), got: decide(snapshot, t),
	}
}

// report shrinks a difference and prints what is left of it.
func (d difference) report() string {
	if d.failed != nil {
		return fmt.Sprintf("a world cannot be loaded: %v; %s\n%s", d.failed, d.again, inYAML(d.puzzle.World))
	}
	heading := "model and engine differ; " + d.again
	if !d.puzzle.stillDiffersAs(d.seen) {
		heading = "model and engine differ, but not when only this is asked: something stayed from requests before; " + d.again
	}
	shrink(&d.puzzle, func() bool { return d.puzzle.stillDiffersAs(d.seen) })
	return fmt.Sprintf("%s\nmodel:  %s\nengine: %s\n--- the world\n%s--- the request\n%s",
		heading, describe(d.seen.want), describe(d.seen.got), inYAML(d.puzzle.World), inYAML(d.puzzle.Trial))
}

func describe(a reference.Answer) string {
	text := a.Outcome.String()
	if a.Outcome == authz.Deny {
		text += fmt.Sprintf(" by leg %s: %s", a.Denial.Leg, a.Denial.Reason)
	}
	if a.DryRun != (reference.Obstacle{}) {
		text += fmt.Sprintf(", in a dry run; else denied by leg %s: %s", a.DryRun.Leg, a.DryRun.Reason)
	}
	return fmt.Sprintf("%s; obstacles %v; rests on %+v", text, a.Obstacles, a.Rests)
}

// inYAML leaves out what says nothing.
func inYAML(v any) string {
	raw, err := yaml.Marshal(v)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.Lines(string(raw)) {
		if !strings.HasSuffix(line, ": null\n") && !strings.HasSuffix(line, ": {}\n") && !strings.HasSuffix(line, `: ""`+"\n") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
