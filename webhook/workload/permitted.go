// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import "behalf.dev/behalf/api/v1alpha1"

// Permitted gives, for every service account of a namespace that has a ServiceDelegation, all elements that Judge lets its
// pods write into the annotation, in their text form, sorted, each once. That may be none. It is for those who judge without
// calling Judge.
func Permitted(namespace string, all []*v1alpha1.ServiceDelegation) map[string][]string {
	byName := map[string][]*v1alpha1.ServiceDelegation{}
	for _, d := range all {
		if d.Namespace == namespace {
			name := string(d.Spec.ServiceAccountName)
			byName[name] = append(byName[name], d)
		}
	}
	permitted := make(map[string][]string, len(byName))
	for name, own := range byName {
		permitted[name] = boundsOf(account{namespace: namespace, name: name}, own).permitted()
	}
	return permitted
}

func (b *bounds) permitted() []string {
	declared := b.scopes()
	audiences := b.audiencesOf(declared)
	var elements []string
	for _, scope := range declared {
		if _, refused := b.judge(scope, audiences[scope.Name]); refused == "" {
			elements = append(elements, scope.String())
		}
	}
	return sortedSet(elements)
}

// scopes are all that are declared, each with its audience and without it.
func (b *bounds) scopes() []Scope {
	var all []Scope
	for _, d := range b.delegations {
		for _, declared := range d.Spec.Audiences {
			for _, scope := range declared.Scopes {
				all = append(all, Scope{Audience: string(declared.Audience), Name: string(scope)}, Scope{Name: string(scope)})
			}
		}
	}
	return all
}
