// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e holds Behalf to its main job with the built binaries on a real control plane, as make demo runs them.
package e2e

import (
	"context"
	"flag"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"behalf.dev/behalf/test/scenes"
	"behalf.dev/behalf/test/stack"
)

var binaries = flag.String("binaries", "../../bin", "folder with manager, authorizer and issuer, as make build leaves them")

func TestEndToEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane and built binaries; run make test")
	}
	RegisterFailHandler(Fail)
	RunSpecs(t, "End to end")
}

var stage *scenes.Stage

var _ = BeforeSuite(func(ctx SpecContext) {
	repository, err := filepath.Abs("../..")
	Expect(err).NotTo(HaveOccurred())
	bin, err := filepath.Abs(*binaries)
	Expect(err).NotTo(HaveOccurred())
	s, err := stack.Start(ctx, stack.Options{Binaries: bin, Repository: repository, Dir: GinkgoT().TempDir(), Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(s.Stop)
	stage = &scenes.Stage{Stack: s, Audience: writer{}}
	Expect(scenes.Setup(ctx, s)).To(Succeed())
}, NodeTimeout(3*time.Minute))

// The later scenes build on the earlier ones, and what is killed is what they set up.
var _ = Describe("Behalf", Ordered, func() {
	for _, scene := range scenes.All() {
		It(scene.Title, func(ctx SpecContext) {
			Expect(scene.Play(ctx, stage)).To(Succeed())
		}, SpecTimeout(time.Minute))
	}

	It("says in its status what the scenes left", func(ctx SpecContext) {
		Expect(scenes.Report(ctx, stage)).To(Succeed())
	}, SpecTimeout(time.Minute))

	for _, crash := range []struct {
		of       string
		programs func() []*stack.Program
	}{
		{"an authorizer", func() []*stack.Program { return []*stack.Program{&stage.Authorizers[0].Program} }},
		{"the manager", func() []*stack.Program { return []*stack.Program{&stage.Manager.Program} }},
		{"the manager and both authorizers", func() []*stack.Program {
			return []*stack.Program{&stage.Manager.Program, &stage.Authorizers[0].Program, &stage.Authorizers[1].Program}
		}},
	} {
		It("decides as before after "+crash.of+" was killed and started again", func(ctx SpecContext) {
			before := answers(ctx)
			Expect(restart(ctx, crash.programs()...)).To(Succeed())
			Expect(answers(ctx)).To(Equal(before))
		}, SpecTimeout(2*time.Minute))
	}

	It("decides as before while the manager is down", func(ctx SpecContext) {
		before := answers(ctx)
		stage.Manager.Kill()
		Expect(answers(ctx)).To(Equal(before))
		Expect(stage.Manager.Start()).To(Succeed())
		Expect(stage.Manager.AwaitReady(ctx)).To(Succeed())
	}, SpecTimeout(2*time.Minute))

	It("still enforces a change after all that", func(ctx SpecContext) {
		Expect(scenes.AllowCommentsAgain(ctx, stage)).To(Succeed())
	}, SpecTimeout(time.Minute))
})

// restart kills the programs, all of them first, and waits until each is ready again.
func restart(ctx context.Context, programs ...*stack.Program) error {
	for _, p := range programs {
		p.Kill()
	}
	for _, p := range programs {
		if err := p.Start(); err != nil {
			return err
		}
	}
	for _, p := range programs {
		if err := p.AwaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// answers of every authorizer to every question of the scenes.
func answers(ctx context.Context) map[string]scenes.Expectation {
	all := map[string]scenes.Expectation{}
	for _, question := range scenes.Questions() {
		for _, authorizer := range stage.Authorizers {
			answer, err := stage.AskOne(ctx, authorizer, question)
			Expect(err).NotTo(HaveOccurred())
			all[authorizer.Name+": "+question.Title] = scenes.Expectation{Allow: answer.Allowed, Leg: answer.Leg, Reason: answer.Reason}
		}
	}
	Expect(all).To(ContainElement(scenes.Expectation{Allow: true}), "nothing is allowed, so nothing could get lost")
	return all
}

// writer tells the scenes to the test's log.
type writer struct{}

func (writer) Asked(question stack.Question, answer stack.Answer) {
	GinkgoWriter.Printf("%s: %+v\n", question, answer)
}

func (writer) Did(who, what, outcome string) { GinkgoWriter.Printf("%s %s: %s\n", who, what, outcome) }

func (writer) Measured(what string, took time.Duration) { GinkgoWriter.Printf("%s: %s\n", what, took) }
