// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package races

import (
	"context"
	"errors"
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

// enough is when a test must come to its end.
func enough(t *testing.T) time.Time {
	t.Helper()
	if deadline, limited := t.Deadline(); limited {
		return deadline.Add(-2 * patience)
	}
	return time.Now().Add(24 * time.Hour)
}

// lanes is how many services race at a time, each by itself.
const lanes = 24

// field is how many pods race each change.
const field = 8

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
	// until is when no race begins any more, so that there is time to tell of those that were run.
	until                         time.Time
	left                          atomic.Int64
	done, admitted, refused, asks atomic.Int64
	unjudged                      atomic.Int64

	mu      sync.Mutex
	flagged []time.Duration
	wrong   []string
}

func (r *rounds) notef(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// THREATS 7: pods are created at the moment at which the bounds shrink. Whether admission sees that in time is a matter of luck.
// Once the change is Enforced no authorizer allows what was taken away, and every pod that got in is flagged within five
// seconds of the last answer.
func TestShrinkingBoundsRacePodsThatCome(t *testing.T) {
	s := startStack(t)
	const namespace = "races"
	if err := s.Founded(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		t.Fatal(err)
	}
	races := int64(either(400, 10_000))
	r := &rounds{until: enough(t)}
	r.left.Store(races)
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
	t.Logf("%d pods raced %d changes in %s: %d got in, %d were refused (%d of them for want of an answer); %d decisions were asked for after Enforced; all pods of a change were flagged: %s",
		r.done.Load(), r.done.Load()/field, time.Since(began).Round(time.Second), r.admitted.Load(), r.refused.Load(), r.unjudged.Load(), r.asks.Load(), spread(r.flagged))
	for i, problem := range r.wrong {
		if i == 10 {
			t.Errorf("… and %d more", len(r.wrong)-i)
			break
		}
		t.Error(problem)
	}
	if r.done.Load() < races {
		t.Errorf("there was time for %d races of %d: give -timeout more", r.done.Load(), races)
	}
	if r.admitted.Load() == 0 || r.refused.Load() == 0 || r.asks.Load() == 0 {
		t.Error("nothing raced: some pods should get in, and some be refused")
	}
}

// run races until no race is left, or something goes wrong that is none of the races' business.
func (l *lane) run(ctx context.Context) {
	for l.rounds.left.Add(-field) > -field && time.Now().Before(l.rounds.until) {
		if err := l.round(ctx); err != nil {
			l.rounds.notef("%s: %v", l.name, err)
			return
		}
		l.rounds.done.Add(field)
	}
}

// runner is a pod that races.
type runner struct {
	*corev1.Pod
	refusal  error
	answered time.Time
}

// round lets a field of pods race one change, from wide bounds back to wide bounds.
func (l *lane) round(ctx context.Context) error {
	if err := l.settled(ctx); err != nil {
		return err
	}
	// The question must be one that can be answered with Allow.
	if answer, err := l.on.AskOne(ctx, l.on.Authorizers[0], l.question()); err != nil || !answer.Allowed {
		return fmt.Errorf("with wide bounds: %+v, %w", answer, err)
	}
	var group sync.WaitGroup
	runners := make([]runner, field)
	for i := range runners {
		r := &runners[i]
		r.Pod = l.asks(fmt.Sprintf("%s-%x", l.name, rand.Uint64()))
		group.Go(func() {
			<-time.After(rand.N(2 * apart))
			r.refusal = l.on.Admin.Create(ctx, r.Pod)
			r.answered = time.Now()
		})
	}
	<-time.After(rand.N(apart))
	err := l.declare(ctx, keep)
	last := time.Now()
	group.Wait()
	if err != nil {
		return err
	}
	for i := range runners {
		last = later(last, runners[i].answered)
	}
	flagged := make(chan error, 1)
	go func() { flagged <- l.judge(ctx, runners, last) }()
	if err := l.status.await(ctx, l.name, l.declaration.Generation, v1alpha1.ConditionEnforced, metav1.ConditionTrue, ""); err != nil {
		return errors.Join(err, <-flagged)
	}
	if err := errors.Join(l.ask(ctx), <-flagged, l.ask(ctx), l.clear(ctx, runners)); err != nil {
		return err
	}
	return l.declare(ctx, keep, race)
}

func (l *lane) clear(ctx context.Context, runners []runner) error {
	for _, r := range runners {
		if r.refusal != nil {
			continue
		}
		if err := l.on.Admin.Delete(ctx, r.Pod, client.GracePeriodSeconds(0)); err != nil {
			return fmt.Errorf("taking the pod away: %w", err)
		}
	}
	return nil
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
		if err := l.status.await(ctx, l.name, l.declaration.Generation, kind, metav1.ConditionTrue, ""); err != nil {
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

// beyondBounds says whether the webhook, or the API server's own policy, refused what is not declared.
func beyondBounds(refusal string) bool {
	return strings.Contains(refusal, "is not declared for service account") || strings.Contains(refusal, "none of its ServiceDelegations declares")
}

// judge says what is wrong with what became of the pods: refused for another reason, or not flagged in time since the last
// answer.
func (l *lane) judge(ctx context.Context, runners []runner, last time.Time) error {
	admitted := 0
	for _, r := range runners {
		switch {
		case r.refusal == nil:
			admitted++
		case apierrors.IsForbidden(r.refusal) && beyondBounds(r.refusal.Error()):
		case strings.Contains(r.refusal.Error(), "it cannot be judged") || strings.Contains(r.refusal.Error(), "failed calling webhook"):
			l.rounds.unjudged.Add(1) // an API server without breath: whoever cannot judge denies, and that pod raced nothing
		default:
			return fmt.Errorf("a pod was refused for another reason: %w", r.refusal)
		}
	}
	l.rounds.admitted.Add(int64(admitted))
	l.rounds.refused.Add(int64(len(runners) - admitted))
	if admitted == 0 {
		return nil
	}
	err := l.status.await(ctx, l.name, l.declaration.Generation, v1alpha1.ConditionWorkloadsWithinBounds, metav1.ConditionFalse, count(admitted))
	took := time.Since(last)
	if err != nil {
		return err
	}
	l.rounds.mu.Lock()
	l.rounds.flagged = append(l.rounds.flagged, took)
	l.rounds.mu.Unlock()
	if took > soon {
		l.rounds.notef("%s: the last of %d pods was flagged after %s", l.name, admitted, took)
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
