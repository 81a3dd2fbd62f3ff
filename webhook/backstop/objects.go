// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"context"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"behalf.dev/behalf/internal/upkeep"
)

// Namer asks for the user name under which the API server knows the manager.
type Namer func(context.Context) (string, error)

// Objects gives policies and bindings to be looked after. Those that read bounds may take effect once bounds stand, for before
// they would deny what is declared. The guard must not wait for that: one of another manager may be what keeps this one from
// writing bounds. It waits until the manager's name is known; the others do not wait for it.
func Objects(o Options, bounds <-chan struct{}, manager Namer) ([]upkeep.Object, error) {
	var all []upkeep.Object
	for _, p := range Policies(o) {
		policy, err := manifestOf(p.Policy, "ValidatingAdmissionPolicy")
		if err != nil {
			return nil, err
		}
		binding, err := manifestOf(p.Binding, "ValidatingAdmissionPolicyBinding")
		if err != nil {
			return nil, err
		}
		var after <-chan struct{}
		if p.Binding.Spec.ParamRef != nil {
			after = bounds
		}
		each := upkeep.Object{Manifest: policy, After: after}
		if p.Policy.Name == Guard {
			each.Complete = o.guardOf(manager)
		}
		all = append(all, each, upkeep.Object{Manifest: binding, After: after})
	}
	return all, nil
}

// guardOf gives the guard for whatever name the manager turns out to have.
func (o Options) guardOf(manager Namer) func(context.Context) (*unstructured.Unstructured, error) {
	return func(ctx context.Context) (*unstructured.Unstructured, error) {
		name, err := manager(ctx)
		if err != nil {
			return nil, err
		}
		known := o
		known.Manager = name
		return manifestOf(known.guard().Policy, "ValidatingAdmissionPolicy")
	}
}

// manifestOf gives an object as it is applied.
func manifestOf(object any, kind string) (*unstructured.Unstructured, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("writing down a %s: %w", kind, err)
	}
	delete(fields, "status")
	manifest := &unstructured.Unstructured{Object: fields}
	manifest.SetGroupVersionKind(admissionregistrationv1.SchemeGroupVersion.WithKind(kind))
	return manifest, nil
}
