// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the kinds of behalf.dev/v1alpha1: what security teams, API teams and service teams write, and
// the conditions in which Behalf answers them.
//
// +kubebuilder:object:generate=true
// +groupName=behalf.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the API group and version of every kind in this package.
var GroupVersion = schema.GroupVersion{Group: "behalf.dev", Version: "v1alpha1"}

var schemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

// AddToScheme registers every kind of this package.
var AddToScheme = schemeBuilder.AddToScheme

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&ResourceServer{}, &ResourceServerList{},
		&DelegationPolicy{}, &DelegationPolicyList{},
		&ServiceDelegation{}, &ServiceDelegationList{},
		&TrustedIssuer{}, &TrustedIssuerList{},
		&DelegationGrant{}, &DelegationGrantList{},
		&DelegationRevocation{}, &DelegationRevocationList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
