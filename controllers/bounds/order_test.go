// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bounds

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
)

// history is what the API server was told, in its order.
type history struct {
	mu     sync.Mutex
	events []watch.Event
}

// record what is written from now on.
func (s *stage) record(t *testing.T) *history {
	t.Helper()
	clients, err := kubernetes.NewForConfig(s.cluster.Admin)
	s.must(t, err)
	w, err := clients.CoreV1().ConfigMaps("").Watch(t.Context(), metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", "behalf-bounds").String(),
	})
	s.must(t, err)
	t.Cleanup(w.Stop)
	h := &history{}
	go func() {
		for event := range w.ResultChan() {
			h.mu.Lock()
			h.events = append(h.events, event)
			h.mu.Unlock()
		}
	}()
	return h
}

// lists are the lists of namespaces, one after the other.
func (h *history) lists() [][]string {
	var all [][]string
	h.each(func(o *corev1.ConfigMap, _ watch.EventType) {
		if o.Namespace == system {
			all = append(all, strings.Fields(o.Data["namespaces"]))
		}
	})
	return all
}

func (h *history) each(f func(*corev1.ConfigMap, watch.EventType)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, event := range h.events {
		if o, ok := event.Object.(*corev1.ConfigMap); ok {
			f(o, event.Type)
		}
	}
}

func (s *stage) testOrder(t *testing.T) {
	h := s.record(t)
	const many = 20
	for i := range many {
		s.makeNamespace(t, fmt.Sprintf("order-%d", i))
	}
	for i := range many {
		s.must(t, s.Create(t.Context(), declared(fmt.Sprintf("order-%d", i), "portal", "read")))
		if i%2 == 1 { // some go while others come, and some of those come again
			s.must(t, s.Delete(t.Context(), declared(fmt.Sprintf("order-%d", i-1), "portal")))
		}
		if i%4 == 3 {
			s.must(t, s.Create(t.Context(), declared(fmt.Sprintf("order-%d", i-1), "again", "read")))
		}
	}
	s.eventually(t, "all is written", func() bool {
		listed := s.listed(t)
		for i := range many {
			if slices.Contains(listed, fmt.Sprintf("order-%d", i)) == (i%4 == 0) {
				return false
			}
		}
		return true
	})
	for i := range many {
		s.must(t, s.DeleteAllOf(t.Context(), &v1alpha1.ServiceDelegation{}, client.InNamespace(fmt.Sprintf("order-%d", i))))
	}
	s.eventually(t, "no bounds are left", func() bool {
		var all corev1.ConfigMapList
		s.must(t, s.List(t.Context(), &all, client.MatchingFields{"metadata.name": "behalf-bounds"}))
		return !slices.ContainsFunc(all.Items, func(o corev1.ConfigMap) bool { return strings.HasPrefix(o.Namespace, "order-") })
	})
	stands, listed, turns := map[string]bool{}, []string{}, 0
	h.each(func(o *corev1.ConfigMap, event watch.EventType) {
		if o.Namespace == system {
			listed = strings.Fields(o.Data["namespaces"])
			turns++
		} else {
			stands[o.Namespace] = event != watch.Deleted
		}
		for _, namespace := range listed {
			if strings.HasPrefix(namespace, "order-") && !stands[namespace] {
				t.Errorf("%s is listed, and has no bounds", namespace)
			}
		}
	})
	if turns < 3 {
		t.Errorf("the list was written %d times", turns)
	}
}
