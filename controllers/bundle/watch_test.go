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

func never() string { return "" }

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
			handler(compile.KindServiceDelegation, newIntake(), never, time.Now, func() { calls++ }).OnUpdate(before.DeepCopy(), after)
			if (calls == 1) != c.want {
				t.Errorf("%d calls, want a compilation: %v", calls, c.want)
			}
		})
	}
	calls := 0
	h := handler(compile.KindServiceDelegation, newIntake(), never, time.Now, func() { calls++ })
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
	h := handler(compile.KindServiceDelegation, in, never, time.Now, func() {})
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
		if got, _, _ := in.take(); !reflect.DeepEqual(got, step.want) {
			t.Errorf("%s: %v", step.sentence, got)
		}
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
