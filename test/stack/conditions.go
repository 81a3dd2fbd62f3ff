// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/test/cluster"
)

// AwaitEnforced waits until the object's status says Enforced=True for its present generation.
func (s *Stack) AwaitEnforced(ctx context.Context, object client.Object) error {
	return s.AwaitCondition(ctx, object, v1alpha1.ConditionEnforced, metav1.ConditionTrue)
}

// AwaitCondition waits until the object's status says so for its present generation.
func (s *Stack) AwaitCondition(ctx context.Context, object client.Object, conditionType string, want metav1.ConditionStatus) error {
	gvk, err := apiutil.GVKForObject(object, s.scheme)
	if err != nil {
		return fmt.Errorf("waiting for %s of %s: %w", conditionType, object.GetName(), err)
	}
	return eventually(ctx, s.writer(), func(ctx context.Context) error {
		live := &unstructured.Unstructured{}
		live.SetGroupVersionKind(gvk)
		if err := s.Admin.Get(ctx, client.ObjectKeyFromObject(object), live); err != nil {
			return fmt.Errorf("reading %s %s: %w", gvk.Kind, object.GetName(), err)
		}
		conditions, err := conditionsOf(live)
		if err != nil {
			return err
		}
		got := meta.FindStatusCondition(conditions, conditionType)
		if got == nil || got.Status != want || got.ObservedGeneration < live.GetGeneration() {
			return fmt.Errorf("%s %s: %s is not %s for generation %d: %+v", gvk.Kind, object.GetName(), conditionType, want, live.GetGeneration(), got)
		}
		return nil
	})
}

// writer is the process that writes status, where there is only one that could.
func (s *Stack) writer() *cluster.Process {
	if len(s.Managers) > 1 {
		return nil
	}
	return s.Manager.process
}

func conditionsOf(object *unstructured.Unstructured) ([]metav1.Condition, error) {
	status, _, err := unstructured.NestedMap(object.Object, "status")
	if err != nil {
		return nil, fmt.Errorf("reading the status of %s: %w", object.GetName(), err)
	}
	var typed struct {
		Conditions []metav1.Condition `json:"conditions"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(status, &typed); err != nil {
		return nil, fmt.Errorf("reading the conditions of %s: %w", object.GetName(), err)
	}
	return typed.Conditions, nil
}
