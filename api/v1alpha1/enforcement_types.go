// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Enforcement says whether a denial denies, or is only recorded until a stated
// time.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule=`self.mode != 'DryRun' || has(self.until)`,message="until is required with mode DryRun: say when the dry run ends and enforcement begins",fieldPath=".until"
// +kubebuilder:validation:XValidation:rule=`self.mode == 'DryRun' || !has(self.until)`,message="until goes with mode DryRun only: remove it, or set mode to DryRun",fieldPath=".until"
type Enforcement struct {
	// mode is Enforce or DryRun. Without it, Enforce.
	//
	// +optional
	// +default="Enforce"
	Mode EnforcementMode `json:"mode,omitempty"`

	// until is when a dry run ends and enforcement begins. Required with DryRun,
	// refused otherwise: a dry run without an end is an open door that nobody
	// remembers.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=64
	Until *metav1.Time `json:"until,omitempty"`
}
