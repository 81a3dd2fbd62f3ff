// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"context"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Person is somebody who works with the cluster, by their Kubernetes identity.
type Person struct {
	Username string
	Groups   []string
}

// The people who work with the cluster. What they may do comes from the roles in config/rbac/owners.
var (
	Security = Person{Username: "sofia@example.com", Groups: []string{"security-team"}}
	Incident = Person{Username: "ines@example.com", Groups: []string{"incident-response"}}
	Approver = Person{Username: "carol@example.com", Groups: []string{"finance-approvers"}}
)

// Team is whoever edits one namespace: there, the API's team and the service's team.
func Team(namespace string) Person {
	return Person{Username: namespace + "-dev@example.com", Groups: []string{namespace + "-team"}}
}

// hire binds the cluster-wide roles and waits until the roles that aggregate others are filled.
func (s *Stack) hire(ctx context.Context) error {
	for role, person := range map[string]Person{"behalf-security-admin": Security, "behalf-incident-response": Incident} {
		if err := s.create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role + "-for-" + person.Groups[0]},
			RoleRef:    clusterRole(role),
			Subjects:   group(person.Groups[0]),
		}); err != nil {
			return err
		}
	}
	return eventually(ctx, nil, func(ctx context.Context) error {
		return s.may(ctx, Security, "create", "delegationpolicies")
	})
}

// Founded makes a namespace with a team that edits it.
func (s *Stack) Founded(ctx context.Context, namespace *corev1.Namespace) error {
	if err := s.create(ctx, namespace); err != nil {
		return err
	}
	team := Team(namespace.Name)
	return s.Bind(ctx, namespace.Name, "edit", team)
}

// Bind gives a person a cluster role in one namespace.
func (s *Stack) Bind(ctx context.Context, namespace, role string, person Person) error {
	return s.create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: role + "-for-" + person.Groups[0]},
		RoleRef:    clusterRole(role),
		Subjects:   group(person.Groups[0]),
	})
}

func (s *Stack) create(ctx context.Context, object client.Object) error {
	if err := s.Admin.Create(ctx, object); client.IgnoreAlreadyExists(err) != nil {
		return fmt.Errorf("creating %T %s: %w", object, object.GetName(), err)
	}
	return nil
}

func (s *Stack) may(ctx context.Context, person Person, verb, resource string) error {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: person.Username, Groups: person.Groups,
		ResourceAttributes: &authorizationv1.ResourceAttributes{Group: "behalf.dev", Resource: resource, Verb: verb},
	}}
	if err := s.Admin.Create(ctx, review); err != nil {
		return fmt.Errorf("asking whether %s may %s %s: %w", person.Username, verb, resource, err)
	}
	if !review.Status.Allowed {
		return fmt.Errorf("%s may not %s %s yet", person.Username, verb, resource)
	}
	return nil
}

func clusterRole(name string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}
}

func group(name string) []rbacv1.Subject {
	return []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: name}}
}
