// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// byServiceAccount is the name of an index of ours. Others may index the same field by another name.
const byServiceAccount = "workloads:spec.serviceAccountName"

// Index makes the cache find ServiceDelegations by service account. It must be called before the cache is started.
func Index(indexer client.FieldIndexer) error {
	err := indexer.IndexField(context.Background(), &v1alpha1.ServiceDelegation{}, byServiceAccount, func(o client.Object) []string {
		d, ok := o.(*v1alpha1.ServiceDelegation)
		if !ok {
			return nil
		}
		return []string{string(d.Spec.ServiceAccountName)}
	})
	if err != nil {
		return fmt.Errorf("indexing ServiceDelegations by service account: %w", err)
	}
	return nil
}

// watch follows ServiceDelegations, what becomes of them, and pods, and has everything looked at once all running pods are
// known.
func (s *Sweep) watch(ctx context.Context) (stop func(), err error) {
	informer, err := s.options.Informers.GetInformer(ctx, &v1alpha1.ServiceDelegation{})
	if err != nil {
		return nil, fmt.Errorf("watching ServiceDelegations: %w", err)
	}
	registration, err := informer.AddEventHandler(s.delegationHandler())
	if err != nil {
		return nil, fmt.Errorf("watching ServiceDelegations: %w", err)
	}
	// The pods are in a cache of their own: nobody else could make anything of what is kept of them.
	pods := toolscache.NewSharedIndexInformer(s.options.Pods, &corev1.Pod{}, 0, nil)
	if err := pods.SetTransform(slim(s.options.ExchangeAudience)); err != nil {
		return nil, fmt.Errorf("watching pods: %w", err)
	}
	handled, err := pods.AddEventHandler(s.podHandler())
	if err != nil {
		return nil, fmt.Errorf("watching pods: %w", err)
	}
	cancel := s.options.Reports.Subscribe(compile.KindServiceDelegation, func(name types.NamespacedName) {
		s.queue.Add(item{delegation: true, name: name})
	})
	watching, end := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); pods.RunWithContext(watching) }()
	go func() {
		if toolscache.WaitForCacheSync(watching.Done(), registration.HasSynced, handled.HasSynced) {
			s.queue.Add(everything)
		}
	}()
	return func() { cancel(); end(); <-ended }, nil
}

func (s *Sweep) podHandler() toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(object any, initially bool) {
			if p, ok := object.(*pod); ok {
				s.pod(nil, p, s.arrival(initially))
			}
		},
		UpdateFunc: func(before, after any) {
			old, was := before.(*pod)
			p, is := after.(*pod)
			if was && is && !sameInAll(old, p) {
				s.pod(old, p, s.now())
			}
		},
		DeleteFunc: func(object any) {
			if unseen, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
				object = unseen.Obj
			}
			if p, ok := object.(*pod); ok {
				s.pod(p, nil, s.now())
			}
		},
	}
}

// arrival is when something came that was not there when the watch began: nobody knows when that came.
func (s *Sweep) arrival(initially bool) time.Time {
	if initially {
		return time.Time{}
	}
	return s.now()
}

// sameInAll passes over most of what happens to a pod: its status.
func sameInAll(a, b *pod) bool {
	return a.UID == b.UID && a.ask == b.ask && a.workload() == b.workload()
}

// pod takes one in place of another; nil is none.
func (s *Sweep) pod(old, p *pod, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old != nil && old.asks() {
		if a := s.accounts[old.account()]; a != nil {
			a.remove(old)
			s.notice(a.name, at, settle)
		}
	}
	if p != nil && p.asks() {
		name := p.account()
		if s.accounts[name] == nil {
			s.accounts[name] = newAccount(name)
			s.accounts[name].initial = !s.known
		}
		s.accounts[name].put(p)
		s.notice(name, at, settle)
	}
}

func (s *Sweep) delegationHandler() toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(object any, initially bool) {
			if d, ok := object.(*v1alpha1.ServiceDelegation); ok {
				s.delegation(d, s.arrival(initially))
			}
		},
		UpdateFunc: func(before, after any) {
			old, was := before.(*v1alpha1.ServiceDelegation)
			d, is := after.(*v1alpha1.ServiceDelegation)
			if !was || !is {
				return
			}
			if old.UID != d.UID || old.Generation != d.Generation {
				s.delegation(old, s.now())
				s.delegation(d, s.now())
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.seen(d)
		},
		DeleteFunc: func(object any) {
			if unseen, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
				object = unseen.Obj
			}
			if d, ok := object.(*v1alpha1.ServiceDelegation); ok {
				s.delegation(d, s.now())
			}
		},
	}
}

func (s *Sweep) delegation(d *v1alpha1.ServiceDelegation, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notice(accountOf(d), at, 0)
}

func compareNames(a, b client.Object) int { return strings.Compare(a.GetName(), b.GetName()) }

// count gives how many pods ask for delegation, and how many of them for more than they are given, by the first reason. The
// lock is held.
func (s *Sweep) count() (asking int, outside map[string]int) {
	outside = map[string]int{}
	for _, a := range s.accounts {
		asking += a.asking()
		for reason, n := range a.reasons {
			outside[string(reason)] += n
		}
	}
	return asking, outside
}
