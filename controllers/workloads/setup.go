// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// What the sweep reads, and where it writes. Of ReplicaSets and Jobs it reads who made them, by name.
//
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups=apps,resources=replicasets,verbs=get
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create
// +kubebuilder:rbac:groups=behalf.dev,resources=servicedelegations,verbs=get;list;watch

// Setup adds a Sweep to a manager. Whoever writes the status of ServiceDelegations asks it.
func Setup(mgr ctrl.Manager, reports Reports, live client.Client, exchangeAudience string) (*Sweep, error) {
	if err := Index(mgr.GetFieldIndexer()); err != nil {
		return nil, err
	}
	pods, err := Pods(mgr.GetConfig())
	if err != nil {
		return nil, err
	}
	s := New(Options{
		Reader: mgr.GetClient(), Informers: mgr.GetCache(), Live: live, Pods: pods, Reports: reports,
		ExchangeAudience: exchangeAudience, Log: mgr.GetLogger().WithName("workloads"),
	})
	if err := mgr.Add(s); err != nil {
		return nil, fmt.Errorf("adding the sweep over workloads: %w", err)
	}
	return s, nil
}

// Pods lists and watches, in all namespaces, the pods that run.
func Pods(config *rest.Config) (toolscache.ListerWatcher, error) {
	config = rest.CopyConfig(config)
	config.ContentType = runtime.ContentTypeProtobuf // pods are large, and most of each is thrown away at once
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the client of pods: %w", err)
	}
	pods := clients.CoreV1().Pods(metav1.NamespaceAll)
	narrow := func(options metav1.ListOptions) metav1.ListOptions {
		options.FieldSelector = fields.ParseSelectorOrDie(running).String()
		return options
	}
	return toolscache.ToListWatcherWithWatchListSemantics(&toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return pods.List(ctx, narrow(options))
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return pods.Watch(ctx, narrow(options))
		},
	}, clients), nil
}
