// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/test/worlds"
	"behalf.dev/behalf/webhook/workload"
)

// freshEvery is which admissions come right after their service account and its ServiceDelegation, as a pipeline applies them.
const freshEvery = 10

// A pipeline that is refused tries again.
const (
	mostAttempts = 20
	retryPause   = 250 * time.Millisecond
)

// denials are what the API server made of pods that are within their bounds.
type denials struct {
	// admitted pods, and those refused.
	admitted, refused int
	// fresh is how many came right after their ServiceDelegation, of which the first attempt was refused and a later one
	// was not.
	fresh, retried int
}

// throughAPIServer has pods created by dry run, which asks every webhook and policy and keeps nothing.
func (s *stage) throughAPIServer(ctx context.Context, count int) (denials, error) {
	if err := eventually(ctx, "the webhooks to be configured", s.webhooksConfigured); err != nil {
		return denials{}, err
	}
	var admitted, refused, fresh, retried atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for i := range count {
		group.Go(func() error {
			pod, err := s.pod(i % len(s.objects.ServiceDelegations))
			if err != nil {
				return err
			}
			attempts := 1
			if i%freshEvery == 0 {
				fresh.Add(1)
				attempts = mostAttempts
				if err := s.newcomer(ctx, i, pod); err != nil {
					return err
				}
			}
			switch tries, err := s.try(ctx, pod, attempts); {
			case errors.Is(err, errRefused):
				refused.Add(1)
				progressf("%v", err)
			case err != nil:
				return err
			case tries > 1:
				retried.Add(1)
				fallthrough
			default:
				admitted.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	return denials{int(admitted.Load()), int(refused.Load()), int(fresh.Load()), int(retried.Load())}, err
}

// try creates the pod, again as a pipeline does where it is refused, and gives how often it was tried.
func (s *stage) try(ctx context.Context, pod *corev1.Pod, attempts int) (tries int, err error) {
	for tries = 1; ; tries++ {
		attempt := pod.DeepCopy()
		attempt.ObjectMeta = metav1.ObjectMeta{Namespace: pod.Namespace, GenerateName: "scale-", Annotations: pod.Annotations}
		attempt.Status = corev1.PodStatus{}
		// The plugin that adds the API server's own token is on; its volume is not to be there twice.
		attempt.Spec.Volumes, attempt.Spec.Containers[0].VolumeMounts = attempt.Spec.Volumes[:1], attempt.Spec.Containers[0].VolumeMounts[:1]
		err = s.admin.Create(ctx, attempt, client.DryRunAll)
		if err == nil {
			return tries, nil
		}
		if !strings.Contains(err.Error(), "behalf") {
			return tries, fmt.Errorf("creating a pod: %w", err)
		}
		if tries == attempts {
			return tries, fmt.Errorf("creating a pod: %w: %w", errRefused, err)
		}
		if err := pause(ctx, retryPause); err != nil {
			return tries, err
		}
	}
}

// newcomer creates a service account and its ServiceDelegation, and has the pod be one of its.
func (s *stage) newcomer(ctx context.Context, number int, pod *corev1.Pod) error {
	name := fmt.Sprintf("newcomer-%05d", number)
	audience := v1alpha1.Audience(worlds.Audience(0))
	meta := metav1.ObjectMeta{Namespace: pod.Namespace, Name: name}
	for _, object := range []client.Object{
		&corev1.ServiceAccount{ObjectMeta: meta},
		&v1alpha1.ServiceDelegation{ObjectMeta: meta, Spec: v1alpha1.ServiceDelegationSpec{
			ServiceAccountName: v1alpha1.ServiceAccountName(name), Purpose: "comes late",
			Audiences: []v1alpha1.AudienceScopes{{Audience: audience, Scopes: []v1alpha1.ScopeName{"items:read"}}},
		}},
	} {
		if err := s.admin.Create(ctx, object); err != nil {
			return fmt.Errorf("creating %T %s: %w", object, client.ObjectKeyFromObject(object), err)
		}
	}
	pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount = name, name
	pod.Annotations[workload.ScopesAnnotation] = string(audience) + "#items:read"
	return nil
}

// webhooksConfigured says whether the API server knows where to ask, and whom to believe.
func (s *stage) webhooksConfigured(ctx context.Context) error {
	var configuration admissionregistrationv1.ValidatingWebhookConfiguration
	if err := s.admin.Get(ctx, client.ObjectKey{Name: "behalf-validating"}, &configuration); err != nil {
		return err
	}
	for _, w := range configuration.Webhooks {
		if len(w.ClientConfig.CABundle) == 0 {
			return fmt.Errorf("webhook %s has no caBundle yet", w.Name)
		}
	}
	return nil
}
