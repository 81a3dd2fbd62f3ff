// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

func heard(changed func()) hearing {
	return hearing{now: time.Now, newest: func() string { return "" }, changed: changed}
}

func TestWhatMakesACompilation(t *testing.T) { // THREATS 44
	before := v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{UID: "u", Generation: 1, ResourceVersion: "1"}}
	cases := map[string]struct {
		change func(*v1alpha1.ServiceDelegation)
		want   bool
	}{
		"a resync": {change: func(*v1alpha1.ServiceDelegation) {}},
		"our own write of status": {change: func(o *v1alpha1.ServiceDelegation) {
			o.ResourceVersion = "2"
			o.Status.Conditions = []metav1.Condition{{}}
		}},
		"an annotation":                    {change: func(o *v1alpha1.ServiceDelegation) { o.Annotations = map[string]string{"a": "b"} }},
		"the spec":                         {change: func(o *v1alpha1.ServiceDelegation) { o.Generation = 2 }, want: true},
		"labels, as of namespaces":         {change: func(o *v1alpha1.ServiceDelegation) { o.Labels = map[string]string{"a": "b"} }, want: true},
		"an object made anew (THREATS 12)": {change: func(o *v1alpha1.ServiceDelegation) { o.UID = "v" }, want: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			calls, after := 0, before.DeepCopy()
			c.change(after)
			handler(compile.KindServiceDelegation, newIntake(), heard(func() { calls++ })).OnUpdate(before.DeepCopy(), after)
			if (calls == 1) != c.want {
				t.Errorf("%d calls, want a compilation: %v", calls, c.want)
			}
		})
	}
	calls := 0
	h := handler(compile.KindServiceDelegation, newIntake(), heard(func() { calls++ }))
	h.OnAdd(&before, false)
	h.OnDelete(toolscache.DeletedFinalStateUnknown{Key: "support/portal"})
	if calls != 2 {
		t.Errorf("an addition and a lost deletion made %d calls", calls)
	}
}

func TestWhatTheCacheTellsIsTaken(t *testing.T) {
	key := compile.Key{Kind: compile.KindServiceDelegation, Namespace: "support", Name: "portal"}
	first, second := object("u", 1), object("u", 1)
	second.ResourceVersion = "2"
	in := newIntake()
	h := handler(compile.KindServiceDelegation, in, heard(func() {}))
	for _, step := range []struct {
		sentence string
		tell     func()
		want     map[compile.Key]client.Object
	}{
		{"nothing at first", func() {}, map[compile.Key]client.Object{}},
		{"an object that is there", func() { h.OnAdd(first, true) }, map[compile.Key]client.Object{key: first}},
		{"nothing twice", func() {}, map[compile.Key]client.Object{}},
		{"its latest form, though nothing has to be done at once", func() { h.OnUpdate(first, second) }, map[compile.Key]client.Object{key: second}},
		{"everything once more", in.again, map[compile.Key]client.Object{key: second}},
		{"that it is gone", func() { h.OnDelete(second) }, map[compile.Key]client.Object{key: nil}},
		{"that one is gone whose deletion went unseen", func() {
			h.OnAdd(first, false)
			h.OnDelete(toolscache.DeletedFinalStateUnknown{Key: "support/portal"})
		}, map[compile.Key]client.Object{key: nil}},
		{"nothing that is no object", func() {
			h.OnAdd("portal", false)
			h.OnDelete("portal")
		}, map[compile.Key]client.Object{}},
	} {
		step.tell()
		if got := in.take().changes; !reflect.DeepEqual(got, step.want) {
			t.Errorf("%s: %v", step.sentence, got)
		}
	}
}

// THREATS 39: two lists under one number. The list is numbered by the newest change that is in it, so that no turn may see one
// without the other.
func TestARevocationIsTakenWithItsNumber(t *testing.T) {
	const kind = compile.KindDelegationRevocation
	key := compile.Key{Kind: kind, Name: "laptop"}
	revocation := &v1alpha1.DelegationRevocation{ObjectMeta: metav1.ObjectMeta{Name: "laptop", ResourceVersion: "41"}}
	in := newIntake()
	var halfway taken
	h := handler(kind, in, hearing{now: func() time.Time {
		halfway = in.take()
		return now
	}, newest: func() string {
		halfway = in.take()
		return "42"
	}, changed: func() {}})
	in.put(key, revocation, time.Time{})
	if got := in.take(); got.revoked != 41 {
		t.Errorf("with one that came: %d", got.revoked)
	}
	h.OnDelete(toolscache.DeletedFinalStateUnknown{Key: "laptop"})
	if len(halfway.changes) != 0 {
		t.Errorf("a deletion that went unseen was taken at %d: %v", halfway.revoked, halfway.changes)
	}
	if got := in.take(); len(got.changes) != 1 || got.revoked != 42 {
		t.Errorf("a deletion that went unseen: %+v", got)
	}
	in.remove(key, "43", now)
	if got := in.take(); len(got.changes) != 1 || got.revoked != 43 {
		t.Errorf("a deletion: %+v", got)
	}
	in.remove(compile.Key{Kind: compile.KindServiceDelegation, Name: "x"}, "44", now)
	in.put(compile.Key{Kind: compile.KindServiceDelegation, Name: "x"}, &v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "45"}}, now)
	if got := in.take(); got.revoked != 43 {
		t.Errorf("of other kinds: %d", got.revoked)
	}
}

func TestChangesAreNeverLostAndNeverBlock(t *testing.T) {
	p, err := NewPublisher(Options{Distributor: &fakeDistributor{}})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		p.Changed()
	}
	<-p.dirty
	p.Changed()
	<-p.dirty
}
