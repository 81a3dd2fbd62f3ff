// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"behalf.dev/behalf/api/v1alpha1"
)

// Reporter is who events come from.
const Reporter = "behalf-manager"

// Grace is for how long an object that is enforced may lag, or be without authorizers, without a word, where its generation
// stayed the same: an authorizer that starts anew is behind with everything for a moment, and that is not worth a write to
// every object. It holds nothing yet, and so denies. For as long, an event waits that tells of a missing counterpart: where
// several objects are applied at once, the other one is on its way.
const Grace = time.Second

// Verdict is what a derivation says.
type Verdict struct {
	// Known is false as long as nothing is known of this generation; then nothing is written.
	Known bool
	// Conditions as derived, Ready last.
	Conditions []metav1.Condition
	// Next is when time alone will change the verdict; zero for never.
	Next time.Time
}

// Kind is what a reconciler must know of one kind.
type Kind[T client.Object] struct {
	// New gives an empty object.
	New func() T
	// Derive sets whatever the status holds beside the conditions and the observed generation, and gives those.
	Derive func(object T, now time.Time) Verdict
	// Status points into the object's status.
	Status func(object T) (*[]metav1.Condition, **int64)
}

// Reconciler writes the status of one kind.
type Reconciler[T client.Object] struct {
	client client.Client
	events events.EventRecorder
	kind   Kind[T]
	now    func() time.Time

	mu      sync.Mutex
	lagging map[client.ObjectKey]time.Time
	// untold are events that wait, each until its time comes, which pace gives.
	untold map[client.ObjectKey]*untold
	pace   pace
}

// NewReconciler gives a Reconciler. The client reads from a cache.
func NewReconciler[T client.Object](c client.Client, recorder events.EventRecorder, kind Kind[T]) *Reconciler[T] {
	return &Reconciler[T]{client: c, events: recorder, kind: kind, now: time.Now, lagging: map[client.ObjectKey]time.Time{}, untold: map[client.ObjectKey]*untold{}, pace: newPace()}
}

// Reconcile derives the status of one object and patches it where it differs.
func (r *Reconciler[T]) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	object := r.kind.New()
	if err := r.client.Get(ctx, request.NamespacedName, object); err != nil {
		r.caughtUp(request.NamespacedName)
		r.forget(request.NamespacedName)
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	now := r.now()
	before, ok := object.DeepCopyObject().(T)
	if !ok {
		return reconcile.Result{}, fmt.Errorf("copying %T gave another type", object)
	}
	verdict := r.kind.Derive(object, now)
	if !verdict.Known {
		return reconcile.Result{}, nil // what changes that will say so
	}
	if wait := r.patience(before, verdict, now); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	if err := r.write(ctx, before, object, verdict, now); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: sooner(until(verdict.Next, now), r.tellLater(object, verdict.Conditions, now))}, nil
}

// sooner is the shorter of two waits, of which 0 is none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

func (r *Reconciler[T]) write(ctx context.Context, before, object T, verdict Verdict, now time.Time) error {
	conditions, observed := r.kind.Status(object)
	old, _ := r.kind.Status(before)
	*conditions = Merge(*old, verdict.Conditions, object.GetGeneration(), metav1.NewTime(now))
	*observed = new(object.GetGeneration())
	if equality.Semantic.DeepEqual(before, object) {
		return nil
	}
	// The lock keeps an old cache from writing over a newer status; the conflict is retried.
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	err := r.client.Status().Patch(ctx, object, patch)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	r.tell(object, r.putOff(client.ObjectKeyFromObject(object), Changed(*old, verdict.Conditions), now))
	return nil
}

// patience is for how long to hold the pen back; 0 to write.
func (r *Reconciler[T]) patience(before T, verdict Verdict, now time.Time) time.Duration {
	key := client.ObjectKeyFromObject(before)
	conditions, _ := r.kind.Status(before)
	old, derived := find(*conditions, v1alpha1.ConditionEnforced), find(verdict.Conditions, v1alpha1.ConditionEnforced)
	if !startsLagging(old, derived, before.GetGeneration()) {
		r.caughtUp(key)
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	since, waiting := r.lagging[key]
	if !waiting {
		since = now
		r.lagging[key] = now
	}
	return until(since.Add(Grace), now)
}

func startsLagging(old, derived *metav1.Condition, generation int64) bool {
	return old != nil && derived != nil && old.Status == metav1.ConditionTrue && old.ObservedGeneration == generation &&
		(derived.Reason == v1alpha1.ReasonLagging || derived.Reason == v1alpha1.ReasonNoAuthorizers)
}

func (r *Reconciler[T]) caughtUp(key client.ObjectKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.lagging, key)
}

// until is the time that is left; 0 where there is no such moment or it has passed.
func until(moment, now time.Time) time.Duration {
	if moment.IsZero() || !moment.After(now) {
		return 0
	}
	return moment.Sub(now)
}
