// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"context"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"behalf.dev/behalf/api/v1alpha1"
)

// bench is a reconciler over a fake API server with a clock in the test's hand.
type bench struct {
	*Reconciler[*v1alpha1.DelegationRevocation]
	client  client.Client
	events  *events.FakeRecorder
	verdict Verdict
	clock   time.Time
	// writes counts patches; meanwhile is done before the next one.
	writes    int
	meanwhile func()
}

func newBench(t *testing.T, objects ...client.Object) *bench {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	b := &bench{events: events.NewFakeRecorder(16), clock: now}
	b.client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(objects...).
		WithInterceptorFuncs(interceptor.Funcs{SubResourcePatch: func(
			ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption,
		) error {
			b.writes++
			if do := b.meanwhile; do != nil {
				b.meanwhile = nil
				do()
			}
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		}}).Build()
	b.Reconciler = NewReconciler(b.client, b.events, Kind[*v1alpha1.DelegationRevocation]{
		New:    func() *v1alpha1.DelegationRevocation { return &v1alpha1.DelegationRevocation{} },
		Derive: func(*v1alpha1.DelegationRevocation, time.Time) Verdict { return b.verdict },
		Status: func(o *v1alpha1.DelegationRevocation) (*[]metav1.Condition, **int64) {
			return &o.Status.Conditions, &o.Status.ObservedGeneration
		},
	})
	b.now = func() time.Time { return b.clock }
	return b
}

var key = client.ObjectKey{Name: "r"}

func revocation(conditions ...metav1.Condition) *v1alpha1.DelegationRevocation {
	return &v1alpha1.DelegationRevocation{
		ObjectMeta: metav1.ObjectMeta{Name: "r", Generation: 2},
		Status:     v1alpha1.DelegationRevocationStatus{Conditions: conditions},
	}
}

func (b *bench) reconcile(t *testing.T) reconcile.Result {
	t.Helper()
	result, err := b.Reconcile(t.Context(), reconcile.Request{NamespacedName: key})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func (b *bench) stored(t *testing.T) *v1alpha1.DelegationRevocation {
	t.Helper()
	o := &v1alpha1.DelegationRevocation{}
	if err := b.client.Get(t.Context(), key, o); err != nil {
		t.Fatal(err)
	}
	return o
}

func well() Verdict {
	return Verdict{Known: true, Conditions: []metav1.Condition{True("Enforced", "Enforced", "all"), True("Ready", "Ready", "well")}}
}

func lagging() Verdict {
	return Verdict{Known: true, Conditions: []metav1.Condition{False("Enforced", "Lagging", "one"), False("Ready", "Lagging", "one")}}
}

func TestStatusIsWrittenOnceAndThenOnlyOnDifference(t *testing.T) { // THREATS 44
	b := newBench(t, revocation())
	b.verdict = well()
	b.reconcile(t)
	o := b.stored(t)
	if len(o.Status.Conditions) != 2 || *o.Status.ObservedGeneration != 2 || o.Status.Conditions[0].ObservedGeneration != 2 {
		t.Fatalf("stored %+v", o.Status)
	}
	if event := <-b.events.Events; event != "Normal Enforced Enforced is True: all" {
		t.Errorf("event %q", event)
	}
	b.clock = b.clock.Add(time.Hour)
	b.reconcile(t)
	b.reconcile(t)
	if b.writes != 1 || len(b.events.Events) != 0 {
		t.Errorf("%d writes and %d more events, want one write and none", b.writes, len(b.events.Events))
	}
}

func TestNothingIsWrittenBeforeAnythingIsKnown(t *testing.T) {
	b := newBench(t, revocation())
	if result := b.reconcile(t); !result.IsZero() || b.writes != 0 {
		t.Fatalf("got %+v and %d writes", result, b.writes)
	}
}

func TestAnObjectThatIsGoneIsNoError(t *testing.T) {
	b := newBench(t)
	b.verdict = well()
	if result := b.reconcile(t); !result.IsZero() {
		t.Fatalf("got %+v", result)
	}
}

func TestALaterLookIsTakenAtTheNextEdgeOfTime(t *testing.T) {
	b := newBench(t, revocation())
	b.verdict = well()
	b.verdict.Next = now.Add(7 * time.Minute)
	if result := b.reconcile(t); result.RequeueAfter != 7*time.Minute {
		t.Errorf("got %+v", result)
	}
	b.clock = now.Add(8 * time.Minute)
	if result := b.reconcile(t); !result.IsZero() {
		t.Errorf("after the edge: got %+v", result)
	}
}

func TestAConflictIsGivenBackAndRetriedWithoutLoss(t *testing.T) { // THREATS 44
	b := newBench(t, revocation())
	b.verdict = well()
	b.meanwhile = func() {
		o := b.stored(t)
		o.Status.Conditions = []metav1.Condition{{
			Type: "Foreign", Status: "True", Reason: "Other", LastTransitionTime: metav1.NewTime(now),
		}}
		if err := b.client.Status().Update(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.Reconcile(t.Context(), reconcile.Request{NamespacedName: key})
	if !apierrors.IsConflict(err) {
		t.Fatalf("got %v, want a conflict for the queue to retry", err)
	}
	if len(b.events.Events) != 0 {
		t.Error("an event tells of what was not written")
	}
	b.reconcile(t)
	var kinds []string
	for _, c := range b.stored(t).Status.Conditions {
		kinds = append(kinds, c.Type)
	}
	if got := strings.Join(kinds, " "); got != "Enforced Foreign Ready" {
		t.Errorf("stored %s: want the other writer's condition kept, and Ready last", got)
	}
}

func TestAShortLagOfWhatIsEnforcedIsNotWritten(t *testing.T) {
	b := newBench(t, revocation())
	b.verdict = well()
	b.reconcile(t)

	b.verdict = lagging()
	if result := b.reconcile(t); result.RequeueAfter != Grace || b.writes != 1 {
		t.Fatalf("at first: %+v and %d writes", result, b.writes)
	}
	b.clock = b.clock.Add(Grace / 2)
	if result := b.reconcile(t); result.RequeueAfter != Grace/2 || b.writes != 1 {
		t.Fatalf("halfway: %+v and %d writes", result, b.writes)
	}
	b.verdict = well()
	b.reconcile(t)
	if b.writes != 1 {
		t.Fatal("caught up in time, and something was written")
	}
	b.verdict = lagging()
	b.reconcile(t)
	b.clock = b.clock.Add(Grace)
	b.reconcile(t)
	if b.writes != 2 || b.stored(t).Status.Conditions[0].Reason != "Lagging" {
		t.Fatalf("after the grace: %d writes, %+v", b.writes, b.stored(t).Status)
	}
}

func TestALagOfANewGenerationIsWrittenAtOnce(t *testing.T) {
	enforced := True("Enforced", "Enforced", "all")
	enforced.ObservedGeneration, enforced.LastTransitionTime = 1, metav1.NewTime(now)
	b := newBench(t, revocation(enforced))
	b.verdict = lagging()
	b.reconcile(t)
	if b.writes != 1 {
		t.Fatal("the old generation's word still stands")
	}
}

func excess(message string) Verdict {
	return Verdict{Known: true, Conditions: []metav1.Condition{
		False("WithinPolicy", "Excess", message), False("Ready", "Excess", message),
	}}
}

func TestAMissingCounterpartThatComesInTimeIsNoEvent(t *testing.T) {
	b := newBench(t, revocation())
	b.verdict = excess("2 of 2")
	if result := b.reconcile(t); result.RequeueAfter != Grace || b.writes != 1 || len(b.events.Events) != 0 {
		t.Fatalf("at first: %+v, %d writes, %d events: want the status written and no event", result, b.writes, len(b.events.Events))
	}
	b.verdict = well()
	b.clock = b.clock.Add(Grace / 2)
	b.reconcile(t)
	b.clock = b.clock.Add(Grace)
	b.reconcile(t)
	if event := <-b.events.Events; event != "Normal Enforced Enforced is True: all" || len(b.events.Events) != 0 {
		t.Errorf("first event %q and %d more", event, len(b.events.Events))
	}
}

func TestAMissingCounterpartThatStaysIsOneEventInTheLatestWords(t *testing.T) {
	b := newBench(t, revocation())
	b.verdict = excess("2 of 2")
	b.reconcile(t)
	b.verdict = excess("1 of 2")
	b.clock = b.clock.Add(Grace / 2)
	if result := b.reconcile(t); result.RequeueAfter != Grace/2 {
		t.Fatalf("halfway: %+v", result)
	}
	b.clock = b.clock.Add(Grace / 2)
	b.reconcile(t)
	b.reconcile(t)
	if event := <-b.events.Events; event != "Warning Excess WithinPolicy is False: 1 of 2" || len(b.events.Events) != 0 {
		t.Errorf("event %q and %d more", event, len(b.events.Events))
	}
	b.verdict = excess("3 of 3")
	b.reconcile(t)
	b.clock = b.clock.Add(Grace)
	b.reconcile(t)
	if event := <-b.events.Events; event != "Warning Excess WithinPolicy is False: 3 of 3" || b.writes != 3 {
		t.Errorf("event %q after %d writes", event, b.writes)
	}
}

func TestAShortTimeWithoutAuthorizersIsNotWritten(t *testing.T) { // THREATS 44
	b := newBench(t, revocation())
	b.verdict = well()
	b.reconcile(t)
	b.verdict = Verdict{Known: true, Conditions: []metav1.Condition{False("Enforced", "NoAuthorizers", "none"), False("Ready", "NoAuthorizers", "none")}}
	if result := b.reconcile(t); result.RequeueAfter != Grace || b.writes != 1 {
		t.Fatalf("at first: %+v and %d writes", result, b.writes)
	}
	b.clock = b.clock.Add(Grace)
	b.reconcile(t)
	if b.writes != 2 || b.stored(t).Status.Conditions[0].Reason != "NoAuthorizers" {
		t.Errorf("%d writes, %+v", b.writes, b.stored(t).Status)
	}
}
