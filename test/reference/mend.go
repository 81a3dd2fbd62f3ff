// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"

	"behalf.dev/behalf/api/v1alpha1"
)

// mendForbid makes what is wrong in a Forbid match: conditions and patterns that are none, and selectors that say whose people
// or services they mean without saying which. Where not even that is said, nothing is forbidden (ADR 0008).
func mendForbid(p v1alpha1.DelegationPolicy) v1alpha1.DelegationPolicy {
	p.Spec.Effect = v1alpha1.EffectForbid
	p.Spec.Conditions = slices.DeleteFunc(slices.Clone(p.Spec.Conditions), func(c v1alpha1.Condition) bool { return !compiles(c) })
	p.Spec.Actors = each(p.Spec.Actors, mendActors)
	p.Spec.Subjects = each(p.Spec.Subjects, mendSubjects)
	p.Spec.Audiences = each(p.Spec.Audiences, mendScopes)
	return p
}

// each puts what every entry becomes in the place of the entry.
func each[T any](list []T, mend func(T) []T) []T {
	mended := make([]T, 0, len(list))
	for _, entry := range list {
		mended = append(mended, mend(entry)...)
	}
	return mended
}

func mendActors(s v1alpha1.ActorSelector) []v1alpha1.ActorSelector {
	if (s.ServiceAccount != "") == isTrue(s.All) {
		s.ServiceAccount, s.All = "", new(true)
	}
	if s.Namespace == "" || isEmptySelector(s.NamespaceSelector) {
		return []v1alpha1.ActorSelector{s}
	}
	byName, byLabels := s, s
	byName.NamespaceSelector, byLabels.Namespace = v1alpha1.NamespaceSelector{}, ""
	return []v1alpha1.ActorSelector{byName, byLabels}
}

func mendSubjects(s v1alpha1.SubjectSelector) []v1alpha1.SubjectSelector {
	if !isSubjectSelector(s) {
		s.All = new(true)
	}
	return []v1alpha1.SubjectSelector{s}
}

func mendScopes(a v1alpha1.AudienceScopePatterns) []v1alpha1.AudienceScopePatterns {
	if !every(a.Scopes, func(pattern v1alpha1.ScopePattern) bool { return isPattern(string(pattern)) }) {
		a.Scopes = []v1alpha1.ScopePattern{"*"}
	}
	return []v1alpha1.AudienceScopePatterns{a}
}
