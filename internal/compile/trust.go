// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"reflect"
	"slices"
	"strings"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// makeTrust makes the trust bundle.
func (c *Compiler) makeTrust(d *Delta) {
	if !c.touched.trust && c.trust != nil {
		return
	}
	keys, problems := clusterKeys(c.cluster)
	d.aboutCluster(c.clusterProblems, problems)
	c.clusterProblems = problems
	t := &bundle.Trust{Format: bundle.Format, Cluster: keys, ServiceAccounts: c.pins()}
	for r := range c.issuers {
		if r.issuer.inForce() {
			t.Issuers = append(t.Issuers, r.issuer.entry)
		}
	}
	slices.SortFunc(t.Issuers, func(a, b bundle.Issuer) int { return strings.Compare(a.Name, b.Name) })
	if !reflect.DeepEqual(t, c.trust) {
		c.trust, d.Trust = t, t
	}
}

func clusterKeys(cluster *bundle.Cluster) (*bundle.Cluster, []Problem) {
	if cluster == nil {
		return nil, nil
	}
	keys, err := canonicalKeys(cluster.JWKS, nil)
	if err != nil {
		f := findings{object: authz.ObjectRef{Kind: KindCluster, Name: cluster.Issuer}}
		f.add(Error, v1alpha1.ReasonKeysUnavailable, "jwks",
			"the keys of the cluster's service account issuer cannot be used, so no service can be known: "+err.Error()+
				"; see to it that the API server's /openid/v1/jwks can be read")
		return nil, f.problems
	}
	return &bundle.Cluster{Issuer: cluster.Issuer, JWKS: keys}, nil
}

// pins are the UIDs of the service accounts that accepted ServiceDelegations name. One that does not exist is pinned to
// none, so that a token of the one that was deleted serves no longer. A world without any service account is one in
// which nobody looked, and pins nothing.
func (c *Compiler) pins() []bundle.ServiceAccount {
	if !c.pinning() {
		return nil
	}
	var pins []bundle.ServiceAccount
	for _, service := range sortedKeys(c.pinned, compareActors) {
		pins = append(pins, bundle.ServiceAccount{
			Namespace: service.Namespace, Name: service.ServiceAccount, UID: c.around.accounts[service],
		})
	}
	return pins
}

// pinning says whether anybody looked for service accounts.
func (c *Compiler) pinning() bool { return len(c.around.accounts) > 0 }

// pin counts the services that a delegation names in place of those that it named before.
func (c *Compiler) pin(before, now []authz.Actor) {
	if slices.Equal(before, now) {
		return
	}
	for _, service := range before {
		if c.pinned[service]--; c.pinned[service] == 0 {
			delete(c.pinned, service)
		}
	}
	for _, service := range now {
		c.pinned[service]++
	}
	c.touched.trust = true
}

// pinned are the services that an accepted delegation names.
func (d *delegation) pinned() []authz.Actor {
	if d == nil || d.failed() {
		return nil
	}
	return d.services()
}
