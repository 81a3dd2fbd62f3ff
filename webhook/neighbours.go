// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// neighbours are the other objects, as far as they bear on what one of ours comes to: what audiences, hosts, scopes and
// issuers there are, and who may use them. Their own conditions and routes are left out, because compiling those of all
// resource servers would take longer than an apply may.
func (o *objects) neighbours(ctx context.Context) (compile.World, error) {
	var w compile.World
	var servers v1alpha1.ResourceServerList
	var policies v1alpha1.DelegationPolicyList
	var issuers v1alpha1.TrustedIssuerList
	var namespaces corev1.NamespaceList
	for _, list := range []client.ObjectList{&servers, &policies, &issuers, &namespaces} {
		if err := o.reader.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return w, fmt.Errorf("looking for the other objects: %w", err)
		}
	}
	for i := range servers.Items {
		w.ResourceServers = append(w.ResourceServers, outlineOfServer(&servers.Items[i]))
	}
	for i := range policies.Items {
		w.Policies = append(w.Policies, outlineOfPolicy(&policies.Items[i]))
	}
	w.Issuers = issuers.Items
	for i := range namespaces.Items {
		n := &namespaces.Items[i]
		w.Namespaces = append(w.Namespaces, compile.Namespace{Name: n.Name, Labels: n.Labels, UID: string(n.UID)})
	}
	return w, nil
}

// outlineOfServer leaves the cached object as it is.
func outlineOfServer(rs *v1alpha1.ResourceServer) v1alpha1.ResourceServer {
	outline := *rs
	outline.Spec.Routes = nil
	outline.Spec.Scopes = make([]v1alpha1.Scope, 0, len(rs.Spec.Scopes))
	for _, scope := range rs.Spec.Scopes {
		outline.Spec.Scopes = append(outline.Spec.Scopes, v1alpha1.Scope{Name: scope.Name})
	}
	return outline
}

// outlineOfPolicy leaves the cached object as it is. A policy with conditions still has one.
func outlineOfPolicy(p *v1alpha1.DelegationPolicy) v1alpha1.DelegationPolicy {
	outline := *p
	if len(p.Spec.Conditions) > 0 {
		outline.Spec.Conditions = []v1alpha1.Condition{{Expression: "true"}}
	}
	return outline
}
