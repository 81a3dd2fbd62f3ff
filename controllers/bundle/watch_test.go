// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"

	"behalf.dev/behalf/api/v1alpha1"
)

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
			handler(func() { calls++ }).OnUpdate(before.DeepCopy(), after)
			if (calls == 1) != c.want {
				t.Errorf("%d calls, want a compilation: %v", calls, c.want)
			}
		})
	}
	calls := 0
	h := handler(func() { calls++ })
	h.OnAdd(&before, false)
	h.OnDelete(toolscache.DeletedFinalStateUnknown{Key: "support/portal"})
	if calls != 2 {
		t.Errorf("an addition and a lost deletion made %d calls", calls)
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
