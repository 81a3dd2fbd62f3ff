// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
)

// input is an object of ours: what is compiled of it, and how it is read.
type input struct {
	kind string
	meta *metav1.ObjectMeta
	spec any
	read func(*view) said
}

// inputOf takes a pointer to one of the Reported.
func inputOf(object any) *input {
	in := &input{}
	switch o := object.(type) {
	case *v1alpha1.ResourceServer:
		*in = input{KindResourceServer, &o.ObjectMeta, &o.Spec, func(v *view) said { return said{server: v.readServer(o)} }}
	case *v1alpha1.DelegationPolicy:
		*in = input{KindDelegationPolicy, &o.ObjectMeta, &o.Spec, func(v *view) said { return said{policy: v.readPolicy(o)} }}
	case *v1alpha1.ServiceDelegation:
		*in = input{KindServiceDelegation, &o.ObjectMeta, &o.Spec, func(v *view) said { return said{delegation: v.readDelegation(o)} }}
	case *v1alpha1.TrustedIssuer:
		*in = input{KindTrustedIssuer, &o.ObjectMeta, &o.Spec, func(v *view) said { return said{issuer: v.readIssuer(o)} }}
	case *v1alpha1.DelegationGrant:
		*in = input{KindDelegationGrant, &o.ObjectMeta, &o.Spec, func(v *view) said { return said{grant: v.readGrant(o)} }}
	case *v1alpha1.DelegationRevocation:
		*in = input{KindDelegationRevocation, &o.ObjectMeta, &o.Spec, func(v *view) said { return said{revocation: v.readRevocation(o)} }}
	}
	return in
}

func (in *input) key() Key {
	return Key{Kind: in.kind, Namespace: in.meta.Namespace, Name: in.meta.Name}
}

// same says whether two objects of one name compile to the same. The whole spec is compared, and not its generation alone:
// that would rest on an API server that was never restored from a copy, and on there being one.
func (in *input) same(other *input) bool {
	a, b := in.meta, other.meta
	return a == b || a.UID == b.UID && a.Generation == b.Generation && a.CreationTimestamp.Equal(&b.CreationTimestamp) &&
		reflect.DeepEqual(in.spec, other.spec)
}
