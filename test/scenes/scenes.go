// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package scenes holds the everyday situations that Behalf is made for, each with what must come of it. The demo tells
// them to a person, the end-to-end tests hold Behalf to them.
package scenes

import (
	"context"
	"fmt"
	"time"

	"behalf.dev/behalf/test/stack"
)

// Scene is one situation.
type Scene struct {
	Title string
	// Story says in a few sentences who wants what, and why the answer is right.
	Story string
	// Questions, each with the answer that it must get.
	Questions []Asked
	// Then does what is to be done beside asking, after the questions; nil where there is nothing.
	Then func(ctx context.Context, on *Stage) error
}

// Play asks and does what the scene is about, and errs where Behalf answers anything but what was expected.
func (s Scene) Play(ctx context.Context, on *Stage) error {
	for _, q := range s.Questions {
		if err := on.Ask(ctx, q.Question, q.Want); err != nil {
			return err
		}
	}
	if s.Then == nil {
		return nil
	}
	return s.Then(ctx, on)
}

// Asked is a question with the answer that it must get.
type Asked struct {
	stack.Question
	Want Expectation
}

// Audience watches scenes.
type Audience interface {
	// Asked is told one question and the answer that every authorizer gave.
	Asked(question stack.Question, answer stack.Answer)
	// Did is told something that somebody did, and what came of it.
	Did(who, what, outcome string)
	// Measured is told how long something took.
	Measured(what string, took time.Duration)
}

// Stage is where a scene plays.
type Stage struct {
	*stack.Stack
	Audience Audience
}

// Expectation is the answer that a question must get. Written out, never computed.
type Expectation struct {
	Allow bool
	// Leg and Reason of a denial.
	Leg    string
	Reason string
}

var allowed = Expectation{Allow: true}

func denied(leg, reason string) Expectation { return Expectation{Leg: leg, Reason: reason} }

// Ask puts a question to every authorizer and errs unless all give the expected answer.
func (on *Stage) Ask(ctx context.Context, question stack.Question, want Expectation) error {
	for i, authorizer := range on.Authorizers {
		answer, err := on.AskOne(ctx, authorizer, question)
		if err != nil {
			return fmt.Errorf("%s: asking %s: %w", question.Title, authorizer.Name, err)
		}
		if got := (Expectation{Allow: answer.Allowed, Leg: answer.Leg, Reason: answer.Reason}); got != want {
			return fmt.Errorf("%s: %s answered %+v (%s), expected %+v", question.Title, authorizer.Name, got, answer.Message, want)
		}
		if i == len(on.Authorizers)-1 {
			return on.tell(ctx, authorizer, question, answer)
		}
	}
	return nil
}

func (on *Stage) tell(ctx context.Context, authorizer *stack.Authorizer, question stack.Question, answer stack.Answer) error {
	if err := on.Explain(ctx, authorizer, &answer); err != nil {
		return fmt.Errorf("%s: %w", question.Title, err)
	}
	on.Audience.Asked(question, answer)
	return nil
}

// All lists the scenes in the order in which they are told; the later ones change what the earlier ones found.
func All() []Scene {
	return []Scene{
		supportPortal, copilot, clinic, incidentBot, payment, nobodyBehind, chain, refusedDeployment, policyChange, revocation,
	}
}

// Questions lists the questions of all scenes.
func Questions() []stack.Question {
	var all []stack.Question
	for _, scene := range All() {
		for _, q := range scene.Questions {
			all = append(all, q.Question)
		}
	}
	return all
}
