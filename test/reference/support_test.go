// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/reference"
)

// support adds what a story needs to be allowed, and leaves a little of it out now and then.
func (s *scene) support(told story) {
	if s.percent(97) {
		s.entitle(told)
	}
	s.declare(told)
	if s.percent(97) {
		s.permit(told)
	}
	if len(s.world.Grants) > 0 && s.percent(15) {
		s.world.Revocations = append(s.world.Revocations, v1alpha1.DelegationRevocation{
			ObjectMeta: s.name(""), Spec: v1alpha1.DelegationRevocationSpec{Grant: s.someGrant()},
		})
	}
}

func (s *scene) entitle(told story) {
	for i := range s.world.ResourceServers {
		server := &s.world.ResourceServers[i]
		for j := range server.Spec.Scopes {
			if string(server.Spec.Audience) == told.audience && string(server.Spec.Scopes[j].Name) == told.scope {
				scope := &server.Spec.Scopes[j]
				scope.Entitlements = append(scope.Entitlements, v1alpha1.Entitlement{
					Subjects: s.subjects(told.subject), Conditions: s.conditions(15),
				})
			}
		}
	}
}

// subjects is a selector that has most often this person.
func (s *scene) subjects(who authz.Subject) v1alpha1.SubjectSelector {
	selector := v1alpha1.SubjectSelector{Issuer: v1alpha1.IssuerName(who.Issuer)}
	switch s.IntN(5) {
	case 0:
		selector.Users = []v1alpha1.SubjectID{v1alpha1.SubjectID(who.ID), "dave"}
	case 1:
		selector.Usernames = []v1alpha1.Username{v1alpha1.Username(who.Username)}
	case 2:
		selector.All = new(true)
	default:
		selector.Groups = []v1alpha1.GroupName{v1alpha1.GroupName(oneOf(s.chance, groups...))}
		if len(who.Groups) > 0 {
			selector.Groups = append(selector.Groups, v1alpha1.GroupName(who.Groups[0]))
		}
	}
	return selector
}

// conditions are one or two in so many cases of a hundred.
func (s *scene) conditions(percent int) []v1alpha1.Condition {
	var list []v1alpha1.Condition
	for s.percent(percent) && len(list) < 3 {
		list = append(list, v1alpha1.Condition{Expression: s.expression()})
	}
	return list
}

// declare writes the ServiceDelegations of a story's chain.
func (s *scene) declare(told story) {
	wanted := []v1alpha1.AudienceScopes{{Audience: v1alpha1.Audience(told.audience), Scopes: []v1alpha1.ScopeName{v1alpha1.ScopeName(told.scope)}}}
	for i, actor := range told.chain {
		if s.percent(2) {
			continue
		}
		d := v1alpha1.ServiceDelegation{ObjectMeta: s.name(actor.Namespace)}
		d.Spec.ServiceAccountName, d.Spec.Purpose = v1alpha1.ServiceAccountName(actor.ServiceAccount), "to help"
		if i == len(told.chain)-1 || s.percent(30) {
			d.Spec.Audiences = wanted
		}
		if i < len(told.chain)-1 && s.percent(95) {
			d.Spec.Onward = []v1alpha1.Onward{{To: accountOf(told.chain[i+1]), Audiences: wanted}}
		}
		if len(d.Spec.Audiences)+len(d.Spec.Onward) > 0 {
			s.world.ServiceDelegations = append(s.world.ServiceDelegations, d)
		}
	}
}

func accountOf(a authz.Actor) v1alpha1.ServiceAccountReference {
	return v1alpha1.ServiceAccountReference{Namespace: v1alpha1.NamespaceName(a.Namespace), ServiceAccount: v1alpha1.ServiceAccountName(a.ServiceAccount)}
}

// permit writes a Permit that mostly lets the story happen, and the grant that it may ask for.
func (s *scene) permit(told story) {
	p := v1alpha1.DelegationPolicy{ObjectMeta: s.name("")}
	p.Spec = v1alpha1.DelegationPolicySpec{
		Effect:     v1alpha1.EffectPermit,
		Actors:     []v1alpha1.ActorSelector{s.actors(told.actor())},
		Subjects:   []v1alpha1.SubjectSelector{s.subjects(told.subject)},
		Audiences:  s.patterns(told),
		Conditions: s.conditions(15),
		Limits:     s.limits(len(told.chain)),
	}
	if s.percent(40) {
		p.Spec.Disclose = some[v1alpha1.ClaimName](s.chance, "department", "level", "patients")
	}
	if s.percent(35) {
		p.Spec.RequireGrant = s.requireGrant()
		for range s.IntN(3) {
			s.world.Grants = append(s.world.Grants, s.grant(told))
		}
		if s.percent(50) {
			s.world.Grants = append(s.world.Grants, s.fittingGrant(told, p.Spec.RequireGrant))
		}
	}
	s.world.Policies = append(s.world.Policies, p)
}

// actors is a selector that has most often this service.
func (s *scene) actors(a authz.Actor) v1alpha1.ActorSelector {
	selector := v1alpha1.ActorSelector{Namespace: v1alpha1.NamespaceName(a.Namespace)}
	if s.percent(20) {
		selector.Namespace, selector.NamespaceSelector = "", s.namespaceSelector()
	}
	if s.percent(30) {
		selector.All = new(true)
	} else {
		selector.ServiceAccount = v1alpha1.ServiceAccountName(a.ServiceAccount)
	}
	return selector
}

func (s *scene) patterns(told story) []v1alpha1.AudienceScopePatterns {
	list := []v1alpha1.AudienceScopePatterns{{Audience: v1alpha1.Audience(told.audience)}}
	exact := v1alpha1.ScopePattern(told.scope)
	list[0].Scopes = []v1alpha1.ScopePattern{oneOf(s.chance, exact, exact, exact, exact, exact, "t:*", "t:*", "*", "*", "t:admin:*", "tx:*")}
	if s.percent(30) {
		list[0].Scopes = append(list[0].Scopes, v1alpha1.ScopePattern(oneOf(s.chance, scopeNames...)))
	}
	if s.percent(20) {
		list = append(list, v1alpha1.AudienceScopePatterns{Audience: "https://nowhere.example", Scopes: []v1alpha1.ScopePattern{"*"}})
	}
	return list
}

func (s *scene) limits(depth int) v1alpha1.Limits {
	l := v1alpha1.Limits{MaxChainDepth: int32(depth)}
	if s.percent(30) {
		l.MaxChainDepth = oneOf(s.chance, 0, 1, l.MaxChainDepth+1, l.MaxChainDepth+1, 8)
	}
	if s.percent(20) {
		l.MaxSubjectAgeSeconds = oneOf[int32](s.chance, 60, 3600)
	}
	if s.percent(15) {
		l.MaxTokenLifetimeSeconds = oneOf[int32](s.chance, 60, 3600)
	}
	return l
}

func (s *scene) requireGrant() *v1alpha1.RequireGrant {
	asked := &v1alpha1.RequireGrant{
		MaxLifetimeSeconds: oneOf[int32](s.chance, 600, 3600),
		Approvers:          v1alpha1.Approvers{Groups: []v1alpha1.GroupName{"approvers"}},
	}
	if s.percent(20) {
		asked.Approvers = v1alpha1.Approvers{Usernames: []v1alpha1.Username{"carol@example.com", "erin@example.com"}}
	}
	if s.percent(60) {
		asked.Bind = some(s.chance, v1alpha1.BindResource, v1alpha1.BindSession, v1alpha1.BindArguments)
	}
	return asked
}

// grant is one that mostly binds the story.
func (s *scene) grant(told story) v1alpha1.DelegationGrant {
	g := v1alpha1.DelegationGrant{ObjectMeta: s.name(told.actor().Namespace)}
	g.Spec = v1alpha1.DelegationGrantSpec{
		Subject:  v1alpha1.SubjectReference{Issuer: v1alpha1.IssuerName(told.subject.Issuer), ID: v1alpha1.SubjectID(told.subject.ID)},
		Actor:    accountOf(told.actor()),
		Audience: v1alpha1.Audience(told.audience),
		Scopes:   []v1alpha1.ScopeName{v1alpha1.ScopeName(told.scope)},
		Session:  oneOf(s.chance, "", told.subject.Session),
		NotAfter: metav1.NewTime(oneOf(s.chance, noon.Add(5*time.Minute), noon.Add(5*time.Minute), noon.Add(time.Hour), s.around(noon))),
		State:    oneOf(s.chance, v1alpha1.GrantApproved, v1alpha1.GrantApproved, v1alpha1.GrantApproved, v1alpha1.GrantRequested, v1alpha1.GrantDenied),
		Approver: &v1alpha1.Approver{Username: "erin@example.com", Groups: []v1alpha1.GroupName{"approvers", "others"}},
	}
	if s.percent(25) {
		g.Spec.Approver.Username = oneOf(s.chance, approvers...)
	}
	if s.percent(80) {
		g.Spec.Resource = &v1alpha1.GrantResource{Type: told.resource.Type, ID: told.resource.ID}
	}
	if s.percent(40) {
		g.Spec.ArgumentsDigest = reference.Digest(oneOf(s.chance, arguments...))
	}
	if s.percent(10) {
		g.CreationTimestamp = metav1.NewTime(oneOf(s.chance, s.around(noon), s.around(g.Spec.NotAfter.Add(-10*time.Minute))))
	}
	return g
}

// fittingGrant is one that binds the story as its teller would ask.
func (s *scene) fittingGrant(told story, asked *v1alpha1.RequireGrant) v1alpha1.DelegationGrant {
	g := s.grant(told)
	g.CreationTimestamp = metav1.NewTime(noon.Add(-time.Minute))
	g.Spec.State, g.Spec.NotAfter = v1alpha1.GrantApproved, metav1.NewTime(noon.Add(5*time.Minute))
	g.Spec.Approver = &v1alpha1.Approver{Username: "erin@example.com", Groups: []v1alpha1.GroupName{"approvers"}}
	g.Spec.Resource = &v1alpha1.GrantResource{Type: told.resource.Type, ID: told.resource.ID}
	g.Spec.Session, g.Spec.ArgumentsDigest = told.subject.Session, ""
	if slices.Contains(asked.Bind, v1alpha1.BindArguments) {
		g.Spec.ArgumentsDigest = reference.Digest(arguments[0])
	}
	return g
}

// approvers have names that are, or are not, those of somebody on whose behalf or through whom a request comes.
var approvers = []v1alpha1.Username{
	"carol@example.com", "carol", "Carol", "oidc:carol", "https://idp.example#ALICE", "corp/bob", "not-bob", "alice:x", "#",
	"system:serviceaccount:shop:web", "system:serviceaccount:billing:mailer", "system:serviceaccount:shop", "System:serviceaccount:shop:web",
}

// arguments are what a request may bring as context.arguments.
var arguments = []any{
	map[string]any{"amount": 12.0, "to": "acme"}, map[string]any{"to": "acme", "amount": 13.0}, []any{"a", true, nil}, nil, "x",
}
