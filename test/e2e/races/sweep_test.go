// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package races

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/test/stack"
)

// hands is how many requests are made at a time.
const hands = 16

// THREATS 7: every time is from the API server's answer to the change until its watch tells of the condition.
func TestASweepOverManyPodsTakesLessThanFiveSeconds(t *testing.T) {
	pods := either(600, 10_000)
	s := startStack(t)
	for _, c := range []struct {
		name     string
		services int
	}{
		{"pods-of-one-service", 1}, {"pods-of-many-services", either(30, 100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := populate(t, s, c.name, c.services, pods/c.services)
			w.flag(t, "a DelegationPolicy", func(ctx context.Context) error { return w.permit(ctx, s.Admin, keep) }, w.services)
			if err := w.permit(t.Context(), s.Admin, keep, race); err != nil {
				t.Fatal(err)
			}
			w.settle(t)
			w.flag(t, "a ServiceDelegation", func(ctx context.Context) error {
				first := w.services[0]
				before := first.declaration.DeepCopy()
				first.declaration.Spec.Audiences = first.scopes(keep)
				return s.Admin.Patch(ctx, first.declaration, client.MergeFrom(before))
			}, w.services[:1])
		})
	}
}

// workloads are services with pods that all ask for the scope that is taken away.
type workloads struct {
	services []*service
	each     int
	policy   *v1alpha1.DelegationPolicy
	status   *status
}

func populate(t *testing.T, on *stack.Stack, namespace string, services, each int) *workloads {
	t.Helper()
	if err := on.Founded(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		t.Fatal(err)
	}
	w := &workloads{each: each, status: follow(t, on.Admin, namespace)}
	var accounts, pods []client.Object
	for i := range services {
		s := newService(namespace, fmt.Sprintf("s-%04d", i), "api")
		w.services = append(w.services, s)
		accounts = append(accounts, s.account(), s.declaration)
		for k := range each {
			pods = append(pods, s.asks(fmt.Sprintf("%s-%04d", s.name, k)))
		}
	}
	w.policy = permit(namespace, w.services[:1], keep, race) // they share an API
	create(t, on.Admin, w.services[0].server(), w.policy)
	together(t, on.Admin, accounts)
	began := time.Now()
	together(t, on.Admin, pods)
	t.Logf("%d pods were admitted in %s", len(pods), time.Since(began).Round(time.Second))
	w.settle(t)
	return w
}

// permit changes the policy.
func (w *workloads) permit(ctx context.Context, c client.Client, scopes ...v1alpha1.ScopeName) error {
	before := w.policy.DeepCopy()
	w.policy.Spec = permit(w.policy.Name, w.services[:1], scopes...).Spec
	return c.Patch(ctx, w.policy, client.MergeFrom(before))
}

// settle waits until nobody is outside.
func (w *workloads) settle(t *testing.T) {
	t.Helper()
	for _, s := range w.services {
		for _, kind := range []string{v1alpha1.ConditionWithinPolicy, v1alpha1.ConditionWorkloadsWithinBounds} {
			if err := w.status.await(t.Context(), s.name, s.declaration.Generation, kind, metav1.ConditionTrue, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// together creates many objects.
func together(t *testing.T, c client.Client, objects []client.Object) {
	t.Helper()
	work := make(chan client.Object)
	var group sync.WaitGroup
	for range hands {
		group.Go(func() {
			for object := range work {
				if err := patiently(t.Context(), c, object); err != nil {
					t.Errorf("creating %T %s: %v", object, client.ObjectKeyFromObject(object), err)
				}
			}
		})
	}
	for _, object := range objects {
		work <- object
	}
	close(work)
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// patiently creates an object, again where the API server's policies do not know yet what was declared a moment before.
func patiently(ctx context.Context, c client.Client, object client.Object) error {
	const attempts = 100
	for range attempts {
		err := c.Create(ctx, object)
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "try again in a moment") {
			return err
		}
		<-time.After(apart)
	}
	return c.Create(ctx, object)
}

// flag makes a change, and measures until all these services say of all their pods that they are outside.
func (w *workloads) flag(t *testing.T, what string, change func(context.Context) error, services []*service) {
	t.Helper()
	if err := change(t.Context()); err != nil {
		t.Fatal(err)
	}
	answered := time.Now()
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		took  []time.Duration
	)
	for _, s := range services {
		group.Go(func() {
			err := w.status.await(t.Context(), s.name, s.declaration.Generation, v1alpha1.ConditionWorkloadsWithinBounds, metav1.ConditionFalse, count(w.each))
			after := time.Since(answered)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, after)
		})
	}
	group.Wait()
	t.Logf("%s narrowed, and %d pods of %d services were flagged: %s", what, len(services)*w.each, len(services), spread(took))
	if longest := took[len(took)-1]; longest > soon {
		t.Errorf("the last was flagged after %s", longest)
	}
}
