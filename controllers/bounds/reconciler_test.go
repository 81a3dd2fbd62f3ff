// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bounds

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"behalf.dev/behalf/api/v1alpha1"
)

// behind is a reconciler with what its cache has and what there is.
func behind(cached, there []client.Object, funcs interceptor.Funcs) *reconciler {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	api := fake.NewClientBuilder().WithScheme(scheme).WithObjects(there...).WithInterceptorFuncs(funcs).Build()
	return &reconciler{
		client: api, live: api, kept: fake.NewClientBuilder().WithScheme(scheme).WithObjects(cached...).Build(),
		options: Options{Namespace: system, Figures: &Figures{}}, stand: make(chan struct{}),
		pending: map[string]bool{}, bounded: map[string]bool{}, removed: map[string]types.UID{},
	}
}

// ours is a ConfigMap as the controller writes it.
func ours(uid types.UID, o *corev1.ConfigMap) *corev1.ConfigMap {
	o.UID = uid
	o.Labels = map[string]string{"app.kubernetes.io/name": "behalf", "app.kubernetes.io/component": "backstop"}
	return o
}

func list(namespaces string) *corev1.ConfigMap {
	return ours("list", configMap(system, map[string]string{"namespaces": namespaces}))
}

func (r *reconciler) has(t *testing.T, namespace string) bool {
	t.Helper()
	err := r.live.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "behalf-bounds"}, &corev1.ConfigMap{})
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	return err == nil
}

func TestBoundsStayWhileTheirNamespaceIsListed(t *testing.T) {
	stand := ours("1", configMap("support", nil))
	r := behind( // the cache has the list from before support was on it
		[]client.Object{stand.DeepCopy(), list("\n")}, []client.Object{stand.DeepCopy(), list("\nsupport\n")}, interceptor.Funcs{})
	result, err := r.Reconcile(t.Context(), task{"support"})
	if err != nil || result.RequeueAfter == 0 || !r.has(t, "support") {
		t.Errorf("got %+v, %v; the bounds stand: %v", result, err, r.has(t, "support"))
	}
	s := behind([]client.Object{stand.DeepCopy(), list("\nsupport\n")}, []client.Object{stand.DeepCopy(), list("\nsupport\n")}, interceptor.Funcs{})
	if result, err := s.Reconcile(t.Context(), task{"support"}); err != nil || result.RequeueAfter != 0 || s.has(t, "support") {
		t.Errorf("got %+v, %v; the bounds stand: %v", result, err, s.has(t, "support"))
	}
}

// A list that somebody else wrote at the same time is looked at again. THREATS 44
func TestBoundsWaitForAListThatIsBehind(t *testing.T) {
	stand := ours("1", configMap("support", nil))
	objects := []client.Object{stand, list("\nsupport\n")}
	r := behind(objects, objects, interceptor.Funcs{
		Update: func(context.Context, client.WithWatch, client.Object, ...client.UpdateOption) error {
			return apierrors.NewConflict(schema.GroupResource{Resource: "configmaps"}, "behalf-bounds", errors.New("it was changed"))
		},
	})
	result, err := r.Reconcile(t.Context(), task{"support"})
	if err != nil || result.RequeueAfter == 0 || !r.has(t, "support") || r.options.Figures.unfinished != 0 {
		t.Errorf("got %+v, %v; the bounds stand: %v; %d failures", result, err, r.has(t, "support"), r.options.Figures.unfinished)
	}
}

func TestBoundsThatWereRemovedAreMadeAnew(t *testing.T) {
	removed := ours("1", configMap("support", map[string]string{"portal": tickets + "#read\nread"}))
	r := behind([]client.Object{removed}, []client.Object{declared("support", "portal", "read")}, interceptor.Funcs{})
	r.removed["support"] = "1" // and the cache has them yet
	if _, err := r.Reconcile(t.Context(), task{"support"}); err != nil || !r.has(t, "support") {
		t.Errorf("got %v; the bounds stand: %v", err, r.has(t, "support"))
	}
}

// A namespace whose bounds cannot be written keeps those that it had, and keeps nobody else from theirs. THREATS 44
func TestBoundsThatCannotBeWritten(t *testing.T) {
	full := errors.New("exceeded quota")
	terminating := apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "behalf-bounds", errors.New("the namespace is being terminated"))
	terminating.ErrStatus.Details.Causes = append(terminating.ErrStatus.Details.Causes, metav1.StatusCause{Type: corev1.NamespaceTerminatingCause})
	tests := map[string]struct {
		cached  []client.Object
		refused error
		want    string
		failure bool
	}{
		"are not listed where there were none":    {nil, full, "\nfinance\n", true},
		"stay listed where there were some":       {[]client.Object{ours("1", configMap("support", nil))}, full, "\nfinance\nsupport\n", true},
		"are no failure where the namespace goes": {nil, terminating, "\nfinance\n", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			refuse := func(namespace string) error {
				if namespace == "support" {
					return tt.refused
				}
				return nil
			}
			r := behind(tt.cached, []client.Object{declared("support", "portal", "read"), declared("finance", "portal", "read")}, interceptor.Funcs{
				Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, options ...client.ApplyOption) error {
					if err := refuse(namespaceOf(t, o)); err != nil {
						return err
					}
					return c.Apply(ctx, o, options...)
				},
				Update: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.UpdateOption) error {
					if err := refuse(o.GetNamespace()); err != nil {
						return err
					}
					return c.Update(ctx, o, options...)
				},
			})
			if _, err := r.Reconcile(t.Context(), task{"finance"}); err != nil || r.has(t, system) || r.told() {
				t.Errorf("before all are looked at, got %v; the list stands: %v, it is told: %v", err, r.has(t, system), r.told())
			}
			_, err := r.Reconcile(t.Context(), task{"support"})
			if (err != nil) != tt.failure || r.options.Figures.unfinished > 0 != tt.failure {
				t.Errorf("got %v, and %d failures are counted", err, r.options.Figures.unfinished)
			}
			got := list("")
			if err := r.live.Get(t.Context(), client.ObjectKeyFromObject(got), got); err != nil || got.Data["namespaces"] != tt.want {
				t.Errorf("the list is %q, %v, want %q", got.Data["namespaces"], err, tt.want)
			}
			if !r.told() {
				t.Error("nobody is told that the list stands")
			}
		})
	}
}

// told says whether policies may judge.
func (r *reconciler) told() bool {
	select {
	case <-r.stand:
		return true
	default:
		return false
	}
}

// THREATS 45: without the list, a policy that reads it would know of no namespace; and one that is old lacks some.
func TestPoliciesWaitForTheList(t *testing.T) {
	refused := errors.New("not now")
	r := behind(nil, []client.Object{declared("support", "portal", "read")}, interceptor.Funcs{
		Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, options ...client.ApplyOption) error {
			if namespaceOf(t, o) == system && refused != nil {
				return refused
			}
			return c.Apply(ctx, o, options...)
		},
	})
	steps := []struct {
		what    string
		task    task
		refused error
		told    bool
	}{
		{"at the start, which knows of no bounds", task{}, nil, false},
		{"with all bounds, and a list that cannot be written", task{"support"}, refused, false},
		{"with the list", task{}, nil, true},
		{"when all is written again", task{"support"}, nil, true},
	}
	for _, step := range steps {
		refused = step.refused
		if _, err := r.Reconcile(t.Context(), step.task); (err != nil) != (refused != nil) || r.told() != step.told {
			t.Errorf("%s: got %v, and it is told: %v", step.what, err, r.told())
		}
	}
}

func namespaceOf(t *testing.T, o runtime.ApplyConfiguration) string {
	t.Helper()
	named, ok := o.(interface{ GetNamespace() *string })
	if !ok {
		t.Fatalf("%T has no namespace", o)
	}
	return *named.GetNamespace()
}
