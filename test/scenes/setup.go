// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package scenes

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/test/stack"
)

// samples are the folders of config/samples that the scenes play on.
var samples = []string{"support", "copilot", "clinic", "incident", "payments", "chain"}

// Setup has every owner apply their own part of config/samples, each with their own rights, and waits until all of it
// is enforced.
func Setup(ctx context.Context, s *stack.Stack) error {
	if err := trustIssuer(ctx, s); err != nil {
		return err
	}
	var servers []*unstructured.Unstructured
	for _, sample := range samples {
		applied, err := applySample(ctx, s, sample)
		if err != nil {
			return fmt.Errorf("setting up %s: %w", sample, err)
		}
		servers = append(servers, applied...)
	}
	if err := s.Bind(ctx, "finance", "behalf-grant-approver", stack.Approver); err != nil {
		return err
	}
	for _, server := range servers {
		if err := s.AwaitEnforced(ctx, server); err != nil {
			return err
		}
	}
	return nil
}

// trustIssuer applies the sample's TrustedIssuer with the address and authority of the issuer that runs here.
func trustIssuer(ctx context.Context, s *stack.Stack) error {
	objects, err := stack.Objects(s.File("config", "samples", "issuer", "security.yaml"))
	if err != nil {
		return err
	}
	c, err := s.As(stack.Security)
	if err != nil {
		return err
	}
	for _, object := range objects {
		if err := unstructured.SetNestedField(object.Object, s.Issuer.URL, "spec", "url"); err != nil {
			return fmt.Errorf("setting the issuer's URL: %w", err)
		}
		if err := unstructured.SetNestedField(object.Object, s.Issuer.CAPEM, "spec", "keys", "caBundle"); err != nil {
			return fmt.Errorf("setting the issuer's authority: %w", err)
		}
		if err := stack.Apply(ctx, c, object); err != nil {
			return err
		}
		if err := s.AwaitCondition(ctx, object, v1alpha1.ConditionKeysFetched, metav1.ConditionTrue); err != nil {
			return err
		}
	}
	return nil
}

// applySample applies one folder and gives what it applied of the kinds that are enforced.
func applySample(ctx context.Context, s *stack.Stack, sample string) ([]*unstructured.Unstructured, error) {
	if err := found(ctx, s, sample); err != nil {
		return nil, err
	}
	var enforced []*unstructured.Unstructured
	for _, file := range []string{"service-team.yaml", "api-team.yaml", "security.yaml"} {
		objects, err := stack.Objects(s.File("config", "samples", sample, file))
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			if err := applyAsOwner(ctx, s, object); err != nil {
				return nil, err
			}
			if object.GroupVersionKind().Group == v1alpha1.GroupVersion.Group {
				enforced = append(enforced, object)
			}
		}
	}
	return enforced, nil
}

func found(ctx context.Context, s *stack.Stack, sample string) error {
	objects, err := stack.Objects(s.File("config", "samples", sample, "00-namespaces.yaml"))
	if err != nil {
		return err
	}
	for _, object := range objects {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: object.GetName(), Labels: object.GetLabels()}}
		if err := s.Founded(ctx, namespace); err != nil {
			return err
		}
	}
	return nil
}

// applyAsOwner applies as security what is cluster-wide, and as the namespace's team what is not.
func applyAsOwner(ctx context.Context, s *stack.Stack, object *unstructured.Unstructured) error {
	owner := stack.Security
	if object.GetNamespace() != "" {
		owner = stack.Team(object.GetNamespace())
	}
	var c client.Client
	c, err := s.As(owner)
	if err != nil {
		return err
	}
	return stack.Apply(ctx, c, object)
}
