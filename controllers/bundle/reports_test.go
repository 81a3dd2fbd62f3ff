// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/issuerkeys"
)

// fakeDistributor answers as the test says.
type fakeDistributor struct {
	progress map[string]distribution.Progress
	changes  chan struct{}
	silent   atomic.Bool
	others   []string
}

func (f *fakeDistributor) Lead(others ...string) { f.others = others }

func (f *fakeDistributor) Silent() bool { return f.silent.Load() }

func (f *fakeDistributor) Set([]distribution.Resource) error { return nil }

func (f *fakeDistributor) Progress(_ bundle.Kind, name string, _ int64, digest string) distribution.Progress {
	return f.progress[name+"@"+digest]
}

func (f *fakeDistributor) Subscribe() (changes <-chan struct{}, cancel func()) {
	return f.changes, func() {}
}

var (
	delegation    = compile.Key{Kind: compile.KindServiceDelegation, Namespace: "support", Name: "portal"}
	everyoneAcked = distribution.Progress{Authorizers: 1, Connected: 1, Acked: 1}
	nobodyAcked   = distribution.Progress{Authorizers: 1, Connected: 1, Waiting: 1, Lagging: []string{"x/y@1"}}
)

// made is what there is to tell of one ServiceDelegation that is part of some bundles; digests are of everything published.
func made(uid types.UID, generation int64, bundles []string, digests map[string]string) *news {
	n := newNews()
	n.take(&compile.Delta{Reports: map[compile.Key]compile.Report{delegation: {
		Object:   authz.ObjectRef{Kind: delegation.Kind, Namespace: "support", Name: "portal", Generation: generation},
		Accepted: true, Bundles: bundles,
	}}}, map[compile.Key]client.Object{delegation: object(uid, generation)}, nil)
	var contents []content
	for name, digest := range digests {
		contents = append(contents, content{key: keyOf(name), raw: []byte(name), digest: digest})
	}
	n.publish(contents)
	return n
}

func object(uid types.UID, generation int64) *v1alpha1.ServiceDelegation {
	return &v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "portal", UID: uid, Generation: generation}}
}

func lagging(t *testing.T, r *Reports, uid types.UID, generation int64) []string {
	t.Helper()
	outcome, known := r.Outcome(delegation.Kind, object(uid, generation))
	if !known {
		t.Fatal("nothing is known")
	}
	var bundles []string
	for _, s := range outcome.Standings {
		if len(s.Lagging) > 0 {
			bundles = append(bundles, s.Bundle)
		}
	}
	return bundles
}

func TestNothingIsKnownOfAnotherGenerationOrAnotherObjectOfTheName(t *testing.T) {
	r := newReports(&fakeDistributor{}, newPublisherMetrics().enforcing, func() {})
	r.update(made("u", 2, nil, nil))
	for name, o := range map[string]*v1alpha1.ServiceDelegation{
		"an older generation": object("u", 1), "a newer generation": object("u", 3), "the name made anew": object("v", 2),
	} {
		if _, known := r.Outcome(delegation.Kind, o); known {
			t.Errorf("%s: something is known", name)
		}
	}
	if _, known := r.Outcome(delegation.Kind, object("u", 2)); !known {
		t.Error("nothing is known of what was compiled")
	}
}

func TestABundleThatAnObjectLeftCountsUntilAuthorizersFollowed(t *testing.T) {
	d := &fakeDistributor{progress: map[string]distribution.Progress{"a/a@1": everyoneAcked, "b/b@1": everyoneAcked}}
	r := newReports(d, newPublisherMetrics().enforcing, func() {})
	r.update(made("u", 1, []string{"a/a"}, map[string]string{"a/a": "1", "b/b": "1"}))
	if got := lagging(t, r, "u", 1); got != nil {
		t.Fatalf("at first %v lag", got)
	}

	d.progress["a/a@2"], d.progress["b/b@2"] = nobodyAcked, nobodyAcked
	r.update(made("u", 2, []string{"b/b"}, map[string]string{"a/a": "2", "b/b": "2"}))
	if got := lagging(t, r, "u", 2); !slices.Equal(got, []string{"b/b", "a/a"}) {
		t.Fatalf("after it moved from one to the other, %v lag", got)
	}
	d.progress["b/b@2"] = everyoneAcked
	r.progressed()
	if got := lagging(t, r, "u", 2); !slices.Equal(got, []string{"a/a"}) {
		t.Fatalf("after the new one was acknowledged, %v lag", got)
	}
	d.progress["a/a@3"] = nobodyAcked
	r.update(made("u", 2, []string{"b/b"}, map[string]string{"a/a": "3", "b/b": "2"}))
	if got := lagging(t, r, "u", 2); !slices.Equal(got, []string{"a/a"}) {
		t.Fatalf("after the old one changed again, %v lag", got)
	}
	d.progress["a/a@3"] = everyoneAcked
	r.progressed()
	if got := lagging(t, r, "u", 2); got != nil {
		t.Fatalf("in the end %v lag", got)
	}
	d.progress["a/a@4"] = nobodyAcked
	r.update(made("u", 2, []string{"b/b"}, map[string]string{"a/a": "4", "b/b": "2"}))
	if got := lagging(t, r, "u", 2); got != nil {
		t.Fatalf("after a change that does not concern it any more, %v lag", got)
	}
}

func TestABundleThatIsGoneOrOfAnotherObjectDoesNotCount(t *testing.T) {
	d := &fakeDistributor{progress: map[string]distribution.Progress{"a/a@1": nobodyAcked, "b/b@1": everyoneAcked}}
	r := newReports(d, newPublisherMetrics().enforcing, func() {})
	r.update(made("u", 1, []string{"a/a"}, map[string]string{"a/a": "1"}))
	r.update(made("u", 2, []string{"b/b"}, map[string]string{"b/b": "1"}))
	if got := lagging(t, r, "u", 2); got != nil {
		t.Errorf("a bundle that is gone: %v lag", got)
	}
	r.update(made("u", 3, []string{"a/a"}, map[string]string{"a/a": "1", "b/b": "1"}))
	r.update(made("v", 1, []string{"b/b"}, map[string]string{"a/a": "1", "b/b": "1"}))
	if got := lagging(t, r, "v", 1); got != nil {
		t.Errorf("an object made anew under the name: %v lag", got)
	}
}

func TestSubscribersAreToldOfDifferencesOnly(t *testing.T) { // THREATS 44
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDistributor{progress: map[string]distribution.Progress{"a/a@1": nobodyAcked}, changes: make(chan struct{}, 1)}
		r := newReports(d, newPublisherMetrics().enforcing, func() {})
		var told []types.NamespacedName
		cancel := r.Subscribe(delegation.Kind, func(name types.NamespacedName) { told = append(told, name) })
		ctx, end := context.WithCancel(t.Context())
		defer end()
		go r.follow(ctx)

		expect := func(after string, times int) {
			t.Helper()
			synctest.Wait()
			if len(told) != times {
				t.Errorf("%s: told %d times, want %d", after, len(told), times)
			}
			told = nil
		}
		compiled := func() *news { return made("u", 1, []string{"a/a"}, map[string]string{"a/a": "1"}) }
		r.update(compiled())
		expect("the first report", 2) // for itself and for its bundle; a queue takes it once
		r.update(compiled())
		expect("the same report again", 0)
		d.changes <- struct{}{}
		expect("a notice without progress", 0)
		d.progress["a/a@1"] = everyoneAcked
		d.changes <- struct{}{}
		waitSettled()
		expect("progress", 1)
		more := everyoneAcked
		more.Authorizers, more.Connected, more.Acked = 2, 2, 2
		d.progress["a/a@1"] = more
		d.changes <- struct{}{}
		waitSettled()
		expect("one more authorizer that is up to date", 0)
		gone := distribution.Progress{Authorizers: 2, Acked: 2, LastGone: time.Unix(1, 0)}
		d.progress["a/a@1"] = gone
		d.changes <- struct{}{}
		waitSettled()
		expect("the end of all connections", 1)
		cancel()
		r.update(made("u", 2, nil, nil))
		expect("the end of the subscription", 0)
	})
}

// THREATS 44
func TestWhileOnlyAbsentAuthorizersLagTheRevisionThatIsNamedStays(t *testing.T) {
	absent := distribution.Progress{Authorizers: 2, Connected: 1, Acked: 1, Lagging: []string{"x/y@1 (gone)"}}
	present := distribution.Progress{Authorizers: 2, Connected: 2, Acked: 1, Waiting: 1, Lagging: []string{"x/y@1"}}
	first := standingOf("a/a", 5, absent, conditions.Standing{})
	if second := standingOf("a/a", 6, absent, first); second.Revision != 5 || !sameStanding(first, second) {
		t.Errorf("absent: %+v after %+v", second, first)
	}
	first = standingOf("a/a", 5, present, conditions.Standing{})
	if second := standingOf("a/a", 6, present, first); second.Revision != 6 || sameStanding(first, second) {
		t.Errorf("present: %+v after %+v", second, first)
	}
}

func TestKeysThatFailAgainInTheSameWayAreNoDifference(t *testing.T) {
	failed := func(text string) issuerkeys.State { return issuerkeys.State{Attempted: true, Err: errors.New(text)} }
	if !sameKeys(failed("refused"), failed("refused")) || sameKeys(failed("refused"), failed("timeout")) || sameKeys(failed("x"), issuerkeys.State{}) {
		t.Error("keys are compared wrongly")
	}
}

// waitSettled lets fake time pass until progress is looked at again.
func waitSettled() { <-time.After(2 * settle) }

// THREATS 39: what was served before under these bytes is no measure of what is to come under them.
func TestWhatHasNoRevisionIsAwaitedUnderALaterOne(t *testing.T) {
	n := newNews()
	agreed, open, fresh := formed("a", bundled(7, "a")), formed("b", bundled(7, "a")), some(second, "t", 0)
	agreed.assigned, open.assigned, open.key.Name = bundled(7, "a"), bundled(7, "a"), "support/other"
	fresh.assigned = v1alpha1.BundleStatus{}
	n.publish([]content{agreed, open, fresh})
	want := map[string]v1alpha1.BundleStatus{first.Name: bundled(7, "a"), "support/other": bundled(8, "b"), second.Name: bundled(1, "t")}
	if !maps.Equal(n.published, want) {
		t.Errorf("got %+v, want %+v", n.published, want)
	}
}

// THREATS 39: a leader that does not know of everybody says nothing, so what was said stands.
func TestNothingIsSaidBeforeAllAreHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDistributor{progress: map[string]distribution.Progress{"a/a@1": everyoneAcked}, changes: make(chan struct{}, 1)}
		d.silent.Store(true)
		r := newReports(d, newPublisherMetrics().enforcing, func() {})
		told := 0
		cancel := r.Subscribe(delegation.Kind, func(types.NamespacedName) { told++ })
		defer cancel()
		ctx, end := context.WithCancel(t.Context())
		defer end()
		go r.follow(ctx)
		n := made("u", 1, []string{"a/a"}, map[string]string{"a/a": "1"})
		n.arrived[delegation] = time.Now()
		r.update(n)
		synctest.Wait()
		if _, known := r.Outcome(delegation.Kind, object("u", 1)); known {
			t.Error("an outcome is known")
		}
		if report, known := r.Compiled(delegation.Kind, object("u", 1)); !known || !report.Accepted {
			t.Errorf("what does not depend on who serves it is not known: %+v", report)
		}
		if r.enforcement.oldest(time.Now().Add(time.Second)) == 0 {
			t.Error("it is measured as enforced")
		}
		told = 0
		d.silent.Store(false)
		<-time.After(2 * retryAfter)
		synctest.Wait()
		if told == 0 {
			t.Error("nobody was told that something can be said")
		}
		if got := lagging(t, r, "u", 1); got != nil {
			t.Errorf("%v lag", got)
		}
		if r.enforcement.oldest(time.Now().Add(time.Second)) != 0 {
			t.Error("it is not measured as enforced")
		}
	})
}

// THREATS 39: who cannot read whom to wait for does not lead.
func TestAReplicaLeadsOnceItKnowsWhomToWaitFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := publishing(t)
		ctx, end := context.WithCancel(t.Context())
		var readable atomic.Bool
		done := make(chan error, 1)
		go func() {
			done <- Leading{Publisher: p, Others: func(context.Context) ([]string, error) {
				if !readable.Load() {
					return []string{"b"}, errors.New("the lease cannot be read")
				}
				return []string{"b"}, nil
			}}.Start(ctx)
		}()
		synctest.Wait()
		if d.others != nil {
			t.Errorf("it leads, and waits for %v", d.others)
		}
		readable.Store(true)
		<-time.After(2 * retryAfter)
		synctest.Wait()
		if !slices.Equal(d.others, []string{"b"}) {
			t.Errorf("it waits for %v", d.others)
		}
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
