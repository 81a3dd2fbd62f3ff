// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// takeovers are the names that an update adds to its object and that another one, which was accepted, holds. The controllers
// would not give it the name either; but they remember who was accepted for as long as they run, and an object that claims
// another's name must not lie in wait for their restart. What is created is the younger one, and is warned only: its order
// among other objects must not matter.
func (o *objects) takeovers(ctx context.Context, req admission.Request) ([]problem, error) {
	if req.Operation != admissionv1.Update {
		return nil, nil
	}
	switch req.Kind.Kind {
	case compile.KindResourceServer:
		return o.hostsTakenOver(ctx, req)
	case compile.KindTrustedIssuer:
		return o.urlTakenOver(ctx, req)
	default:
		return nil, nil
	}
}

func (o *objects) hostsTakenOver(ctx context.Context, req admission.Request) ([]problem, error) {
	before, now, err := versions[v1alpha1.ResourceServer](req)
	if err != nil {
		return nil, err
	}
	added := func(host string) bool { return !slices.Contains(before.Spec.Hosts, host) }
	if !slices.ContainsFunc(now.Spec.Hosts, added) {
		return nil, nil
	}
	var others v1alpha1.ResourceServerList
	if err := o.reader.List(ctx, &others, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("looking for who holds the hosts: %w", err)
	}
	var taken []problem
	for i, host := range now.Spec.Hosts {
		for k := range others.Items {
			other := &others.Items[k]
			if added(host) && !sameName(other, &now) && inForce(other) && slices.Contains(other.Spec.Hosts, host) {
				taken = append(taken, problem{field: fmt.Sprintf("spec.hosts[%d]", i), message: fmt.Sprintf(
					"ResourceServer %s/%s was accepted with the host %q and holds it; name another host, or have that one give it up first",
					other.Namespace, other.Name, host)})
				break
			}
		}
	}
	return taken, nil
}

// inForce says whether a resource server is accepted, or was: one that its owner has to mend keeps what it had.
func inForce(rs *v1alpha1.ResourceServer) bool {
	return rs.Status.Bundle.Revision > 0 || meta.IsStatusConditionTrue(rs.Status.Conditions, v1alpha1.ConditionAccepted)
}

func (o *objects) urlTakenOver(ctx context.Context, req admission.Request) ([]problem, error) {
	before, now, err := versions[v1alpha1.TrustedIssuer](req)
	if err != nil || before.Spec.URL == now.Spec.URL {
		return nil, err
	}
	var others v1alpha1.TrustedIssuerList
	if err := o.reader.List(ctx, &others, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("looking for who holds the issuer: %w", err)
	}
	for i := range others.Items {
		other := &others.Items[i]
		accepted := meta.IsStatusConditionTrue(other.Status.Conditions, v1alpha1.ConditionAccepted)
		if other.Name != now.Name && accepted && other.Spec.URL == now.Spec.URL {
			return []problem{{field: "spec.url", message: fmt.Sprintf(
				"TrustedIssuer %s was accepted with the issuer %q and holds it; remove one of the two", other.Name, now.Spec.URL)}}, nil
		}
	}
	return nil, nil
}

func sameName(a, b metav1.Object) bool {
	return a.GetNamespace() == b.GetNamespace() && a.GetName() == b.GetName()
}

// versions are an object before and after an update. The one before was admitted once, perhaps by an earlier release.
func versions[T any](req admission.Request) (before, now T, err error) {
	if err = json.Unmarshal(req.OldObject.Raw, &before); err != nil {
		return before, now, fmt.Errorf("reading the object as it was: %w", err)
	}
	if err = json.Unmarshal(req.Object.Raw, &now); err != nil {
		return before, now, fmt.Errorf("reading the object: %w", err)
	}
	return before, now, nil
}
