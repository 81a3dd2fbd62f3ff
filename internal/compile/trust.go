// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"
	"strings"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// trust makes the trust bundle.
func (idx *index) trust(l *ledger, cluster *bundle.Cluster) *bundle.Trust {
	t := &bundle.Trust{Format: bundle.Format, Cluster: clusterKeys(l, cluster)}
	for _, i := range idx.issuers {
		if i.inForce() {
			t.Issuers = append(t.Issuers, i.entry)
			l.landed(bundle.TrustName, i.object)
		}
	}
	slices.SortFunc(t.Issuers, func(a, b bundle.Issuer) int { return strings.Compare(a.Name, b.Name) })
	t.ServiceAccounts = idx.pins(l)
	return t
}

func clusterKeys(l *ledger, cluster *bundle.Cluster) *bundle.Cluster {
	if cluster == nil {
		return nil
	}
	keys, err := canonicalKeys(cluster.JWKS, nil)
	if err != nil {
		f := findings{object: authz.ObjectRef{Kind: KindCluster, Name: cluster.Issuer}}
		f.add(Error, v1alpha1.ReasonKeysUnavailable, "jwks",
			"the keys of the cluster's service account issuer cannot be used, so no service can be known: "+err.Error()+
				"; see to it that the API server's /openid/v1/jwks can be read")
		l.problems = append(l.problems, f.problems...)
		return nil
	}
	return &bundle.Cluster{Issuer: cluster.Issuer, JWKS: keys}
}

// pins are the UIDs of the service accounts that accepted ServiceDelegations name. One that does not exist is pinned to
// none, so that a token of the one that was deleted serves no longer. A world without any service account is one in
// which nobody looked, and pins nothing.
func (idx *index) pins(l *ledger) []bundle.ServiceAccount {
	pinned := map[authz.Actor]string{}
	for _, d := range idx.delegations {
		if d.failed() {
			continue
		}
		for _, service := range d.services() {
			if uid, exists := idx.accounts[service]; exists || idx.missing(service) {
				pinned[service] = uid
				l.landed(bundle.TrustName, d.object)
			}
		}
	}
	var pins []bundle.ServiceAccount
	for _, service := range sortedKeys(pinned, compareActors) {
		pins = append(pins, bundle.ServiceAccount{Namespace: service.Namespace, Name: service.ServiceAccount, UID: pinned[service]})
	}
	return pins
}
