// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// kind is one of ours.
type kind struct {
	schema func() (*schema, error)
	add    func(*compile.World, map[string]any) error
}

var kinds = map[string]kind{
	compile.KindResourceServer: {
		schemaOf("behalf.dev_resourceservers.yaml"),
		adder(func(w *compile.World) *[]v1alpha1.ResourceServer { return &w.ResourceServers }),
	},
	compile.KindDelegationPolicy: {
		schemaOf("behalf.dev_delegationpolicies.yaml"),
		adder(func(w *compile.World) *[]v1alpha1.DelegationPolicy { return &w.Policies }),
	},
	compile.KindServiceDelegation: {
		schemaOf("behalf.dev_servicedelegations.yaml"),
		adder(func(w *compile.World) *[]v1alpha1.ServiceDelegation { return &w.ServiceDelegations }),
	},
	compile.KindTrustedIssuer: {
		schemaOf("behalf.dev_trustedissuers.yaml"),
		adder(func(w *compile.World) *[]v1alpha1.TrustedIssuer { return &w.Issuers }),
	},
	compile.KindDelegationGrant: {
		schemaOf("behalf.dev_delegationgrants.yaml"),
		adder(func(w *compile.World) *[]v1alpha1.DelegationGrant { return &w.Grants }),
	},
	compile.KindDelegationRevocation: {
		schemaOf("behalf.dev_delegationrevocations.yaml"),
		adder(func(w *compile.World) *[]v1alpha1.DelegationRevocation { return &w.Revocations }),
	},
}

func adder[T any](list func(*compile.World) *[]T) func(*compile.World, map[string]any) error {
	return func(w *compile.World, object map[string]any) error {
		var typed T
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object, &typed, true); err != nil {
			return fmt.Errorf("cannot be read: %w", err)
		}
		into := list(w)
		*into = append(*into, typed)
		return nil
	}
}

// The kinds of Kubernetes' own that count: a namespace for its labels, a service account for being there.
const (
	kindNamespace      = "Namespace"
	kindServiceAccount = "ServiceAccount"
)

func addNamespace(w *compile.World, meta *metav1.ObjectMeta) {
	labels := map[string]string{}
	maps.Copy(labels, meta.Labels)
	labels["kubernetes.io/metadata.name"] = meta.Name // as the API server does, whatever the manifest says
	w.Namespaces = append(w.Namespaces, compile.Namespace{Name: meta.Name, Labels: labels, UID: string(meta.UID)})
}

func addServiceAccount(w *compile.World, meta *metav1.ObjectMeta) {
	w.ServiceAccounts = append(w.ServiceAccounts,
		compile.ServiceAccount{Namespace: meta.Namespace, Name: meta.Name, UID: string(meta.UID)})
}
