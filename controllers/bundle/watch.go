// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"fmt"
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
)

var (
	namespaceKind      = schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	serviceAccountKind = schema.GroupVersionKind{Version: "v1", Kind: "ServiceAccount"}
)

func listKindOf(kind schema.GroupVersionKind) schema.GroupVersionKind {
	kind.Kind += "List"
	return kind
}

// watched is everything that the compiler looks at. Of namespaces and service accounts only the metadata are kept.
func watched() []client.Object {
	namespaces, accounts := &metav1.PartialObjectMetadata{}, &metav1.PartialObjectMetadata{}
	namespaces.SetGroupVersionKind(namespaceKind)
	accounts.SetGroupVersionKind(serviceAccountKind)
	return []client.Object{
		&v1alpha1.ResourceServer{}, &v1alpha1.DelegationPolicy{}, &v1alpha1.ServiceDelegation{}, &v1alpha1.TrustedIssuer{},
		&v1alpha1.DelegationGrant{}, &v1alpha1.DelegationRevocation{}, namespaces, accounts,
	}
}

// watch waits for the caches of everything and calls changed at every change that the compiler could see.
func watch(ctx context.Context, informers cache.Informers, changed func()) error {
	for _, object := range watched() {
		informer, err := informers.GetInformer(ctx, object)
		if err != nil {
			return fmt.Errorf("watching %s: %w", nameOf(object), err)
		}
		if _, err := informer.AddEventHandler(handler(changed)); err != nil {
			return fmt.Errorf("watching %s: %w", nameOf(object), err)
		}
	}
	return nil
}

func nameOf(object client.Object) string {
	if kind := object.GetObjectKind().GroupVersionKind().Kind; kind != "" {
		return kind
	}
	return fmt.Sprintf("%T", object)
}

func handler(changed func()) toolscache.ResourceEventHandlerFuncs {
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { changed() },
		DeleteFunc: func(any) { changed() },
		UpdateFunc: func(before, after any) {
			if matters(before, after) {
				changed()
			}
		},
	}
}

// matters is false for what the compiler does not read: above all for our own writes of status, and for resyncs.
func matters(before, after any) bool {
	a, ok := before.(client.Object)
	b, also := after.(client.Object)
	if !ok || !also {
		return true
	}
	return a.GetUID() != b.GetUID() || a.GetGeneration() != b.GetGeneration() || !maps.Equal(a.GetLabels(), b.GetLabels())
}
