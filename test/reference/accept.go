// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"cmp"
	"slices"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// Accepted is what counts of a world. What permits and is wrong is left out; what forbids and is wrong stays, and the wrong
// part of it counts as matched (ADR 0008).
type Accepted struct {
	World
	Servers []v1alpha1.ResourceServer
}

// Accept takes a world as it is when a manager has just started: nothing was accepted before.
func Accept(w World) *Accepted {
	a := &Accepted{World: w}
	a.Servers = acceptServers(w.ResourceServers)
	a.Policies = nil
	for _, p := range w.Policies {
		if p.Spec.Effect != v1alpha1.EffectPermit {
			a.Policies = append(a.Policies, mendForbid(p))
		} else if isPermit(p.Spec) {
			a.Policies = append(a.Policies, p)
		}
	}
	a.ServiceDelegations = slices.DeleteFunc(slices.Clone(w.ServiceDelegations), func(d v1alpha1.ServiceDelegation) bool {
		return !isDelegation(d.Namespace, d.Spec)
	})
	a.Grants = slices.DeleteFunc(slices.Clone(w.Grants), func(g v1alpha1.DelegationGrant) bool { return !isGrant(g.Spec) })
	a.Issuers = acceptIssuers(w)
	return a
}

// acceptServers gives every claimed audience and host to the oldest that claims it. A resource server that is too late with
// any of its names is not accepted; one that is wrong in itself is not either, and holds its names all the same.
func acceptServers(all []v1alpha1.ResourceServer) []v1alpha1.ResourceServer {
	var accepted []v1alpha1.ResourceServer
	for _, server := range all {
		late := slices.ContainsFunc(all, func(other v1alpha1.ResourceServer) bool {
			return claimsSame(other.Spec, server.Spec) && serverAge(other, server) < 0
		})
		if !late && isServer(server.Spec) {
			accepted = append(accepted, withSoundEntitlements(server))
		}
	}
	return accepted
}

func claimsSame(a, b v1alpha1.ResourceServerSpec) bool {
	return a.Audience == b.Audience || slices.ContainsFunc(a.Hosts, func(host string) bool { return slices.Contains(b.Hosts, host) })
}

// serverAge orders by creation, and by name where that is the same.
func serverAge(a, b v1alpha1.ResourceServer) int {
	return cmp.Or(
		a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name),
	)
}

// withSoundEntitlements leaves a faulty entitlement out, and only that.
func withSoundEntitlements(server v1alpha1.ResourceServer) v1alpha1.ResourceServer {
	server.Spec.Scopes = slices.Clone(server.Spec.Scopes)
	for i, scope := range server.Spec.Scopes {
		server.Spec.Scopes[i].Entitlements = slices.DeleteFunc(slices.Clone(scope.Entitlements), func(e v1alpha1.Entitlement) bool {
			return !isSubjectSelector(e.Subjects) || !allCompile(e.Conditions)
		})
	}
	return server
}

// acceptIssuers gives every URL to the oldest that claims it, and leaves out whose keys are not known.
func acceptIssuers(w World) []v1alpha1.TrustedIssuer {
	return slices.DeleteFunc(slices.Clone(w.Issuers), func(issuer v1alpha1.TrustedIssuer) bool {
		late := slices.ContainsFunc(w.Issuers, func(other v1alpha1.TrustedIssuer) bool {
			return other.Spec.URL == issuer.Spec.URL && issuerAge(other, issuer) < 0
		})
		keyless := !slices.Contains(w.FetchedKeys, issuer.Name)
		if issuer.Spec.Keys.Type == v1alpha1.KeysInline {
			keyless = issuer.Spec.Keys.JWKS == ""
		}
		return late || keyless || !isIssuer(issuer.Spec)
	})
}

func issuerAge(a, b v1alpha1.TrustedIssuer) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}

// Believes says whether people of this issuer count as subjects.
func (a *Accepted) Believes(issuer string) bool {
	return slices.ContainsFunc(a.Issuers, func(i v1alpha1.TrustedIssuer) bool { return i.Name == issuer })
}

// declarationsOf is everything that ServiceDelegations say of one service account.
func (a *Accepted) declarationsOf(actor authz.Actor) []v1alpha1.ServiceDelegation {
	var found []v1alpha1.ServiceDelegation
	for _, d := range a.ServiceDelegations {
		if d.Namespace == actor.Namespace && string(d.Spec.ServiceAccountName) == actor.ServiceAccount {
			found = append(found, d)
		}
	}
	return found
}
