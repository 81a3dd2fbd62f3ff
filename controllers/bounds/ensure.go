// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bounds

import (
	"context"
	"fmt"
	"maps"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/webhook/backstop"
)

// owner is who the API server is told applies.
const owner = client.FieldOwner("behalf-manager")

func (r *reconciler) ensurePolicies(ctx context.Context, options backstop.Options) error {
	for _, p := range backstop.Policies(options) {
		if err := ensure(ctx, r, p.Policy, policyIs, adoptPolicy); err != nil {
			return err
		}
		if err := ensure(ctx, r, p.Binding, bindingIs, adoptBinding); err != nil {
			return err
		}
	}
	return nil
}

// ensureConfigMap takes over what somebody wrote under the name before the guard was there, all of it. What is immutable
// goes, and another one takes its place.
func (r *reconciler) ensureConfigMap(ctx context.Context, want *corev1.ConfigMap) error {
	have, err := r.standing(ctx, want.Namespace)
	switch {
	case err != nil:
		return err
	case have == nil:
		return r.create(ctx, want)
	case have.Immutable != nil && *have.Immutable:
		if err := r.remove(ctx, have); err != nil {
			return err
		}
		return r.create(ctx, want)
	}
	return hold(ctx, r, have, want, configMapIs, adoptConfigMap)
}

// ensure creates an object, or changes it where it is not what is wanted.
func ensure[T client.Object](ctx context.Context, r *reconciler, want T, is func(have, want T) bool, adopt func(have, want T)) error {
	have, ok := want.DeepCopyObject().(T)
	if !ok {
		return fmt.Errorf("copying %T gave another type", want)
	}
	err := r.kept.Get(ctx, client.ObjectKeyFromObject(want), have)
	if apierrors.IsNotFound(err) {
		return r.create(ctx, want)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", r.describe(want), err)
	}
	return hold(ctx, r, have, want, is, adopt)
}

// hold writes all of an object where it is not what is wanted: applying would leave alone what others added. Where the cache
// was behind nothing is written; it will tell what stands there, and that is looked at then.
func hold[T client.Object](ctx context.Context, r *reconciler, have, want T, is func(have, want T) bool, adopt func(have, want T)) error {
	if is(have, want) {
		return nil
	}
	adopt(have, want)
	if err := r.client.Update(ctx, have); err != nil && !apierrors.IsConflict(err) {
		return fmt.Errorf("changing %s: %w", r.describe(want), err)
	}
	return nil
}

// create applies, for which the manager needs the right to create objects of this name, and of no other.
func (r *reconciler) create(ctx context.Context, want client.Object) error {
	kind, err := r.client.GroupVersionKindFor(want)
	if err != nil {
		return fmt.Errorf("naming the kind of %s: %w", r.describe(want), err)
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(want)
	if err != nil {
		return fmt.Errorf("reading %s: %w", r.describe(want), err)
	}
	delete(fields, "status")
	object := &unstructured.Unstructured{Object: fields}
	object.SetGroupVersionKind(kind)
	if err := r.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), owner, client.ForceOwnership); err != nil {
		return fmt.Errorf("creating %s: %w", r.describe(want), err)
	}
	return nil
}

// describe is kind and name, as far as they are known.
func (r *reconciler) describe(o client.Object) string {
	kind, err := r.client.GroupVersionKindFor(o)
	if err != nil {
		return o.GetName()
	}
	return kind.Kind + " " + strings.TrimPrefix(client.ObjectKeyFromObject(o).String(), "/")
}

func configMapIs(have, want *corev1.ConfigMap) bool {
	return maps.Equal(have.Data, want.Data) && len(have.BinaryData) == 0 && maps.Equal(have.Labels, want.Labels) &&
		len(have.OwnerReferences) == 0 && len(have.Finalizers) == 0
}

func adoptConfigMap(have, want *corev1.ConfigMap) {
	have.Data, have.BinaryData, have.Labels, have.OwnerReferences, have.Finalizers = want.Data, nil, want.Labels, nil, nil
}

func policyIs(have, want *admissionregistrationv1.ValidatingAdmissionPolicy) bool {
	return equality.Semantic.DeepEqual(have.Spec, want.Spec) && maps.Equal(have.Labels, want.Labels)
}

func adoptPolicy(have, want *admissionregistrationv1.ValidatingAdmissionPolicy) {
	have.Spec, have.Labels = want.Spec, want.Labels
}

func bindingIs(have, want *admissionregistrationv1.ValidatingAdmissionPolicyBinding) bool {
	return equality.Semantic.DeepEqual(have.Spec, want.Spec) && maps.Equal(have.Labels, want.Labels)
}

func adoptBinding(have, want *admissionregistrationv1.ValidatingAdmissionPolicyBinding) {
	have.Spec, have.Labels = want.Spec, want.Labels
}
