// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"behalf.dev/behalf/test/scenes"
	"behalf.dev/behalf/test/stack"
)

// What a real outage takes: longer than any retry, and well within the leases.
const (
	outage     = 2 * time.Minute
	shortLease = 20 * time.Second
)

// load asks one authorizer every question over and over, and notes each decision.
type load struct {
	on         *scenes.Stage
	authorizer *stack.Authorizer
	// restarting is when the authorizer need not answer.
	restarting atomic.Bool
	expect     func(question string, got scenes.Expectation) error

	decisions, unanswered atomic.Int64
	mu                    sync.Mutex
	wrong                 []string
}

// run asks until ctx ends, without haste.
func (l *load) run(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, question := range scenes.Questions() {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			l.ask(ctx, question)
		}
	}
}

func (l *load) ask(ctx context.Context, question stack.Question) {
	mayFail := l.restarting.Load()
	answer, err := l.on.AskOne(ctx, l.authorizer, question)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		if l.unanswered.Add(1); !mayFail && !l.restarting.Load() {
			l.note(fmt.Sprintf("%s: no answer: %v", question.Title, err))
		}
		return
	}
	l.decisions.Add(1)
	if err := l.expect(question.Title, scenes.Expectation{Allow: answer.Allowed, Leg: answer.Leg, Reason: answer.Reason}); err != nil {
		l.note(fmt.Sprintf("%s: %v", question.Title, err))
	}
}

func (l *load) note(problem string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, problem)
}

// judge errs on all that was noted.
func (l *load) judge(t *testing.T) {
	t.Helper()
	t.Logf("%s: %d decisions, %d times no answer while it was started again, %d wrong",
		l.authorizer.Name, l.decisions.Load(), l.unanswered.Load(), len(l.wrong))
	if l.decisions.Load() == 0 {
		t.Errorf("%s decided nothing", l.authorizer.Name)
	}
	for i, problem := range l.wrong {
		if i == 5 {
			t.Errorf("… and %d more", len(l.wrong)-i)
			return
		}
		t.Error(problem)
	}
}

// underLoad asks both authorizers all along while something is done.
func underLoad(ctx context.Context, t *testing.T, on *scenes.Stage, expect func(before map[string]scenes.Expectation) func(string, scenes.Expectation) error, do func(loads []*load)) {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		group sync.WaitGroup
		loads []*load
	)
	for _, authorizer := range on.Authorizers {
		l := &load{on: on, authorizer: authorizer, expect: expect(mustStand(ctx, t, on, authorizer))}
		loads = append(loads, l)
	}
	for _, l := range loads {
		group.Go(func() { l.run(ctx) })
	}
	do(loads)
	stop()
	group.Wait()
	for _, l := range loads {
		l.judge(t)
	}
}

// startAgain restarts one authorizer, and waits until it is ready.
func (l *load) startAgain(ctx context.Context, t *testing.T) {
	t.Helper()
	l.restarting.Store(true)
	defer l.restarting.Store(false)
	startAgain(t, &l.authorizer.Program)
	mustBeReady(ctx, t, &l.authorizer.Program)
	await(ctx, t, "it answers again", func() error {
		_, err := standing(ctx, l.on, l.authorizer)
		return err
	})
}

func wait(ctx context.Context, t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	case <-time.After(d):
	}
}

// bringBack brings the control plane and the manager back.
func bringBack(ctx context.Context, t *testing.T, on *scenes.Stage, end func(context.Context) error) {
	t.Helper()
	if err := end(ctx); err != nil {
		t.Fatal(err)
	}
	if err := on.Manager.Start(); err != nil {
		t.Fatal(err)
	}
	mustBeReady(ctx, t, &on.Manager.Program)
}

func policyChange(t *testing.T) scenes.Scene {
	t.Helper()
	for _, scene := range scenes.All() {
		if scene.Title == "A policy change, enforced on both authorizers" {
			return scene
		}
	}
	t.Fatal("the scene with the policy change is gone")
	return scenes.Scene{}
}

// THREATS 33, 34: two minutes without manager, API server and etcd change no decision, although the authorizers are started
// again in between.
func TestAnOutageOfTwoMinutesChangesNoDecision(t *testing.T) {
	skipUnlessLong(t)
	ctx := t.Context()
	on := startStage(ctx, t, 0)
	asBefore := func(before map[string]scenes.Expectation) func(string, scenes.Expectation) error {
		return func(question string, got scenes.Expectation) error {
			if got != before[question] {
				return fmt.Errorf("%+v, before it was %+v", got, before[question])
			}
			return nil
		}
	}
	underLoad(ctx, t, on, asBefore, func(loads []*load) {
		on.Manager.Kill()
		end := on.Cluster.Outage()
		for _, l := range loads {
			wait(ctx, t, outage/3)
			l.startAgain(ctx, t)
		}
		wait(ctx, t, outage/3)
		bringBack(ctx, t, on, end)
		wait(ctx, t, 5*time.Second)
	})
	// All catch up: a change is enforced on both.
	if err := policyChange(t).Play(ctx, on); err != nil {
		t.Error(err)
	}
}

// THREATS 33: with a lease of 20 seconds every decision after it is a denial for that, restarts or not.
func TestAnOutageThatOutlastsTheLeaseDeniesAll(t *testing.T) {
	skipUnlessLong(t)
	ctx := t.Context()
	on := startStage(ctx, t, shortLease)
	var over atomic.Bool // the leases have ended
	stale := scenes.Expectation{Leg: "freshness", Reason: "stale_bundle"}
	byTheLease := func(before map[string]scenes.Expectation) func(string, scenes.Expectation) error {
		return func(question string, got scenes.Expectation) error {
			switch {
			case over.Load() && got != stale && got != nobody:
				return fmt.Errorf("%+v after the lease", got)
			case !over.Load() && got != before[question] && got != stale:
				return fmt.Errorf("%+v, before it was %+v", got, before[question])
			}
			return nil
		}
	}
	var end func(context.Context) error
	underLoad(ctx, t, on, byTheLease, func(loads []*load) {
		on.Manager.Kill()
		end = on.Cluster.Outage()
		wait(ctx, t, shortLease+2*time.Second)
		over.Store(true)
		wait(ctx, t, 10*time.Second)
		for _, l := range loads {
			l.restarting.Store(true)
			startAgain(t, &l.authorizer.Program)
			await(ctx, t, "it answers again", func() error { _, err := standing(ctx, on, l.authorizer); return err })
			l.restarting.Store(false)
			says(ctx, t, l.authorizer.Health, "/readyz", "not ready: every request is denied", "the lease of the Trust bundle ended at")
			says(ctx, t, l.authorizer.Health, "/metrics", `behalf_bundles{kind="Trust",state="Expired"} 1`)
		}
		wait(ctx, t, 10*time.Second)
	})
	bringBack(ctx, t, on, end)
	for _, authorizer := range on.Authorizers {
		mustBeReady(ctx, t, &authorizer.Program)
	}
	if err := policyChange(t).Play(ctx, on); err != nil {
		t.Error(err)
	}
}

// nobody is what a request without a person is denied for, before any bundle is asked.
var nobody = scenes.Expectation{Leg: "identity", Reason: "subject_missing"}
