// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bounds

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// owner is who the API server is told applies.
const owner = client.FieldOwner("behalf-manager")

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
	return r.hold(ctx, have, want)
}

// hold writes all of it where it is not what is wanted: applying would leave alone what others added. Where the cache was
// behind nothing is written; it will tell what stands there, and that is looked at then.
func (r *reconciler) hold(ctx context.Context, have, want *corev1.ConfigMap) error {
	if is(have, want) {
		return nil
	}
	adopt(have, want)
	if err := r.client.Update(ctx, have); err != nil && !apierrors.IsConflict(err) {
		return fmt.Errorf("changing ConfigMap %s: %w", client.ObjectKeyFromObject(want), err)
	}
	return nil
}

// create applies, for which the manager needs the right to create ConfigMaps of this name, and of no other.
func (r *reconciler) create(ctx context.Context, want *corev1.ConfigMap) error {
	c := corev1apply.ConfigMap(want.Name, want.Namespace).WithLabels(want.Labels).WithData(want.Data)
	if err := r.client.Apply(ctx, c, owner, client.ForceOwnership); err != nil {
		return fmt.Errorf("creating ConfigMap %s: %w", client.ObjectKeyFromObject(want), err)
	}
	return nil
}

func is(have, want *corev1.ConfigMap) bool {
	return maps.Equal(have.Data, want.Data) && len(have.BinaryData) == 0 && maps.Equal(have.Labels, want.Labels) &&
		len(have.OwnerReferences) == 0 && len(have.Finalizers) == 0
}

func adopt(have, want *corev1.ConfigMap) {
	have.Data, have.BinaryData, have.Labels, have.OwnerReferences, have.Finalizers = want.Data, nil, want.Labels, nil, nil
}
