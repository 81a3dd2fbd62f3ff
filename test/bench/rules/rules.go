// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rules states what the objects of an estate say in a form that is nobody's own, from which other engines are given
// the same rules. It refuses objects that say anything else, so that no rule is lost on the way.
package rules

import (
	"errors"
	"fmt"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/test/estate"
)

// Rules is all that decides.
type Rules struct {
	APIs         []API
	Declarations []Declaration
	Permits      []Permit
	Forbids      []Forbid
	Revocations  []Revocation
}

// API is one resource server.
type API struct {
	Audience string
	// Namespaces whose services may come.
	Namespaces []string
	Scopes     []Scope
}

// Holders are the groups that hold a scope.
func (a *API) Holders(scope string) []string {
	for i := range a.Scopes {
		if a.Scopes[i].Name == scope {
			return a.Scopes[i].Groups
		}
	}
	return nil
}

// Scope is held by who is in one of the groups.
type Scope struct {
	Name   string
	Groups []string
}

// Declaration is what an actor uses of one audience, and what it passes on to whom.
type Declaration struct {
	Actor    authz.Actor
	Audience string
	Scopes   []string
	Next     authz.Actor
	PassedOn []string
}

// Permit lets one actor act for whoever is in one of the groups.
type Permit struct {
	Actor    authz.Actor
	Audience string
	Scopes   []string
	Groups   []string
	// Condition is nil where there is none.
	Condition        *estate.Condition
	MaxTokenLifetime int
	MaxSubjectAge    int
	MaxDepth         int
}

// Forbid keeps whoever is in one of the groups from being acted for by any service of the namespaces.
type Forbid struct {
	Namespaces []string
	Audience   string
	Scopes     []string
	Groups     []string
}

// Revocation has one target; Before is in seconds since the Unix epoch, 0 for all.
type Revocation struct {
	Before                               int64
	Subject, Session, Transaction, Token string
	Actor                                authz.Actor
	From, To                             authz.Actor
}

// API gives one by its audience; one that lets nobody come where there is none.
func (r *Rules) API(audience string) *API {
	for i := range r.APIs {
		if r.APIs[i].Audience == audience {
			return &r.APIs[i]
		}
	}
	return &API{}
}

var errUnknown = errors.New("it says something that this form has no place for")

// Of reads the objects.
func Of(w *compile.World) (*Rules, error) {
	r := &Rules{}
	for i := range w.ResourceServers {
		if err := r.addAPI(w, &w.ResourceServers[i]); err != nil {
			return nil, fmt.Errorf("resource server %s: %w", w.ResourceServers[i].Name, err)
		}
	}
	for i := range w.ServiceDelegations {
		if err := r.addDeclaration(&w.ServiceDelegations[i]); err != nil {
			return nil, fmt.Errorf("delegation %s: %w", w.ServiceDelegations[i].Name, err)
		}
	}
	for i := range w.Policies {
		if err := r.addPolicy(&w.Policies[i]); err != nil {
			return nil, fmt.Errorf("policy %s: %w", w.Policies[i].Name, err)
		}
	}
	for i := range w.Revocations {
		if err := r.addRevocation(&w.Revocations[i]); err != nil {
			return nil, fmt.Errorf("revocation %s: %w", w.Revocations[i].Name, err)
		}
	}
	if len(w.Grants) > 0 {
		return nil, fmt.Errorf("grants: %w", errUnknown)
	}
	return r, nil
}

func (r *Rules) addAPI(w *compile.World, rs *v1alpha1.ResourceServer) error {
	spec := &rs.Spec
	from := spec.AllowedActors.Namespaces
	if from.From != v1alpha1.NamespacesSelector || len(from.Selector.MatchExpressions) > 0 || len(spec.Routes) > 0 || spec.Enforcement.Mode != "" {
		return errUnknown
	}
	api := API{Audience: string(spec.Audience)}
	for _, namespace := range w.Namespaces {
		if carries(namespace.Labels, from.Selector.MatchLabels) {
			api.Namespaces = append(api.Namespaces, namespace.Name)
		}
	}
	for _, s := range spec.Scopes {
		if len(s.Entitlements) != 1 || len(s.Entitlements[0].Conditions) > 0 {
			return errUnknown
		}
		groups, err := groupsOf(s.Entitlements[0].Subjects)
		if err != nil {
			return err
		}
		api.Scopes = append(api.Scopes, Scope{Name: string(s.Name), Groups: groups})
	}
	r.APIs = append(r.APIs, api)
	return nil
}

func carries(labels, wanted map[string]string) bool {
	for key, value := range wanted {
		if labels[key] != value {
			return false
		}
	}
	return true
}

func groupsOf(s v1alpha1.SubjectSelector) ([]string, error) {
	if s.Issuer != estate.Issuer || len(s.Users) > 0 || len(s.Usernames) > 0 || s.All != nil {
		return nil, errUnknown
	}
	return texts(s.Groups), nil
}

func texts[T ~string](list []T) []string {
	all := make([]string, len(list))
	for i := range list {
		all[i] = string(list[i])
	}
	return all
}

func (r *Rules) addDeclaration(d *v1alpha1.ServiceDelegation) error {
	spec := &d.Spec
	if len(spec.Audiences) != 1 || len(spec.Onward) != 1 || len(spec.Onward[0].Audiences) != 1 ||
		spec.Onward[0].Audiences[0].Audience != spec.Audiences[0].Audience {
		return errUnknown
	}
	r.Declarations = append(r.Declarations, Declaration{
		Actor:    authz.Actor{Namespace: d.Namespace, ServiceAccount: string(spec.ServiceAccountName)},
		Audience: string(spec.Audiences[0].Audience),
		Scopes:   texts(spec.Audiences[0].Scopes),
		Next:     actorOf(spec.Onward[0].To),
		PassedOn: texts(spec.Onward[0].Audiences[0].Scopes),
	})
	return nil
}

func actorOf(r v1alpha1.ServiceAccountReference) authz.Actor {
	return authz.Actor{Namespace: string(r.Namespace), ServiceAccount: string(r.ServiceAccount)}
}

func (r *Rules) addPolicy(p *v1alpha1.DelegationPolicy) error {
	spec := &p.Spec
	if len(spec.Subjects) != 1 || len(spec.Audiences) != 1 || spec.RequireGrant != nil || spec.Enforcement.Mode != "" {
		return errUnknown
	}
	groups, err := groupsOf(spec.Subjects[0])
	if err != nil {
		return err
	}
	audience, scopes := string(spec.Audiences[0].Audience), texts(spec.Audiences[0].Scopes)
	if spec.Effect == v1alpha1.EffectForbid {
		return r.addForbid(spec, Forbid{Audience: audience, Scopes: scopes, Groups: groups})
	}
	return r.addPermit(spec, Permit{Audience: audience, Scopes: scopes, Groups: groups})
}

func (r *Rules) addForbid(spec *v1alpha1.DelegationPolicySpec, f Forbid) error {
	for _, a := range spec.Actors {
		if a.Namespace == "" || a.All == nil {
			return errUnknown
		}
		f.Namespaces = append(f.Namespaces, string(a.Namespace))
	}
	if len(spec.Conditions) > 0 {
		return errUnknown
	}
	r.Forbids = append(r.Forbids, f)
	return nil
}

func (r *Rules) addPermit(spec *v1alpha1.DelegationPolicySpec, p Permit) error {
	if len(spec.Actors) != 1 || spec.Actors[0].ServiceAccount == "" || spec.Actors[0].Namespace == "" || len(spec.Conditions) > 1 {
		return errUnknown
	}
	p.Actor = authz.Actor{Namespace: string(spec.Actors[0].Namespace), ServiceAccount: string(spec.Actors[0].ServiceAccount)}
	for _, c := range spec.Conditions {
		read, err := estate.ReadCondition(c.Expression)
		if err != nil {
			return err
		}
		p.Condition = &read
	}
	limits := spec.Limits
	p.MaxTokenLifetime, p.MaxSubjectAge, p.MaxDepth = int(limits.MaxTokenLifetimeSeconds), int(limits.MaxSubjectAgeSeconds), int(limits.MaxChainDepth)
	r.Permits = append(r.Permits, p)
	return nil
}

func (r *Rules) addRevocation(o *v1alpha1.DelegationRevocation) error {
	spec := &o.Spec
	revocation := Revocation{Transaction: spec.Transaction, Token: spec.Token}
	if spec.IssuedBefore != nil {
		revocation.Before = spec.IssuedBefore.Unix()
	}
	switch {
	case spec.Transaction != "" || spec.Token != "":
	case spec.Subject != nil && spec.Subject.Issuer == estate.Issuer:
		revocation.Subject = string(spec.Subject.ID)
	case spec.Session != nil && spec.Session.Issuer == estate.Issuer:
		revocation.Session = spec.Session.ID
	case spec.Actor != nil:
		revocation.Actor = actorOf(*spec.Actor)
	case spec.Edge != nil && spec.Edge.From != nil:
		revocation.From, revocation.To = actorOf(*spec.Edge.From), actorOf(spec.Edge.To)
	default:
		return errUnknown
	}
	r.Revocations = append(r.Revocations, revocation)
	return nil
}
