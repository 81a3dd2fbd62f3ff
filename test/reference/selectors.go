// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"strings"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// selectsSubject says whether a selector names a person by id, user name or one of their groups, or names everybody of the
// issuer.
func selectsSubject(s v1alpha1.SubjectSelector, who authz.Subject) bool {
	if s.Issuer == "" || string(s.Issuer) != who.Issuer || !who.Present() {
		return false
	}
	return isTrue(s.All) ||
		slices.Contains(s.Users, v1alpha1.SubjectID(who.ID)) ||
		who.Username != "" && slices.Contains(s.Usernames, v1alpha1.Username(who.Username)) ||
		slices.ContainsFunc(who.Groups, func(group string) bool { return slices.Contains(s.Groups, v1alpha1.GroupName(group)) })
}

// selectsActor says whether a selector names the actor that comes to the API.
func (q *question) selectsActor(s v1alpha1.ActorSelector) bool {
	actor := q.req.Actor
	inNamespace := s.Namespace != "" && string(s.Namespace) == actor.Namespace ||
		s.Namespace == "" && q.world.selectsNamespace(s.NamespaceSelector, actor.Namespace)
	return inNamespace && (isTrue(s.All) || string(s.ServiceAccount) == actor.ServiceAccount)
}

func isTrue(b *bool) bool { return b != nil && *b }

// selectsNamespace holds a selector against the labels of a namespace. It matches nothing that is not there, and an empty one
// matches nothing at all.
func (a *Accepted) selectsNamespace(s v1alpha1.NamespaceSelector, name string) bool {
	if isEmptySelector(s) {
		return false
	}
	return slices.ContainsFunc(a.Namespaces, func(n Namespace) bool { return n.Name == name && matchesLabels(s, n.Labels) })
}

func isEmptySelector(s v1alpha1.NamespaceSelector) bool {
	return len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0
}

func matchesLabels(s v1alpha1.NamespaceSelector, labels map[string]string) bool {
	for key, value := range s.MatchLabels {
		if got, found := labels[key]; !found || got != value {
			return false
		}
	}
	return !slices.ContainsFunc(s.MatchExpressions, func(r v1alpha1.LabelRequirement) bool { return !meets(r, labels) })
}

// meets has the meaning of Kubernetes: NotIn and DoesNotExist hold where there is no such label.
func meets(r v1alpha1.LabelRequirement, labels map[string]string) bool {
	value, found := labels[r.Key]
	switch r.Operator {
	case v1alpha1.LabelIn:
		return found && slices.Contains(r.Values, value)
	case v1alpha1.LabelNotIn:
		return !found || !slices.Contains(r.Values, value)
	case v1alpha1.LabelExists:
		return found
	case v1alpha1.LabelDoesNotExist:
		return !found
	}
	return false
}

// covers says whether a pattern covers a scope: '*' stands for one or more whole segments at the end (ADR 0005).
func covers(pattern, scope string) bool {
	if pattern == "*" {
		return true
	}
	if before, isPattern := strings.CutSuffix(pattern, "*"); isPattern {
		return strings.HasPrefix(scope, before) && len(scope) > len(before)
	}
	return pattern == scope
}
