// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"strings"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
)

// revocation is one DelegationRevocation with an entry for each target that can be made out: one, if it is valid.
type revocation struct {
	findings
	entries []bundle.Revocation
}

const revocationTargets = "subject, session, actor, edge, grant, transaction and token"

func (v *view) readRevocation(o *v1alpha1.DelegationRevocation) *revocation {
	r := &revocation{findings: findingsOf(KindDelegationRevocation, o.ObjectMeta)}
	spec := &o.Spec
	named := r.people(spec)
	named = append(named, r.services(spec)...)
	named = append(named, r.identifiers(spec)...)
	switch {
	case len(named) == 0:
		r.invalidf("spec", "nothing is revoked; say exactly one of %s", revocationTargets)
	case len(named) > 1:
		r.invalidf("spec", "%s are said and a revocation has one target; make one object for each",
			strings.Join(named, " and "))
		r.until("all of them are revoked")
	}
	before := revokedSeconds(spec.IssuedBefore)
	for i := range r.entries {
		r.entries[i].Source, r.entries[i].IssuedBefore = r.object, before
	}
	v.noteStrangers(r, spec)
	return r
}

func (r *revocation) people(spec *v1alpha1.DelegationRevocationSpec) (named []string) {
	if spec.Subject != nil {
		named = append(named, "subject")
		if p, ok := r.person("spec.subject", string(spec.Subject.Issuer), string(spec.Subject.ID)); ok {
			r.entries = append(r.entries, bundle.Revocation{Subject: p})
		}
	}
	if spec.Session != nil {
		named = append(named, "session")
		if p, ok := r.person("spec.session", string(spec.Session.Issuer), spec.Session.ID); ok {
			r.entries = append(r.entries, bundle.Revocation{Session: p})
		}
	}
	return named
}

func (r *revocation) services(spec *v1alpha1.DelegationRevocationSpec) (named []string) {
	if spec.Actor != nil {
		named = append(named, "actor")
		if s, ok := r.service("spec.actor", "serviceAccount", string(spec.Actor.Namespace), string(spec.Actor.ServiceAccount)); ok {
			r.entries = append(r.entries, bundle.Revocation{Actor: s})
		}
	}
	if spec.Edge != nil {
		named = append(named, "edge")
		r.edge(spec.Edge)
	}
	if spec.Grant != nil {
		named = append(named, "grant")
		if s, ok := r.service("spec.grant", "name", string(spec.Grant.Namespace), spec.Grant.Name); ok {
			r.entries = append(r.entries, bundle.Revocation{Grant: s})
		}
	}
	return named
}

func (r *revocation) identifiers(spec *v1alpha1.DelegationRevocationSpec) (named []string) {
	if spec.Transaction != "" {
		named = append(named, "transaction")
		r.entries = append(r.entries, bundle.Revocation{Transaction: spec.Transaction})
	}
	if spec.Token != "" {
		named = append(named, "token")
		r.entries = append(r.entries, bundle.Revocation{Token: spec.Token})
	}
	return named
}

// edge reads one step; one that is said to start at a person and at a service is read as both.
func (r *revocation) edge(e *v1alpha1.Edge) {
	to, ok := r.service("spec.edge.to", "serviceAccount", string(e.To.Namespace), string(e.To.ServiceAccount))
	if !ok {
		return
	}
	switch {
	case e.Subject == nil && e.From == nil:
		r.invalidf("spec.edge", "the step starts nowhere; say subject or from")
	case e.Subject != nil && e.From != nil:
		r.invalidf("spec.edge", "the step starts at subject and at from; keep one of them")
		r.until("both steps are revoked")
	}
	if e.Subject != nil {
		if p, ok := r.person("spec.edge.subject", string(e.Subject.Issuer), string(e.Subject.ID)); ok {
			r.entries = append(r.entries, bundle.Revocation{Edge: &bundle.GraphEdge{Subject: p, To: *to}})
		}
	}
	if e.From != nil {
		if s, ok := r.service("spec.edge.from", "serviceAccount", string(e.From.Namespace), string(e.From.ServiceAccount)); ok {
			r.entries = append(r.entries, bundle.Revocation{Edge: &bundle.GraphEdge{From: s, To: *to}})
		}
	}
}

func (r *revocation) person(field, issuer, id string) (*bundle.Person, bool) {
	if issuer == "" || id == "" {
		r.invalidf(field, "it is not named in full; give issuer and id")
		return nil, false
	}
	return &bundle.Person{Issuer: issuer, ID: id}, true
}

func (r *revocation) service(field, second, namespace, name string) (*bundle.Service, bool) {
	if namespace == "" || name == "" {
		r.invalidf(field, "it is not named in full; give namespace and %s", second)
		return nil, false
	}
	return &bundle.Service{Namespace: namespace, Name: name}, true
}
