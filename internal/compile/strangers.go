// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// noteStrangers warns of what a revocation names and nobody knows: a slip there leaves at large what was meant.
func (idx *index) noteStrangers(r *revocation, spec *v1alpha1.DelegationRevocationSpec) {
	if spec.Subject != nil {
		idx.noteStrangeIssuer(r, "spec.subject.issuer", spec.Subject.Issuer)
	}
	if spec.Session != nil {
		idx.noteStrangeIssuer(r, "spec.session.issuer", spec.Session.Issuer)
	}
	if spec.Actor != nil {
		idx.noteStrangeService(r, "spec.actor", *spec.Actor)
	}
	if e := spec.Edge; e != nil {
		if e.Subject != nil {
			idx.noteStrangeIssuer(r, "spec.edge.subject.issuer", e.Subject.Issuer)
		}
		if e.From != nil {
			idx.noteStrangeService(r, "spec.edge.from", *e.From)
		}
		idx.noteStrangeService(r, "spec.edge.to", e.To)
	}
	if g := spec.Grant; g != nil && g.Name != "" && g.Namespace != "" {
		name := types.NamespacedName{Namespace: string(g.Namespace), Name: g.Name}
		if len(idx.grantNames) > 0 && !idx.grantNames[name] {
			r.warnf("spec.grant", "there is no DelegationGrant %s; correct the name, or remove this if the grant is gone", name)
		}
	}
}

func (idx *index) noteStrangeIssuer(r *revocation, field string, name v1alpha1.IssuerName) {
	if name != "" && !idx.selectors.issuers[string(name)] {
		r.warnf(field, "no TrustedIssuer is named %q, so nobody is meant yet; correct the name or create it", name)
	}
}

func (idx *index) noteStrangeService(r *revocation, field string, ref v1alpha1.ServiceAccountReference) {
	if service := actorOf(ref); idx.missing(service) {
		r.warnf(field, "there is no service account %s; correct the name, unless the one that is gone is meant", service)
	}
}

// noteStrangeActors warns of what a policy's actors name and the world, as far as anybody looked, has not.
func (idx *index) noteStrangeActors(p *policy, actors []v1alpha1.ActorSelector) {
	for i, a := range actors {
		field := fmt.Sprintf("spec.actors[%d]", i)
		service := authz.Actor{Namespace: string(a.Namespace), ServiceAccount: string(a.ServiceAccount)}
		switch {
		case a.Namespace != "" && idx.selectors.missing(string(a.Namespace)):
			p.warnf(field+".namespace", "there is no namespace %q, so no service is meant yet; correct the name or create it", a.Namespace)
		case idx.missing(service):
			p.warnf(field+".serviceAccount", "there is no service account %s, so no service is meant yet; correct the name or create it", service)
		}
	}
}

// missing says that a namespace does not exist. Where there is none at all, nobody looked.
func (s *selectors) missing(namespace string) bool {
	return len(s.namespaces) > 0 && !slices.ContainsFunc(s.namespaces, func(ns Namespace) bool { return ns.Name == namespace })
}

// noteStrangeClaims warns of claims that a policy discloses and no issuer of its subjects forwards. An issuer that is not
// there yet may.
func (idx *index) noteStrangeClaims(p *policy, spec *v1alpha1.DelegationPolicySpec) {
	if p.rule.Effect == bundle.Forbid || !idx.knowsIssuers(spec.Subjects) {
		return
	}
	for i, claim := range spec.Disclose {
		if claim != "" && !idx.forwarded(spec.Subjects, string(claim)) {
			p.warnf(fmt.Sprintf("spec.disclose[%d]", i),
				"no TrustedIssuer of spec.subjects forwards the claim %q, so there is nothing to disclose; correct it, or add it to spec.forward of the issuer", claim)
		}
	}
}

func (idx *index) knowsIssuers(subjects []v1alpha1.SubjectSelector) bool {
	return !slices.ContainsFunc(subjects, func(s v1alpha1.SubjectSelector) bool { return !idx.selectors.issuers[string(s.Issuer)] })
}

func (idx *index) forwarded(subjects []v1alpha1.SubjectSelector, claim string) bool {
	return slices.ContainsFunc(idx.issuers, func(i *issuer) bool {
		named := slices.ContainsFunc(subjects, func(s v1alpha1.SubjectSelector) bool { return string(s.Issuer) == i.entry.Name })
		return named && slices.Contains(i.entry.Forward, claim)
	})
}
