// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package servicedelegation writes the status of ServiceDelegations.
package servicedelegation

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/bundle"
	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/controllers/workloads"
	"behalf.dev/behalf/internal/compile"
)

// +kubebuilder:rbac:groups=behalf.dev,resources=servicedelegations,verbs=get;list;watch
// +kubebuilder:rbac:groups=behalf.dev,resources=servicedelegations/status,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// writers is how many statuses are written at a time. One policy can put the pods of a thousand ServiceDelegations outside, and all
// of them are to be flagged within five seconds: with so many, an API server may take a tenth of a second for each. Priority and
// fairness has 245 seats for service accounts, where nobody set another number, so other writes of ours find one.
const writers = 32

// Workloads knows how the running pods of service accounts stand.
type Workloads interface {
	// Of is false while that is not known.
	Of(namespace, serviceAccount string) (workloads.Standing, bool)
	// Source makes a controller look at the objects about whose pods something changed.
	Source() source.Source
}

// Setup adds the controller to a manager. It runs on the leader alone, and looks at an object when the object changes and
// when the reports, or running pods, say something else about it.
func Setup(mgr ctrl.Manager, reports *bundle.Reports, pods Workloads) error {
	reconciler := conditions.NewReconciler(mgr.GetClient(), mgr.GetEventRecorder(conditions.Reporter), conditions.Kind[*v1alpha1.ServiceDelegation]{
		New: func() *v1alpha1.ServiceDelegation { return &v1alpha1.ServiceDelegation{} },
		Derive: func(object *v1alpha1.ServiceDelegation, now time.Time) conditions.Verdict {
			outcome, known := reports.Outcome(compile.KindServiceDelegation, object)
			if !known {
				return conditions.Verdict{}
			}
			object.Status.Effective, object.Status.Excess = outcome.Report.Effective, listed(outcome.Report.Excess)
			return derive(object, outcome, within(pods.Of(object.Namespace, string(object.Spec.ServiceAccountName))), now)
		},
		Status: func(object *v1alpha1.ServiceDelegation) (*[]metav1.Condition, **int64) {
			return &object.Status.Conditions, &object.Status.ObservedGeneration
		},
	})
	err := ctrl.NewControllerManagedBy(mgr).Named("servicedelegation").
		For(&v1alpha1.ServiceDelegation{}).
		WatchesRawSource(reports.Source(compile.KindServiceDelegation)).
		WatchesRawSource(pods.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: writers}).
		Complete(reconciler)
	if err != nil {
		return fmt.Errorf("setting up the controller of ServiceDelegations: %w", err)
	}
	return nil
}
