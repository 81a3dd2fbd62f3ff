// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// surroundings are what objects are read against.
type surroundings struct {
	// namespaces are the labels of those that exist.
	namespaces map[string]map[string]string
	// accounts are the UIDs of the service accounts that exist.
	accounts map[authz.Actor]string
	// issuers are the claims that each TrustedIssuer forwards.
	issuers map[string][]v1alpha1.ClaimName
	// grants that exist.
	grants map[types.NamespacedName]bool
	// fetched are the keys of issuers.
	fetched map[string]string
	// keyless says that nobody fetches any; it never changes.
	keyless bool
	checker *checker
}

func newSurroundings() *surroundings {
	return &surroundings{
		namespaces: map[string]map[string]string{},
		accounts:   map[authz.Actor]string{},
		issuers:    map[string][]v1alpha1.ClaimName{},
		grants:     map[types.NamespacedName]bool{},
		fetched:    map[string]string{},
		checker:    newChecker(),
	}
}

// view is how the reading of one object looks at its surroundings: it takes down what was looked at.
type view struct {
	around     *surroundings
	facts      []fact
	selections []selection
}

func (v *view) note(kind factKind, namespace, name string) {
	v.facts = append(v.facts, fact{kind: kind, namespace: namespace, name: name})
}

// trusts says whether there is a TrustedIssuer of the name.
func (v *view) trusts(issuer string) bool {
	v.note(issuerExists, "", issuer)
	_, ok := v.around.issuers[issuer]
	return ok
}

// forwards says whether a TrustedIssuer forwards a claim.
func (v *view) forwards(issuer string, claim v1alpha1.ClaimName) bool {
	v.note(claimsForwarded, "", issuer)
	return slices.Contains(v.around.issuers[issuer], claim)
}

// keys are those that were fetched for a TrustedIssuer.
func (v *view) keys(issuer string) string {
	v.note(keysFetched, "", issuer)
	return v.around.fetched[issuer]
}

// missingNamespace says that a namespace does not exist. Where there is none at all, nobody looked.
func (v *view) missingNamespace(name string) bool {
	v.note(namespacesKnown, "", "")
	v.note(namespaceExists, "", name)
	_, ok := v.around.namespaces[name]
	return !ok && len(v.around.namespaces) > 0
}

// missing says that a service account does not exist, as far as anybody looked.
func (v *view) missing(service authz.Actor) bool {
	if !service.Present() {
		return false
	}
	v.note(accountsKnown, "", "")
	v.note(accountExists, service.Namespace, service.ServiceAccount)
	_, ok := v.around.accounts[service]
	return !ok && len(v.around.accounts) > 0
}

// missingGrant says that a DelegationGrant does not exist. Where there is none at all, nobody looked.
func (v *view) missingGrant(name types.NamespacedName) bool {
	v.note(grantsKnown, "", "")
	v.note(grantExists, name.Namespace, name.Name)
	return !v.around.grants[name] && len(v.around.grants) > 0
}

// check compiles an expression.
func (v *view) check(expression string) verdict {
	v.note(expressionCompiles, "", expression)
	return v.around.checker.check(expression)
}

// selection is a selector of namespaces with how it is read.
type selection struct {
	selector v1alpha1.NamespaceSelector
	sound    []bool
	doubt    doubt
}

func (s selection) selects(labels map[string]string) bool {
	return selects(s.selector, s.sound, labels, s.doubt)
}

// selected are the names of the namespaces that a selection selects, sorted.
func (v *view) selected(s selection) []string {
	v.selections = append(v.selections, s)
	var names []string
	for name, labels := range v.around.namespaces {
		if s.selects(labels) {
			names = append(names, name)
		}
	}
	return sortedNames(names)
}
