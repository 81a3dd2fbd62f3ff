// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/test/worlds"
)

// stride leads through the delegations so that no two changes in a row are about one resource server.
const stride = 997

// chosen is the delegation that a turn is about. Every fifth names a second resource server and would move two bundles.
func (s *stage) chosen(turn int) int {
	i := turn * stride % len(s.objects.ServiceDelegations)
	if i%5 == 4 {
		i--
	}
	return i
}

// change takes the right to read out of a ServiceDelegation, and in the next turn puts it back.
func (f *fleet) change(turn int) (act, error) {
	s := f.stage
	i := s.chosen(turn / 2)
	delegation := &s.objects.ServiceDelegations[i]
	audience := delegation.Spec.Audiences[0]
	a := act{
		object: types.NamespacedName{Namespace: delegation.Namespace, Name: delegation.Name}, list: &v1alpha1.ServiceDelegationList{},
		bundle: s.bundleOf(audience.Audience), request: s.ask(i), after: authz.Allow,
	}
	scopes := slices.Clone(audience.Scopes)
	if turn%2 == 0 {
		a.after = authz.Deny
		scopes = slices.DeleteFunc(scopes, func(name v1alpha1.ScopeName) bool { return string(name) == a.request.Scope })
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{
		"audiences": []v1alpha1.AudienceScopes{{Audience: audience.Audience, Scopes: scopes}},
	}})
	if err != nil {
		return act{}, fmt.Errorf("writing a patch: %w", err)
	}
	a.do = func(ctx context.Context) (client.Object, error) {
		object := &v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{Namespace: delegation.Namespace, Name: delegation.Name}}
		return object, s.admin.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch))
	}
	return a, nil
}

// ask is a request that a delegation allows, by somebody whom no revocation is about.
func (s *stage) ask(delegation int) authz.Request {
	const somebody = "somebody"
	request := s.world.Ask(delegation)
	request.Subject.ID = somebody
	request.Resource.Properties["owner"] = somebody
	return request
}

// bundleOf is that of the resource server with an audience.
func (s *stage) bundleOf(audience v1alpha1.Audience) distribution.Key {
	i := slices.IndexFunc(s.objects.ResourceServers, func(rs v1alpha1.ResourceServer) bool { return rs.Spec.Audience == audience })
	server := &s.objects.ResourceServers[i]
	return distribution.Key{Kind: bundle.KindPolicy, Name: server.Namespace + "/" + server.Name}
}

// revocation is of one more person, who was allowed until then.
func (f *fleet) revocation(turn int) (act, error) {
	s := f.stage
	i := s.chosen(turn)
	name := fmt.Sprintf("scale-%d", turn)
	return act{
		object: types.NamespacedName{Name: name}, list: &v1alpha1.DelegationRevocationList{},
		bundle:  distribution.Key{Kind: bundle.KindRevocations, Name: bundle.RevocationsName},
		request: s.world.Ask(i), after: authz.Deny,
		do: func(ctx context.Context) (client.Object, error) {
			object := &v1alpha1.DelegationRevocation{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.DelegationRevocationSpec{
				Subject: &v1alpha1.SubjectReference{Issuer: worlds.Issuer, ID: v1alpha1.SubjectID(s.world.Person(i))},
			}}
			return object, s.admin.Create(ctx, object)
		},
	}, nil
}
