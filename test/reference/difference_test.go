// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"fmt"
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

// stillDiffers is false where the model cannot read what shrinking made, such as a condition that is empty.
func (p *puzzle) stillDiffers() (differs bool) {
	defer func() {
		if recover() != nil {
			differs = false
		}
	}()
	c, err := p.compare()
	return err == nil && c.differs()
}

func compare(world *reference.World, model *reference.Accepted, snapshot *engine.Snapshot, t trial) comparison {
	return comparison{
		world: world, model: model, trial: t,
		want: model.Decide(&t.Request, t.Now), got: answerOf(snapshot.Decide(&t.Request, t.Now)),
	}
}

// report shrinks a difference and prints what is left of it.
func (d difference) report() string {
	if d.failed != nil {
		return fmt.Sprintf("a world cannot be loaded: %v; %s\n%s", d.failed, d.again, inYAML(d.puzzle.World))
	}
	shrink(&d.puzzle, d.puzzle.stillDiffers)
	c, err := d.puzzle.compare()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("model and engine differ; %s\nmodel:  %s\nengine: %s\n--- the world, shrunk\n%s--- the request, shrunk\n%s",
		d.again, describe(c.want), describe(c.got), inYAML(d.puzzle.World), inYAML(d.puzzle.Trial))
}

func describe(a reference.Answer) string {
	text := a.Outcome.String()
	if a.Outcome == authz.Deny {
		text += fmt.Sprintf(" by leg %s: %s", a.Leg, a.Reason)
	}
	if a.DryRun != (reference.Obstacle{}) {
		text += fmt.Sprintf(", in a dry run; else denied by leg %s: %s", a.DryRun.Leg, a.DryRun.Reason)
	}
	return text
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
