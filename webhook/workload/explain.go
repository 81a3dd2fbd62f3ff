// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"strings"
)

// declarations are bounds as refusals tell of them.
type declarations struct {
	// names of the ServiceDelegations, sorted, and those of each audience.
	names      []string
	byAudience map[string][]string
	// scopesOf are the scopes that are declared for each audience, and qualified are all of them, each with its audience; sorted.
	scopesOf  map[string][]string
	qualified []string
}

// declarations are made once, and only where something is refused: hardly any pod is.
func (b *bounds) declarations() *declarations {
	if b.told == nil {
		b.told = b.declare()
	}
	return b.told
}

func (b *bounds) declare() *declarations {
	d := &declarations{byAudience: map[string][]string{}, scopesOf: map[string][]string{}}
	for _, delegation := range b.delegations {
		d.names = append(d.names, delegation.Name)
		for _, declared := range delegation.Spec.Audiences {
			audience := string(declared.Audience)
			d.byAudience[audience] = append(d.byAudience[audience], delegation.Name)
			for _, scope := range declared.Scopes {
				d.scopesOf[audience] = append(d.scopesOf[audience], string(scope))
				d.qualified = append(d.qualified, Scope{Audience: audience, Name: string(scope)}.String())
			}
		}
	}
	d.names, d.qualified = sortedSet(d.names), sortedSet(d.qualified)
	for _, index := range []map[string][]string{d.byAudience, d.scopesOf} {
		for key, values := range index {
			index[key] = sortedSet(values)
		}
	}
	return d
}

func (b *bounds) explainNone(scopes []Scope) string {
	texts := make([]string, 0, len(scopes))
	for _, scope := range scopes {
		texts = append(texts, scope.String())
	}
	return fmt.Sprintf("service account %s asks for %s and has no ServiceDelegation: "+
		"create one in namespace %s with spec.serviceAccountName: %s that declares under spec.audiences what it needs",
		b.account, someOf(texts), b.account.namespace, b.account.name)
}

func (b *bounds) explainQualified(scope Scope) string {
	d := b.declarations()
	declarers := d.byAudience[scope.Audience]
	if len(declarers) == 0 {
		declarers = d.names
	}
	return fmt.Sprintf("scope %s of audience %s is not declared for service account %s: add it under spec.audiences of %s, or ask without it%s",
		scope.Name, scope.Audience, b.account, b.named(declarers), d.list(scope.Audience))
}

// list tells what is declared for an audience, or where that is nothing, for any, each with its audience.
func (d *declarations) list(audience string) string {
	names := d.scopesOf[audience]
	if len(names) == 0 {
		names = d.qualified
	}
	if len(names) == 0 {
		return ""
	}
	return " (declared: " + someOf(names) + ")"
}

func (b *bounds) explainUnqualified(scope Scope) string {
	d := b.declarations()
	return fmt.Sprintf("scope %s is not declared for service account %s for any audience: "+
		"add it, with the audience that it belongs to, under spec.audiences of %s, or ask without it%s",
		scope.Name, b.account, b.named(d.names), d.list(""))
}

func (b *bounds) explainAmbiguous(scope Scope, audiences []string) string {
	return fmt.Sprintf("scope %s is declared for service account %s for several audiences, %s: say which, for example %s",
		scope.Name, b.account, someOf(audiences), Scope{Audience: audiences[0], Name: scope.Name})
}

func (b *bounds) named(names []string) string {
	qualified := make([]string, 0, len(names))
	for _, name := range names {
		qualified = append(qualified, b.account.namespace+"/"+name)
	}
	if len(names) == 1 {
		return "ServiceDelegation " + qualified[0]
	}
	return "one of the ServiceDelegations " + someOf(qualified)
}

// someOf lists a few and counts the rest.
func someOf(texts []string) string {
	const few = 5
	if len(texts) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:few], ", "), len(texts)-few)
	}
	return strings.Join(texts, ", ")
}
