// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package reference is a second opinion on every decision: the ten legs of the design, written straight from its text and
// from the comments of the kinds' fields, as loops over the objects. It was written without looking at the compiler or the
// engine, shares no code with them, has no index and no CEL, and is as slow as it is plain. The tests beside it put random
// and exhaustive worlds through both and fail on any difference.
package reference

import (
	"time"

	"behalf.dev/behalf/api/v1alpha1"
)

// World is everything that decisions rest on: the objects that people wrote, and how long authorizers may serve them.
type World struct {
	ResourceServers    []v1alpha1.ResourceServer       `json:"resourceServers,omitempty"`
	Policies           []v1alpha1.DelegationPolicy     `json:"policies,omitempty"`
	ServiceDelegations []v1alpha1.ServiceDelegation    `json:"serviceDelegations,omitempty"`
	Issuers            []v1alpha1.TrustedIssuer        `json:"issuers,omitempty"`
	Grants             []v1alpha1.DelegationGrant      `json:"grants,omitempty"`
	Revocations        []v1alpha1.DelegationRevocation `json:"revocations,omitempty"`
	Namespaces         []Namespace                     `json:"namespaces,omitempty"`
	// FetchedKeys are the names of the issuers whose keys were fetched; those with inline keys need none.
	FetchedKeys []string `json:"fetchedKeys,omitempty"`

	// When the leases of what authorizers hold run out: of every policy bundle, of the trust bundle, of the revocation list.
	PolicyLease      time.Time `json:"policyLease"`
	TrustLease       time.Time `json:"trustLease"`
	RevocationsLease time.Time `json:"revocationsLease"`
}

// Namespace is a namespace with its labels.
type Namespace struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
}
