// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"behalf.dev/behalf/api/v1alpha1"
)

// crowd is a bench with so many revocations, r0 and on.
func crowd(t *testing.T, n int) *bench {
	t.Helper()
	objects := make([]client.Object, n)
	for i := range objects {
		r := revocation()
		r.Name = fmt.Sprintf("r%d", i)
		objects[i] = r
	}
	return newBench(t, objects...)
}

// each has all of them looked at, gives how long the longest waits, and how many events there were.
func (b *bench) each(t *testing.T, n int) (longest time.Duration, told int) {
	t.Helper()
	for i := range n {
		result, err := b.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Name: fmt.Sprintf("r%d", i)}})
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, result.RequeueAfter)
		for len(b.events.Events) > 0 {
			<-b.events.Events
			told++
		}
	}
	return longest, told
}

// THREATS 7, 44: one policy that touches everything does not fill the API server with events, which statuses would wait behind.
func TestStatusesAreWrittenAtOnceAndEventsSpacedOut(t *testing.T) {
	const n = EventsAtOnce + 20
	b := crowd(t, n)
	b.verdict = well()
	longest, told := b.each(t, n)
	if b.writes != n || told != EventsAtOnce || longest != 2*time.Second {
		t.Fatalf("at first: %d statuses and %d events are written, and the last waits %s", b.writes, told, longest)
	}
	b.clock = b.clock.Add(time.Second)
	if longest, told = b.each(t, n); told != 10 || longest != time.Second {
		t.Errorf("a second later: %d events, and the last waits %s", told, longest)
	}
	b.clock = b.clock.Add(time.Second)
	if longest, told = b.each(t, n); told != 10 || longest != 0 {
		t.Errorf("two seconds later: %d events, and the last waits %s", told, longest)
	}
	if _, told = b.each(t, n); told != 0 || b.writes != n || len(b.untold) != 0 {
		t.Errorf("in the end: %d more events, %d statuses written in all, %d still wait", told, b.writes, len(b.untold))
	}
}

func TestWhatWaitsForItsEventIsToldOnceInTheLatestWords(t *testing.T) {
	after := map[string]struct {
		then []Verdict
		want string
	}{
		"nothing else happens":      {nil, "Normal Enforced Enforced is True: all"},
		"it turns":                  {[]Verdict{lagging()}, "Normal Lagging Enforced is False: one"},
		"it turns and turns again":  {[]Verdict{lagging(), well()}, "Normal Enforced Enforced is True: all"},
		"a counterpart is missing":  {[]Verdict{excess("1 of 1")}, "Warning Excess WithinPolicy is False: 1 of 1"},
		"a counterpart was missing": {[]Verdict{excess("1 of 1"), well()}, "Normal Enforced Enforced is True: all"},
	}
	for name, tt := range after {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, revocation())
			for range EventsAtOnce + 50 { // the next has its turn in 5.1 s
				b.pace.reserve(now)
			}
			b.verdict = well()
			if result := b.reconcile(t); result.RequeueAfter != 5100*time.Millisecond || b.writes != 1 {
				t.Fatalf("at first: %+v, %d statuses", result, b.writes)
			}
			for i, v := range tt.then {
				b.verdict, b.clock = v, b.clock.Add(2*time.Second)
				b.reconcile(t) // what lags is not written before the grace is over
				b.clock = b.clock.Add(Grace / 10)
				b.reconcile(t)
				if len(b.events.Events) != 0 {
					t.Fatalf("step %d is told out of turn: %s", i, <-b.events.Events)
				}
			}
			b.clock = now.Add(5100 * time.Millisecond)
			b.reconcile(t)
			if len(b.events.Events) != 1 {
				t.Fatalf("%d events in its turn, want one", len(b.events.Events))
			}
			if got := <-b.events.Events; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			b.clock = b.clock.Add(time.Hour)
			if b.reconcile(t); len(b.events.Events) != 0 {
				t.Errorf("and another: %s", <-b.events.Events)
			}
		})
	}
}

func TestAnEventThatWaitedForACounterpartTakesItsTurn(t *testing.T) {
	b := newBench(t, revocation())
	b.verdict = excess("1 of 1")
	b.reconcile(t)
	b.clock = b.clock.Add(Grace)
	for range EventsAtOnce {
		b.pace.reserve(b.clock)
	}
	if result := b.reconcile(t); result.RequeueAfter != 100*time.Millisecond || len(b.events.Events) != 0 {
		t.Fatalf("after the grace: %+v and %d events", result, len(b.events.Events))
	}
	b.clock = b.clock.Add(100 * time.Millisecond)
	if result := b.reconcile(t); result.RequeueAfter != 0 || len(b.events.Events) != 1 {
		t.Errorf("in its turn: %+v and %d events", result, len(b.events.Events))
	}
}

func TestNothingWaitsForAnObjectThatIsGone(t *testing.T) {
	r := revocation()
	b := newBench(t, r)
	for range EventsAtOnce {
		b.pace.reserve(now)
	}
	b.verdict = well()
	b.reconcile(t)
	if len(b.untold) != 1 {
		t.Fatalf("%d wait", len(b.untold))
	}
	if err := b.client.Delete(t.Context(), &v1alpha1.DelegationRevocation{ObjectMeta: r.ObjectMeta}); err != nil {
		t.Fatal(err)
	}
	if result := b.reconcile(t); !result.IsZero() || len(b.untold) != 0 {
		t.Errorf("got %+v, and %d wait", result, len(b.untold))
	}
}

func TestACounterpartThatComesInTimeIsToldOfOnce(t *testing.T) {
	b := newBench(t, revocation())
	b.verdict = excess("1 of 1")
	b.reconcile(t)
	b.verdict = Verdict{Known: true, Conditions: []metav1.Condition{True("WithinPolicy", "WithinPolicy", "all"), True("Ready", "Ready", "well")}}
	b.clock = b.clock.Add(Grace / 2)
	b.reconcile(t)
	b.clock = b.clock.Add(Grace)
	b.reconcile(t)
	if event := <-b.events.Events; event != "Normal WithinPolicy WithinPolicy is True: all" || len(b.events.Events) != 0 {
		t.Errorf("event %q and %d more", event, len(b.events.Events))
	}
}
