// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ensureWebhooks writes the bundle of authorities into every webhook of the named configurations.
func (s *Source) ensureWebhooks(ctx context.Context, bundle []byte) error {
	var errs []error
	for _, name := range s.options.ValidatingWebhooks {
		errs = append(errs, s.ensureWebhook(ctx, name, &admissionregistrationv1.ValidatingWebhookConfiguration{}, bundle))
	}
	for _, name := range s.options.MutatingWebhooks {
		errs = append(errs, s.ensureWebhook(ctx, name, &admissionregistrationv1.MutatingWebhookConfiguration{}, bundle))
	}
	return errors.Join(errs...)
}

func (s *Source) ensureWebhook(ctx context.Context, name string, config client.Object, bundle []byte) error {
	err := s.client.Get(ctx, client.ObjectKey{Name: name}, config)
	if apierrors.IsNotFound(err) {
		s.log.V(1).Info("webhook configuration is not there", "name", name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading webhook configuration %s: %w", name, err)
	}
	if !setBundle(clientConfigs(config), bundle) {
		return nil
	}
	if err := s.client.Update(ctx, config); err != nil {
		return fmt.Errorf("updating the caBundle of webhook configuration %s: %w", name, err)
	}
	s.log.Info("updated caBundle", "webhookConfiguration", name)
	return nil
}

func clientConfigs(config client.Object) []*admissionregistrationv1.WebhookClientConfig {
	var out []*admissionregistrationv1.WebhookClientConfig
	switch c := config.(type) {
	case *admissionregistrationv1.ValidatingWebhookConfiguration:
		for i := range c.Webhooks {
			out = append(out, &c.Webhooks[i].ClientConfig)
		}
	case *admissionregistrationv1.MutatingWebhookConfiguration:
		for i := range c.Webhooks {
			out = append(out, &c.Webhooks[i].ClientConfig)
		}
	}
	return out
}

// setBundle says whether anything had to change.
func setBundle(configs []*admissionregistrationv1.WebhookClientConfig, bundle []byte) bool {
	changed := false
	for _, config := range configs {
		if !bytes.Equal(config.CABundle, bundle) {
			config.CABundle = bundle
			changed = true
		}
	}
	return changed
}
