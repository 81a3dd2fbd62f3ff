// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
)

// World is everything that a compilation looks at. Compile reads it and changes nothing in it. No object stands in a list
// twice: an API server sees to that, and whoever reads files must.
type World struct {
	ResourceServers    []v1alpha1.ResourceServer
	Policies           []v1alpha1.DelegationPolicy
	ServiceDelegations []v1alpha1.ServiceDelegation
	Issuers            []v1alpha1.TrustedIssuer
	Grants             []v1alpha1.DelegationGrant
	Revocations        []v1alpha1.DelegationRevocation

	// Namespaces are where labels come from: a selector matches nothing that does not stand here.
	Namespaces []Namespace
	// ServiceAccounts that exist. Where there is none at all, nobody looked, and none is reported missing.
	ServiceAccounts []ServiceAccount
	// IssuerKeys are the keys that were fetched: the name of a TrustedIssuer, and its JWK set as JSON. Those of an issuer
	// with inline keys are not looked at.
	IssuerKeys map[string]string
	// Keyless says that nobody fetches keys, as without a cluster: an issuer whose keys are to be fetched, and are not among
	// IssuerKeys, goes into the trust bundle with an empty set. Its people can be vouched for; no token of it verifies.
	Keyless bool
	// Cluster is the API server's own service account issuer; nil trusts no service account token.
	Cluster *bundle.Cluster
	// LastAccepted are earlier forms of resource servers, as they were when they were last accepted. One stands in for a
	// resource server that is no longer acceptable, so that it goes on as it was while everything said about it by others
	// (a new Forbid, a declaration withdrawn) still takes effect. Without it there is no bundle in the Result.
	LastAccepted map[types.NamespacedName]v1alpha1.ResourceServer
}

// Namespace is a namespace, as far as selectors look at it.
type Namespace struct {
	Name   string
	Labels map[string]string
	UID    string
}

// ServiceAccount is one service account that exists. UID is empty where it is not known, and then not pinned.
type ServiceAccount struct {
	Namespace string
	Name      string
	UID       string
}
