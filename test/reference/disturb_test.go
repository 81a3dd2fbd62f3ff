// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// disturb adds something that may well stand in the way of a story.
func (s *scene) disturb(told story) {
	if s.percent(50) {
		s.forbid(told)
	} else {
		s.revoke(told)
	}
}

func (s *scene) revoke(told story) {
	r := v1alpha1.DelegationRevocation{ObjectMeta: s.name("")}
	s.aim(&r.Spec, told)
	if s.percent(60) {
		issuedBefore := metav1.NewTime(s.around(s.before(noon, 20)))
		r.Spec.IssuedBefore = &issuedBefore
	}
	s.world.Revocations = append(s.world.Revocations, r)
}

func (s *scene) forbid(told story) {
	p := v1alpha1.DelegationPolicy{ObjectMeta: s.name("")}
	p.Spec = v1alpha1.DelegationPolicySpec{
		Effect:      v1alpha1.EffectForbid,
		Enforcement: s.enforcement(35),
		Actors:      []v1alpha1.ActorSelector{s.actors(told.actor())},
		Subjects:    []v1alpha1.SubjectSelector{s.subjects(told.subject)},
		Audiences:   s.patterns(told),
		Conditions:  s.conditions(60),
	}
	s.world.Policies = append(s.world.Policies, p)
}

// aim gives a revocation one target, which most often has to do with the story.
func (s *scene) aim(r *v1alpha1.DelegationRevocationSpec, told story) {
	person := personOf(told.subject)
	switch s.IntN(8) {
	case 0:
		r.Subject = &person
	case 1:
		r.Session = &v1alpha1.SessionReference{Issuer: person.Issuer, ID: oneOf(s.chance, sessions...)}
	case 2:
		r.Actor = new(accountOf(oneOf(s.chance, told.chain...)))
	case 3:
		r.Transaction = oneOf(s.chance, "txn-1", "txn-2")
	case 4:
		r.Token = oneOf(s.chance, "jti-1", "jti-2")
	case 5:
		r.Edge = &v1alpha1.Edge{Subject: &person, To: accountOf(oneOf(s.chance, told.chain...))}
	case 6:
		r.Edge = &v1alpha1.Edge{From: new(accountOf(told.chain[0])), To: accountOf(told.actor())}
	default:
		r.Grant = s.someGrant()
	}
}

func (s *scene) someGrant() *v1alpha1.GrantReference {
	if len(s.world.Grants) == 0 {
		return &v1alpha1.GrantReference{Namespace: "shop", Name: "none"}
	}
	g := oneOf(s.chance, s.world.Grants...)
	return &v1alpha1.GrantReference{Namespace: v1alpha1.NamespaceName(g.Namespace), Name: g.Name}
}

func personOf(who authz.Subject) v1alpha1.SubjectReference {
	return v1alpha1.SubjectReference{Issuer: v1alpha1.IssuerName(who.Issuer), ID: v1alpha1.SubjectID(who.ID)}
}

// shuffleWorld puts every list of objects in another order, which never matters.
func (s *scene) shuffleWorld() {
	w := &s.world
	shuffle(s.chance, w.ResourceServers)
	shuffle(s.chance, w.Policies)
	shuffle(s.chance, w.ServiceDelegations)
	shuffle(s.chance, w.Issuers)
	shuffle(s.chance, w.Grants)
	shuffle(s.chance, w.Revocations)
	shuffle(s.chance, w.Namespaces)
}

func shuffle[T any](c *chance, list []T) {
	c.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}
