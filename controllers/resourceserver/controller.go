// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package resourceserver writes the status of ResourceServers.
package resourceserver

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/bundle"
	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/internal/compile"
)

// +kubebuilder:rbac:groups=behalf.dev,resources=resourceservers,verbs=get;list;watch
// +kubebuilder:rbac:groups=behalf.dev,resources=resourceservers/status,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Setup adds the controller to a manager. It runs on the leader alone, and looks at an object when the object changes and
// when the reports say something else about it.
func Setup(mgr ctrl.Manager, reports *bundle.Reports) error {
	reconciler := conditions.NewReconciler(mgr.GetClient(), mgr.GetEventRecorder(conditions.Reporter), conditions.Kind[*v1alpha1.ResourceServer]{
		New: func() *v1alpha1.ResourceServer { return &v1alpha1.ResourceServer{} },
		Derive: func(object *v1alpha1.ResourceServer, now time.Time) conditions.Verdict {
			outcome, known := reports.Outcome(compile.KindResourceServer, object)
			if !known {
				return conditions.Verdict{}
			}
			return derive(object, outcome, now)
		},
		Status: func(object *v1alpha1.ResourceServer) (*[]metav1.Condition, **int64) {
			return &object.Status.Conditions, &object.Status.ObservedGeneration
		},
	})
	err := ctrl.NewControllerManagedBy(mgr).Named("resourceserver").
		For(&v1alpha1.ResourceServer{}).
		WatchesRawSource(reports.Source(compile.KindResourceServer)).
		Complete(reconciler)
	if err != nil {
		return fmt.Errorf("setting up the controller of ResourceServers: %w", err)
	}
	return nil
}
