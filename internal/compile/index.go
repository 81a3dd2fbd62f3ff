// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// index is a World once read: each object judged by itself, and found by the audience that it concerns, so that the bundle
// of one resource server is made from what concerns it and from nothing else.
type index struct {
	selectors selectors
	checker   *checker
	// accounts are the UIDs of the service accounts that exist.
	accounts map[authz.Actor]string

	issuers     []*issuer
	policies    []*policy
	delegations []*delegation
	grants      []*grant
	revocations []*revocation
	servers     []*server

	policiesOf    map[string][]*policy
	delegationsOf map[string][]*delegation
	grantsOf      map[string][]*grant
	// formOf is the resource server in force that has an audience.
	formOf map[string]*form
	// grantNames are the grants that exist.
	grantNames map[types.NamespacedName]bool
	// claimants are the resource servers that claim an audience, in force or not.
	claimants map[string]authz.ObjectRef
}

func newIndex(w *World) *index {
	idx := &index{
		selectors:     selectors{namespaces: w.Namespaces, issuers: map[string]bool{}},
		checker:       newChecker(),
		accounts:      map[authz.Actor]string{},
		policiesOf:    map[string][]*policy{},
		delegationsOf: map[string][]*delegation{},
		grantsOf:      map[string][]*grant{},
		formOf:        map[string]*form{},
		grantNames:    map[types.NamespacedName]bool{},
		claimants:     map[string]authz.ObjectRef{},
	}
	for i := range w.Grants {
		idx.grantNames[types.NamespacedName{Namespace: w.Grants[i].Namespace, Name: w.Grants[i].Name}] = true
	}
	for _, sa := range w.ServiceAccounts {
		idx.accounts[authz.Actor{Namespace: sa.Namespace, ServiceAccount: sa.Name}] = sa.UID
	}
	for i := range w.Issuers {
		idx.selectors.issuers[w.Issuers[i].Name] = true
	}
	idx.readObjects(w)
	idx.readServers(w)
	return idx
}

func (idx *index) readObjects(w *World) {
	issuers := byAge(w.Issuers, func(o *v1alpha1.TrustedIssuer) *metav1.ObjectMeta { return &o.ObjectMeta })
	idx.issuers = readIssuers(issuers, w)
	for _, o := range byName(w.Policies, func(o *v1alpha1.DelegationPolicy) *metav1.ObjectMeta { return &o.ObjectMeta }) {
		p := idx.readPolicy(o)
		idx.policies = append(idx.policies, p)
		for _, audience := range p.names() {
			idx.policiesOf[audience] = append(idx.policiesOf[audience], p)
		}
	}
	for _, o := range byName(w.ServiceDelegations, func(o *v1alpha1.ServiceDelegation) *metav1.ObjectMeta { return &o.ObjectMeta }) {
		d := idx.readDelegation(o)
		idx.delegations = append(idx.delegations, d)
		for _, audience := range d.audiences() {
			idx.delegationsOf[audience] = append(idx.delegationsOf[audience], d)
		}
	}
	for _, o := range byName(w.Grants, func(o *v1alpha1.DelegationGrant) *metav1.ObjectMeta { return &o.ObjectMeta }) {
		g := idx.readGrant(o)
		idx.grants = append(idx.grants, g)
		idx.grantsOf[g.audience] = append(idx.grantsOf[g.audience], g)
	}
	for _, o := range byName(w.Revocations, func(o *v1alpha1.DelegationRevocation) *metav1.ObjectMeta { return &o.ObjectMeta }) {
		idx.revocations = append(idx.revocations, idx.readRevocation(o))
	}
}

func (idx *index) readServers(w *World) {
	current := byAge(w.ResourceServers, func(o *v1alpha1.ResourceServer) *metav1.ObjectMeta { return &o.ObjectMeta })
	servers, names := idx.settleServers(current, w.LastAccepted)
	idx.servers = servers
	for _, s := range idx.servers {
		if s.inForce != nil {
			idx.formOf[s.inForce.policy.Audience] = s.inForce
		}
		audience := s.now.policy.Audience
		idx.claimants[audience] = withoutGeneration(names[audienceName(audience)].object)
	}
}

// missing says that a service account does not exist, as far as anybody looked.
func (idx *index) missing(service authz.Actor) bool {
	if len(idx.accounts) == 0 || !service.Present() {
		return false
	}
	_, ok := idx.accounts[service]
	return !ok
}

// unknownAudience says, of an audience that no resource server in force has, why that is and what to do.
func (idx *index) unknownAudience(audience string) string {
	if claimant, ok := idx.claimants[audience]; ok {
		return fmt.Sprintf("%s claims the audience %q and is not accepted, so this has no effect yet; its status says what to mend",
			claimant, audience)
	}
	return fmt.Sprintf("no ResourceServer has the audience %q, so this has no effect yet; correct it, or ask the API's team for a ResourceServer",
		audience)
}
