// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bounds

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/webhook/backstop"
)

// settling is how long to wait until a namespace is listed no more, before its bounds are looked at again.
const settling = 100 * time.Millisecond

// Options of the controller.
type Options struct {
	// Namespace is Behalf's own.
	Namespace string
	// Figures are told how it goes.
	Figures *Figures
}

// reconciler has one worker, which alone touches what it remembers.
type reconciler struct {
	client  client.Client // reads ServiceDelegations from a cache
	kept    client.Reader // a cache of what is written here
	live    client.Reader // the API server
	options Options

	// stand is closed once all bounds and the list were written.
	stand chan struct{}
	// started says that pending is known: the namespaces that have ServiceDelegations and were not looked at yet.
	started bool
	pending map[string]bool
	// bounded are the namespaces whose bounds stand.
	bounded map[string]bool
	// removed are the bounds of each namespace that were removed, and that the cache may still have.
	removed map[string]types.UID
}

// Reconcile brings a namespace's bounds up to date, then the list of namespaces. A namespace is listed
// after its bounds are written, and its bounds are removed after it is listed no more, so that at no time the API server is
// told that there are bounds and finds none; it sees ConfigMaps in the order in which they were written.
func (r *reconciler) Reconcile(ctx context.Context, t task) (reconcile.Result, error) {
	result, err := r.reconcile(ctx, t)
	if err != nil {
		r.options.Figures.failed()
	}
	return result, err
}

func (r *reconciler) reconcile(ctx context.Context, t task) (reconcile.Result, error) {
	if err := r.start(ctx); err != nil {
		return reconcile.Result{}, err
	}
	if t.namespace == "" || slices.Contains(backstop.Excluded(r.options.Namespace), t.namespace) {
		return reconcile.Result{}, r.list(ctx)
	}
	bounds, err := r.boundsOf(ctx, t.namespace)
	if err != nil {
		return reconcile.Result{}, err
	}
	if bounds == nil {
		return r.clear(ctx, t.namespace)
	}
	err = r.write(ctx, bounds)
	delete(r.pending, t.namespace)
	return reconcile.Result{}, errors.Join(err, r.list(ctx))
}

// start finds out what there is to do before the list of namespaces is complete. Until then none is written: the one before
// is better than half a list.
func (r *reconciler) start(ctx context.Context) error {
	if r.started {
		return nil
	}
	var all v1alpha1.ServiceDelegationList
	if err := r.client.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("reading ServiceDelegations: %w", err)
	}
	excluded := backstop.Excluded(r.options.Namespace)
	for i := range all.Items {
		if namespace := all.Items[i].Namespace; !slices.Contains(excluded, namespace) {
			r.pending[namespace] = true
		}
	}
	r.started = true
	return nil
}

func (r *reconciler) boundsOf(ctx context.Context, namespace string) (*corev1.ConfigMap, error) {
	var declared v1alpha1.ServiceDelegationList
	if err := r.client.List(ctx, &declared, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("reading ServiceDelegations: %w", err)
	}
	delegations := make([]*v1alpha1.ServiceDelegation, len(declared.Items))
	for i := range declared.Items {
		delegations[i] = &declared.Items[i]
	}
	bounds, leftOut := backstop.Bounds(namespace, delegations)
	if r.options.Figures.leaveOut(namespace, len(leftOut)) {
		log.FromContext(ctx).Info("what service accounts declare does not fit into one ConfigMap, and their pods are denied: "+
			"divide them among namespaces, or have them declare less", "namespace", namespace, "serviceAccounts", leftOut)
	}
	return bounds, nil
}

// write has the bounds stand. Where it fails, those that stood before go on to, if there are any.
func (r *reconciler) write(ctx context.Context, bounds *corev1.ConfigMap) error {
	err := r.ensureConfigMap(ctx, bounds)
	if err == nil {
		r.bounded[bounds.Namespace] = true
		return nil
	}
	delete(r.bounded, bounds.Namespace)
	if before, unknown := r.standing(ctx, bounds.Namespace); unknown == nil && before != nil {
		r.bounded[bounds.Namespace] = true
	}
	if goes(err) {
		return nil
	}
	return err
}

// goes says of an error that the namespace is being deleted, or was.
func goes(err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) || apierrors.IsNotFound(err)
}

// clear takes the namespace from the list, and then its bounds away.
func (r *reconciler) clear(ctx context.Context, namespace string) (reconcile.Result, error) {
	delete(r.pending, namespace)
	delete(r.bounded, namespace)
	if err := r.list(ctx); err != nil {
		return reconcile.Result{}, err
	}
	bounds, err := r.standing(ctx, namespace)
	if err != nil || bounds == nil {
		return reconcile.Result{}, err
	}
	switch listed, err := r.listed(ctx, namespace); {
	case err != nil:
		return reconcile.Result{}, err
	case listed:
		return reconcile.Result{RequeueAfter: settling}, nil
	}
	return reconcile.Result{}, r.remove(ctx, bounds)
}

// standing gives the bounds of a namespace as the cache has them; nil where there are none, or none but those that were
// removed here.
func (r *reconciler) standing(ctx context.Context, namespace string) (*corev1.ConfigMap, error) {
	bounds := &corev1.ConfigMap{}
	err := r.kept.Get(ctx, client.ObjectKey{Namespace: namespace, Name: backstop.BoundsConfigMap}, bounds)
	switch {
	case apierrors.IsNotFound(err):
		delete(r.removed, namespace)
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the bounds of namespace %s: %w", namespace, err)
	case bounds.UID == r.removed[namespace]:
		return nil, nil
	}
	return bounds, nil
}

// listed asks the API server, for the cache may not have the list that was written last.
func (r *reconciler) listed(ctx context.Context, namespace string) (bool, error) {
	list := &corev1.ConfigMap{}
	err := r.live.Get(ctx, client.ObjectKey{Namespace: r.options.Namespace, Name: backstop.BoundsConfigMap}, list)
	if err != nil {
		return false, client.IgnoreNotFound(err)
	}
	return backstop.Lists(list, namespace), nil
}

func (r *reconciler) remove(ctx context.Context, bounds *corev1.ConfigMap) error {
	err := r.client.Delete(ctx, bounds, client.Preconditions{UID: &bounds.UID})
	if apierrors.IsConflict(err) {
		return nil // others stand there by now; the cache will tell
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting the bounds of namespace %s: %w", bounds.Namespace, err)
	}
	r.removed[bounds.Namespace] = bounds.UID
	return nil
}

// list writes the list of namespaces, once it is complete, and tells that the policies may judge by it: before, they would
// deny what is declared.
func (r *reconciler) list(ctx context.Context) error {
	if len(r.pending) > 0 {
		return nil
	}
	list, leftOut := backstop.Namespaces(r.options.Namespace, slices.Collect(maps.Keys(r.bounded)))
	r.options.Figures.list(len(r.bounded)-leftOut, leftOut)
	if err := r.ensureConfigMap(ctx, list); err != nil {
		return err
	}
	select {
	case <-r.stand: // told before
	default:
		close(r.stand)
	}
	return nil
}
