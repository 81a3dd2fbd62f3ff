// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// observed is what the cache holds at one moment.
type observed struct {
	servers     v1alpha1.ResourceServerList
	policies    v1alpha1.DelegationPolicyList
	delegations v1alpha1.ServiceDelegationList
	issuers     v1alpha1.TrustedIssuerList
	grants      v1alpha1.DelegationGrantList
	revocations v1alpha1.DelegationRevocationList
	namespaces  metav1.PartialObjectMetadataList
	accounts    metav1.PartialObjectMetadataList
}

// observe lists everything from the cache, without copying: nothing of it is changed here or by the compiler.
func observe(ctx context.Context, cache client.Reader) (*observed, error) {
	o := &observed{}
	o.namespaces.SetGroupVersionKind(listKindOf(namespaceKind))
	o.accounts.SetGroupVersionKind(listKindOf(serviceAccountKind))
	for _, list := range []client.ObjectList{
		&o.servers, &o.policies, &o.delegations, &o.issuers, &o.grants, &o.revocations, &o.namespaces, &o.accounts,
	} {
		if err := cache.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("listing %T: %w", list, err)
		}
	}
	return o, nil
}

// world is what the compiler sees of it.
func (o *observed) world() compile.World {
	return compile.World{
		ResourceServers:    o.servers.Items,
		Policies:           o.policies.Items,
		ServiceDelegations: o.delegations.Items,
		Issuers:            o.issuers.Items,
		Grants:             o.grants.Items,
		Revocations:        o.revocations.Items,
		Namespaces:         o.namespaceList(),
		ServiceAccounts:    o.accountList(),
	}
}

func (o *observed) namespaceList() []compile.Namespace {
	out := make([]compile.Namespace, 0, len(o.namespaces.Items))
	for i := range o.namespaces.Items {
		ns := &o.namespaces.Items[i]
		out = append(out, compile.Namespace{Name: ns.Name, Labels: ns.Labels, UID: string(ns.UID)})
	}
	return out
}

func (o *observed) accountList() []compile.ServiceAccount {
	out := make([]compile.ServiceAccount, 0, len(o.accounts.Items))
	for i := range o.accounts.Items {
		sa := &o.accounts.Items[i]
		out = append(out, compile.ServiceAccount{Namespace: sa.Namespace, Name: sa.Name, UID: string(sa.UID)})
	}
	return out
}
