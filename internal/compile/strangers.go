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
func (v *view) noteStrangers(r *revocation, spec *v1alpha1.DelegationRevocationSpec) {
	if spec.Subject != nil {
		v.noteStrangeIssuer(r, "spec.subject.issuer", spec.Subject.Issuer)
	}
	if spec.Session != nil {
		v.noteStrangeIssuer(r, "spec.session.issuer", spec.Session.Issuer)
	}
	if spec.Actor != nil {
		v.noteStrangeService(r, "spec.actor", *spec.Actor)
	}
	if e := spec.Edge; e != nil {
		if e.Subject != nil {
			v.noteStrangeIssuer(r, "spec.edge.subject.issuer", e.Subject.Issuer)
		}
		if e.From != nil {
			v.noteStrangeService(r, "spec.edge.from", *e.From)
		}
		v.noteStrangeService(r, "spec.edge.to", e.To)
	}
	if g := spec.Grant; g != nil && g.Name != "" && g.Namespace != "" {
		name := types.NamespacedName{Namespace: string(g.Namespace), Name: g.Name}
		if v.missingGrant(name) {
			r.warnf("spec.grant", "there is no DelegationGrant %s; correct the name, or remove this if the grant is gone", name)
		}
	}
}

func (v *view) noteStrangeIssuer(r *revocation, field string, name v1alpha1.IssuerName) {
	if name != "" && !v.trusts(string(name)) {
		r.warnf(field, "no TrustedIssuer is named %q, so nobody is meant yet; correct the name or create it", name)
	}
}

func (v *view) noteStrangeService(r *revocation, field string, ref v1alpha1.ServiceAccountReference) {
	if service := actorOf(ref); v.missing(service) {
		r.warnf(field, "there is no service account %s; correct the name, unless the one that is gone is meant", service)
	}
}

// noteStrangeActors warns of what a policy's actors name and the world, as far as anybody looked, has not.
func (v *view) noteStrangeActors(p *policy, actors []v1alpha1.ActorSelector) {
	for i, a := range actors {
		field := fmt.Sprintf("spec.actors[%d]", i)
		service := authz.Actor{Namespace: string(a.Namespace), ServiceAccount: string(a.ServiceAccount)}
		switch {
		case a.Namespace != "" && v.missingNamespace(string(a.Namespace)):
			p.warnf(field+".namespace", "there is no namespace %q, so no service is meant yet; correct the name or create it", a.Namespace)
		case v.missing(service):
			p.warnf(field+".serviceAccount", "there is no service account %s, so no service is meant yet; correct the name or create it", service)
		}
	}
}

// noteStrangeClaims warns of claims that a policy discloses and no issuer of its subjects forwards. An issuer that is not
// there yet may.
func (v *view) noteStrangeClaims(p *policy, spec *v1alpha1.DelegationPolicySpec) {
	if p.rule.Effect == bundle.Forbid || !v.knowsIssuers(spec.Subjects) {
		return
	}
	for i, claim := range spec.Disclose {
		if claim != "" && !v.forwarded(spec.Subjects, claim) {
			p.warnf(fmt.Sprintf("spec.disclose[%d]", i),
				"no TrustedIssuer of spec.subjects forwards the claim %q, so there is nothing to disclose; correct it, or add it to spec.forward of the issuer", claim)
		}
	}
}

func (v *view) knowsIssuers(subjects []v1alpha1.SubjectSelector) bool {
	return !slices.ContainsFunc(subjects, func(s v1alpha1.SubjectSelector) bool { return !v.trusts(string(s.Issuer)) })
}

func (v *view) forwarded(subjects []v1alpha1.SubjectSelector, claim v1alpha1.ClaimName) bool {
	return slices.ContainsFunc(subjects, func(s v1alpha1.SubjectSelector) bool { return v.forwards(string(s.Issuer), claim) })
}
