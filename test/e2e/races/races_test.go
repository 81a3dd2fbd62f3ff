// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package races

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/test/stack"
)

// lanes is how many services race at a time, each by itself.
const lanes = 24

// apart is by how much the two runners of a race may start apart. The change takes longer than the pod, for it has to reach the
// webhook too.
const apart = 30 * time.Millisecond

// lane is one service that races over and over. Each has an API of its own, so that its bundle changes by nobody else.
type lane struct {
	*service
	on     *stack.Stack
	status *status
	rounds *rounds
}

// rounds is what came of all races.
type rounds struct {
	left                          atomic.Int64
	done, admitted, refused, asks atomic.Int64

	mu      sync.Mutex
	flagged []time.Duration
	wrong   []string
}

func (r *rounds) notef(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// THREATS 7: a pod is created at the moment at which the bounds shrink. Whether admission sees it in time is a matter of luck.
// Once the change is Enforced no authorizer allows what was taken away, and a pod that got in is flagged within five seconds
// of the later of the two answers.
func TestShrinkingBoundsRacePodsThatCome(t *testing.T) {
	s := startStack(t)
	const namespace = "races"
	if err := s.Founded(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		t.Fatal(err)
	}
	r := &rounds{}
	r.left.Store(int64(either(300, 10_000)))
	var all []*service
	for i := range lanes {
		name := fmt.Sprintf("lane-%02d", i)
		all = append(all, newService(namespace, name, name))
		create(t, s.Admin, all[i].account(), all[i].server(), all[i].declaration)
	}
	watch := follow(t, s.Admin, namespace)
	policy := permit(namespace, all, keep, race)
	create(t, s.Admin, policy)
	if err := s.AwaitEnforced(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var group sync.WaitGroup
	for _, service := range all {
		l := &lane{service: service, on: s, status: watch, rounds: r}
		group.Go(func() { l.run(t.Context()) })
	}
	group.Wait()
	t.Logf("%d races in %s: %d pods got in, %d were refused; %d decisions were asked for after Enforced; flagged: %s",
		r.done.Load(), time.Since(began).Round(time.Second), r.admitted.Load(), r.refused.Load(), r.asks.Load(), spread(r.flagged))
	for i, problem := range r.wrong {
		if i == 10 {
			t.Errorf("… and %d more", len(r.wrong)-i)
			break
		}
		t.Error(problem)
	}
	if r.admitted.Load() == 0 || r.refused.Load() == 0 || r.asks.Load() == 0 {
		t.Error("nothing raced: some pods should get in, and some be refused")
	}
}

// run races until no race is left, or something goes wrong that is none of the races' business.
func (l *lane) run(ctx context.Context) {
	for l.rounds.left.Add(-1) >= 0 {
		if err := l.race(ctx); err != nil {
			l.rounds.notef("%s: %v", l.name, err)
			return
		}
		l.rounds.done.Add(1)
	}
}

// race is one, from wide bounds back to wide bounds.
func (l *lane) race(ctx context.Context) error {
	if err := l.settled(ctx); err != nil {
		return err
	}
	// The question must be one that can be answered with Allow.
	if answer, err := l.on.AskOne(ctx, l.on.Authorizers[0], l.question()); err != nil || !answer.Allowed {
		return fmt.Errorf("with wide bounds: %+v, %w", answer, err)
	}
	pod := l.asks(fmt.Sprintf("%s-%x", l.name, rand.Uint64()))
	var (
		group   sync.WaitGroup
		created time.Time
		refusal error
	)
	group.Go(func() {
		<-time.After(rand.N(2 * apart))
		refusal = l.on.Admin.Create(ctx, pod)
		created = time.Now()
	})
	<-time.After(rand.N(apart))
	err := l.declare(ctx, keep)
	narrowed := time.Now()
	group.Wait()
	if err != nil {
		return err
	}
	generation := l.declaration.Generation
	flagged := make(chan error, 1)
	go func() { flagged <- l.judge(ctx, pod, refusal, later(created, narrowed), generation) }()
	if _, err := l.status.await(ctx, l.name, generation, v1alpha1.ConditionEnforced, metav1.ConditionTrue); err != nil {
		return err
	}
	denied := l.ask(ctx)
	if err := <-flagged; err != nil {
		return err
	}
	if denied == nil {
		denied = l.ask(ctx)
	}
	if denied != nil {
		return denied
	}
	if refusal == nil {
		if err := l.on.Admin.Delete(ctx, pod, client.GracePeriodSeconds(0)); err != nil {
			return fmt.Errorf("taking the pod away: %w", err)
		}
	}
	return l.declare(ctx, keep, race)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// settled waits until the wide bounds are enforced and no pod is outside them.
func (l *lane) settled(ctx context.Context) error {
	for _, kind := range []string{v1alpha1.ConditionEnforced, v1alpha1.ConditionWorkloadsWithinBounds} {
		if _, err := l.status.await(ctx, l.name, l.declaration.Generation, kind, metav1.ConditionTrue); err != nil {
			return err
		}
	}
	return nil
}

// declare writes the scopes, over whatever the manager wrote into the status meanwhile.
func (l *lane) declare(ctx context.Context, scopes ...v1alpha1.ScopeName) error {
	before := l.declaration.DeepCopy()
	l.declaration.Spec.Audiences = l.scopes(scopes...)
	if err := l.on.Admin.Patch(ctx, l.declaration, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("declaring %v: %w", scopes, err)
	}
	return nil
}

// judge says what is wrong with what became of the pod.
func (l *lane) judge(ctx context.Context, pod *corev1.Pod, refusal error, since time.Time, generation int64) error {
	if refusal != nil {
		l.rounds.refused.Add(1)
		if !apierrors.IsForbidden(refusal) || !strings.Contains(refusal.Error(), "is not declared for service account") {
			return fmt.Errorf("a pod was refused for another reason: %w", refusal)
		}
		return nil
	}
	l.rounds.admitted.Add(1)
	message, err := l.status.await(ctx, l.name, generation, v1alpha1.ConditionWorkloadsWithinBounds, metav1.ConditionFalse)
	took := time.Since(since)
	if err != nil {
		return err
	}
	l.rounds.mu.Lock()
	l.rounds.flagged = append(l.rounds.flagged, took)
	l.rounds.mu.Unlock()
	if took > soon {
		l.rounds.notef("%s: pod %s was flagged after %s", l.name, pod.Name, took)
	}
	if !strings.Contains(message, pod.Name) {
		return fmt.Errorf("pod %s is not named: %s", pod.Name, message)
	}
	return nil
}

func (l *lane) question() stack.Question {
	return stack.Question{
		Subject: "alice", Actor: l.namespace + "/" + l.name, Audience: string(l.audience()), Scope: string(race),
		Resource: stack.Resource{Type: "thing", ID: "1"},
	}
}

// ask has every authorizer decide on what was taken away.
func (l *lane) ask(ctx context.Context) error {
	for _, a := range l.on.Authorizers {
		answer, err := l.on.AskOne(ctx, a, l.question())
		if err != nil {
			return err
		}
		l.rounds.asks.Add(1)
		if answer.Allowed || answer.Reason != "not_declared" {
			l.rounds.notef("%s: %s decides beyond bounds that are enforced: %+v", l.name, a.Name, answer)
		}
	}
	return nil
}
