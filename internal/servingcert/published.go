// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// defaultConfigMap is what authorizers mount.
const defaultConfigMap = "behalf-ca"

func toNobody(context.Context, []byte) error { return nil }

// ensureConfigMap writes the bundle for authorizers, where it is not written already.
func ensureConfigMap(ctx context.Context, c client.Client, key client.ObjectKey, bundle []byte) error {
	var config corev1.ConfigMap
	err := c.Get(ctx, key, &config)
	if apierrors.IsNotFound(err) {
		config.Namespace, config.Name = key.Namespace, key.Name
		config.Data = map[string]string{ConfigMapKey: string(bundle)}
		if err := c.Create(ctx, &config); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating config map %s: %w", key.Name, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading config map %s: %w", key.Name, err)
	}
	if config.Data[ConfigMapKey] == string(bundle) {
		return nil
	}
	if config.Data == nil {
		config.Data = map[string]string{}
	}
	config.Data[ConfigMapKey] = string(bundle)
	if err := c.Update(ctx, &config); err != nil {
		return fmt.Errorf("updating config map %s: %w", key.Name, err)
	}
	return nil
}
