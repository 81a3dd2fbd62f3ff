// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	installed "behalf.dev/behalf/config/webhook"
	"behalf.dev/behalf/internal/upkeep"
)

// What config/webhook/manifests.yaml says of the installation that it is written for.
const (
	// DefaultNamespace is where the manager is, and what the selectors leave out.
	DefaultNamespace = "behalf-system"
	// DefaultService is what the API server asks.
	DefaultService = "behalf-manager"
)

// Installation is what differs from one installation to another.
type Installation struct {
	// Namespace of the manager and its Service. Workloads in it are not judged, so that the manager can always start.
	Namespace string
	// Service is what the API server asks.
	Service string
	// URL, https://host:port, takes the place of the Service where the manager runs beside the cluster.
	URL string
	// ExchangeAudience is the audience of the tokens that the exchange takes from actors.
	ExchangeAudience string
}

// Configurations are the webhook configurations of config/webhook/manifests.yaml for an installation. They say neither
// caBundle nor anything else that the installation does not change.
func Configurations(i Installation) ([]*unstructured.Unstructured, error) {
	if !utf8.ValidString(i.ExchangeAudience) || i.ExchangeAudience == "" || i.Namespace == "" || i.URL == "" && i.Service == "" {
		return nil, fmt.Errorf("webhook configurations: namespace %q, Service %q, URL %q and exchange audience %q do not tell where the manager is and what the exchange takes",
			i.Namespace, i.Service, i.URL, i.ExchangeAudience)
	}
	all, err := upkeep.Read(installed.Manifests)
	if err != nil {
		return nil, fmt.Errorf("reading the webhook configurations: %w", err)
	}
	for _, object := range all {
		if err := i.adapt(object); err != nil {
			return nil, fmt.Errorf("webhook configuration %s: %w", object.GetName(), err)
		}
	}
	return all, nil
}

func (i Installation) adapt(object *unstructured.Unstructured) error {
	webhooks, found, err := unstructured.NestedSlice(object.Object, "webhooks")
	if err != nil {
		return err
	}
	if !found {
		return errors.New("it has no webhooks")
	}
	for _, each := range webhooks {
		webhook, ok := each.(map[string]any)
		if !ok {
			return fmt.Errorf("a webhook is %T", each)
		}
		for _, step := range []func(map[string]any) error{i.adaptClient, i.adaptNamespaces, i.adaptConditions} {
			if err := step(webhook); err != nil {
				return fmt.Errorf("webhook %v: %w", webhook["name"], err)
			}
		}
	}
	return unstructured.SetNestedSlice(object.Object, webhooks, "webhooks")
}

func (i Installation) adaptClient(webhook map[string]any) error {
	path, found, err := unstructured.NestedString(webhook, "clientConfig", "service", "path")
	if err != nil {
		return err
	}
	if !found {
		return errors.New("clientConfig.service.path is missing")
	}
	config := map[string]any{"service": map[string]any{"namespace": i.Namespace, "name": i.Service, "path": path}}
	if i.URL != "" {
		config = map[string]any{"url": i.URL + path}
	}
	return unstructured.SetNestedMap(webhook, config, "clientConfig")
}

// adaptNamespaces has the manager's own namespace left out where the manifest leaves out the one that it is written for.
func (i Installation) adaptNamespaces(webhook map[string]any) error {
	expressions, found, err := unstructured.NestedSlice(webhook, "namespaceSelector", "matchExpressions")
	if err != nil || !found {
		return err
	}
	for _, each := range expressions {
		expression, ok := each.(map[string]any)
		if !ok {
			return fmt.Errorf("namespaceSelector: an expression is %T", each)
		}
		values, _, err := unstructured.NestedStringSlice(expression, "values")
		if err != nil {
			return err
		}
		at := slices.Index(values, DefaultNamespace)
		if at < 0 {
			return fmt.Errorf("namespaceSelector does not leave out %s", DefaultNamespace)
		}
		if values = slices.Delete(values, at, at+1); !slices.Contains(values, i.Namespace) {
			values = append(values, i.Namespace)
		}
		if err := unstructured.SetNestedStringSlice(expression, values, "values"); err != nil {
			return err
		}
	}
	return unstructured.SetNestedSlice(webhook, expressions, "namespaceSelector", "matchExpressions")
}

// adaptConditions puts the exchange's audience where the manifest says the default one.
func (i Installation) adaptConditions(webhook map[string]any) error {
	conditions, _, err := unstructured.NestedSlice(webhook, "matchConditions")
	if err != nil || len(conditions) == 0 {
		return err
	}
	for _, each := range conditions {
		condition, ok := each.(map[string]any)
		if !ok {
			return fmt.Errorf("matchConditions: a condition is %T", each)
		}
		expression, _, err := unstructured.NestedString(condition, "expression")
		if err != nil {
			return err
		}
		condition["expression"] = strings.ReplaceAll(expression, celString(DefaultExchangeAudience), celString(i.ExchangeAudience))
	}
	return unstructured.SetNestedSlice(webhook, conditions, "matchConditions")
}

// celString is a literal of CEL in single quotes: a text cannot end it, whatever it says.
func celString(text string) string {
	var literal strings.Builder
	literal.WriteByte('\'')
	for _, r := range text {
		switch {
		case r == '\'' || r == '\\':
			literal.WriteByte('\\')
			literal.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&literal, `\u%04x`, r)
		default:
			literal.WriteRune(r)
		}
	}
	literal.WriteByte('\'')
	return literal.String()
}
