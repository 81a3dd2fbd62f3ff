// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/client-go/util/workqueue"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/webhook/workload"
)

// attempts at one event; then it is given up, and counted, until something about the workload changes.
const attempts = 5

// maxNote is what the API server takes in an event's note, less a little (events.k8s.io/v1: 1 kB).
const maxNote = 1000

// makers are the kinds that stand between a pod and the object that a person applied.
var makers = map[schema.GroupKind]bool{
	{Group: "apps", Kind: "ReplicaSet"}: true,
	{Group: "batch", Kind: "Job"}:       true,
}

// task is to tell of one workload.
type task struct {
	account types.NamespacedName
	owner   owner
}

// teller writes the events.
type teller struct {
	sweep *Sweep
	queue workqueue.TypedRateLimitingInterface[task]
	rate  flowcontrol.RateLimiter
}

func newTeller(s *Sweep) *teller {
	return &teller{
		sweep: s,
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[task]()),
		// Ten thousand workloads that are outside at once are no reason to fill the API server: each has its event in the end,
		// and the status and the metrics do not wait for that.
		rate: flowcontrol.NewTokenBucketRateLimiter(conditions.EventsPerSecond, conditions.EventsAtOnce),
	}
}

// add has an event written. Where only effect is missing, what gives it may be on its way, and the event waits for it.
func (t *teller) add(a *account, w owner) {
	wait := time.Duration(0)
	if !undeclared(a.workloads[w].problems) {
		wait = conditions.Grace
	}
	t.queue.AddAfter(task{account: a.name, owner: w}, wait)
}

func (t *teller) work(ctx context.Context) {
	for {
		next, ended := t.queue.Get()
		if ended {
			return
		}
		err := t.tell(ctx, next)
		switch {
		case err == nil || ctx.Err() != nil:
			t.queue.Forget(next)
		case t.queue.NumRequeues(next) < attempts:
			t.sweep.metrics.failures.Inc()
			t.queue.AddRateLimited(next)
		default:
			t.sweep.metrics.failures.Inc()
			t.sweep.options.Log.Error(err, "an event is given up", "namespace", next.account.Namespace, "kind", next.owner.kind, "name", next.owner.name)
			t.queue.Forget(next)
		}
		t.queue.Done(next)
	}
}

// finding is what there is to tell of a workload.
type finding struct {
	account  types.NamespacedName
	owner    owner
	pod      owner
	problems []workload.Problem
	// given are the ServiceDelegations, each with its generation: a later violation of others is another one.
	given []string
}

func (t *teller) tell(ctx context.Context, next task) error {
	f, found := t.find(next)
	if !found {
		return nil
	}
	if err := t.rate.Wait(ctx); err != nil {
		return fmt.Errorf("waiting to write an event: %w", err)
	}
	about, err := t.top(ctx, next)
	if err != nil {
		return err
	}
	err = t.sweep.options.Live.Create(ctx, f.event(about, t.sweep.now()))
	if err == nil {
		t.sweep.metrics.events.Inc()
	} else if !apierrors.IsAlreadyExists(err) { // told before, by the leader before this one or about another ReplicaSet
		return fmt.Errorf("writing an event on %s %s/%s: %w", about.kind, next.account.Namespace, about.name, err)
	}
	t.sweep.mu.Lock()
	defer t.sweep.mu.Unlock()
	if a := t.sweep.accounts[next.account]; a != nil {
		a.tell(next.owner, f.problems)
	}
	return nil
}

// find gives what is wrong now; false where nothing is, or all of it was told.
func (t *teller) find(next task) (finding, bool) {
	t.sweep.mu.Lock()
	defer t.sweep.mu.Unlock()
	a := t.sweep.accounts[next.account]
	if a == nil || !a.untold(next.owner) {
		return finding{}, false
	}
	v := a.workloads[next.owner]
	f := finding{account: a.name, owner: next.owner, pod: owner{apiVersion: "v1", kind: "Pod", name: v.pod.Name, uid: v.pod.UID}, problems: v.problems}
	for i := range a.bounds {
		f.given = append(f.given, fmt.Sprintf("%s/%d", a.bounds[i].object.UID, a.bounds[i].object.Generation))
	}
	return f, true
}

// top is the object that stands behind a workload: the Deployment of a ReplicaSet, the CronJob of a Job. Where it cannot be
// told, it is the workload itself.
func (t *teller) top(ctx context.Context, next task) (owner, error) {
	kind := schema.FromAPIVersionAndKind(next.owner.apiVersion, next.owner.kind)
	if !makers[kind.GroupKind()] {
		return next.owner, nil
	}
	var made metav1.PartialObjectMetadata
	made.SetGroupVersionKind(kind)
	err := t.sweep.options.Live.Get(ctx, types.NamespacedName{Namespace: next.account.Namespace, Name: next.owner.name}, &made)
	if apierrors.IsNotFound(err) {
		return next.owner, nil
	}
	if err != nil {
		return owner{}, fmt.Errorf("looking who made %s %s/%s: %w", next.owner.kind, next.account.Namespace, next.owner.name, err)
	}
	by := metav1.GetControllerOf(&made)
	if made.UID != next.owner.uid || by == nil {
		return next.owner, nil
	}
	return owner{apiVersion: by.APIVersion, kind: by.Kind, name: by.Name, uid: by.UID}, nil
}

// event is named by what it tells. So whoever tells the same again, the next leader above all, is told by the API server that
// it is there, and nothing is written twice for as long as events are kept.
func (f *finding) event(about owner, now time.Time) *eventsv1.Event {
	reason := v1alpha1.ReasonOutsidePolicy
	if undeclared(f.problems) {
		reason = v1alpha1.ReasonOutsideBounds
	}
	return &eventsv1.Event{
		ObjectMeta:          metav1.ObjectMeta{Namespace: f.account.Namespace, Name: f.name(about)},
		EventTime:           metav1.NewMicroTime(now),
		ReportingController: conditions.Reporter,
		ReportingInstance:   conditions.Reporter,
		Type:                corev1.EventTypeWarning,
		Reason:              reason,
		Action:              v1alpha1.ConditionWorkloadsWithinBounds,
		Regarding:           f.reference(about),
		Related:             new(f.reference(f.pod)),
		Note:                f.note(),
	}
}

func (f *finding) name(about owner) string {
	parts := append([]string{string(about.uid), f.account.Name}, f.given...)
	messages := make([]string, 0, len(f.problems))
	for _, p := range f.problems {
		messages = append(messages, p.Message)
	}
	slices.Sort(messages)
	sum := sha256.Sum256([]byte(strings.Join(append(parts, messages...), "\x00")))
	return "behalf-workload-" + hex.EncodeToString(sum[:16])
}

func (f *finding) reference(to owner) corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: to.apiVersion, Kind: to.kind, Namespace: f.account.Namespace, Name: to.name, UID: to.uid}
}

func (f *finding) note() string {
	text := fmt.Sprintf("Pod %s is outside its bounds: %s", f.pod.name, f.problems[0])
	if more := len(f.problems) - 1; more > 0 {
		text = fmt.Sprintf("Pod %s is outside its bounds (and %d more problems): %s", f.pod.name, more, f.problems[0])
	}
	return conditions.Clip(text, maxNote)
}
