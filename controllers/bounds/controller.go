// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bounds has the API server know what ServiceDelegations declare: it writes the ConfigMaps that the policies of
// webhook/backstop read, and puts right what somebody else made of them. The policies themselves internal/upkeep looks after;
// it is told when they may judge.
package bounds

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/webhook/backstop"
)

// What it reads and writes. Creating is bounded by name, because it is done by applying.
//
// +kubebuilder:rbac:groups=behalf.dev,resources=servicedelegations,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=configmaps,resourceNames=behalf-bounds,verbs=get;list;watch;create;update;patch;delete

// task is to look at one namespace, or where that is empty, at the list of them.
type task struct{ namespace string }

// Setup adds the controller to a manager. It runs on the leader alone. What it gives is closed once the bounds of all
// namespaces stand, and the list of them: from then on, policies that read them deny nothing that is declared.
func Setup(mgr ctrl.Manager, options Options) (stand <-chan struct{}, err error) {
	kept, err := newCache(mgr)
	if err != nil {
		return nil, err
	}
	r := &reconciler{
		client: mgr.GetClient(), kept: kept, live: mgr.GetAPIReader(), options: options, stand: make(chan struct{}),
		pending: map[string]bool{}, bounded: map[string]bool{}, removed: map[string]types.UID{},
	}
	err = builder.TypedControllerManagedBy[task](mgr).Named("bounds").
		WatchesRawSource(source.TypedFunc[task](atStart)).
		WatchesRawSource(source.TypedKind(mgr.GetCache(), &v1alpha1.ServiceDelegation{}, inItsNamespace[*v1alpha1.ServiceDelegation](),
			predicate.TypedGenerationChangedPredicate[*v1alpha1.ServiceDelegation]{})). // not at each write of status
		WatchesRawSource(source.TypedKind(kept, &corev1.ConfigMap{}, inItsNamespace[*corev1.ConfigMap]())).
		Complete(r)
	if err != nil {
		return nil, fmt.Errorf("setting up the controller of bounds: %w", err)
	}
	return r.stand, nil
}

// newCache holds what is written here, and no other ConfigMap.
func newCache(mgr ctrl.Manager) (cache.Cache, error) {
	kept, err := cache.New(mgr.GetConfig(), cache.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{&corev1.ConfigMap{}: {
			Field: fields.OneTermEqualSelector("metadata.name", backstop.BoundsConfigMap),
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("making the cache of bounds: %w", err)
	}
	if err := mgr.Add(kept); err != nil {
		return nil, fmt.Errorf("adding the cache of bounds: %w", err)
	}
	return kept, nil
}

// atStart has the list written where there is nothing else to look at.
func atStart(_ context.Context, queue workqueue.TypedRateLimitingInterface[task]) error {
	queue.Add(task{})
	return nil
}

func inItsNamespace[T client.Object]() handler.TypedEventHandler[T, task] {
	return handler.TypedEnqueueRequestsFromMapFunc(func(_ context.Context, o T) []task {
		return []task{{namespace: o.GetNamespace()}}
	})
}
