// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// What follows keeps the surroundings, and has those objects read again whose readings rest on what changes in them.

// changed has those read again whose readings rest on a fact.
func (c *Compiler) changed(kind factKind, namespace, name string) {
	for r := range c.dependents.on[fact{kind: kind, namespace: namespace, name: name}] {
		c.touched.objects[r] = true
	}
}

func (c *Compiler) putIssuer(name string, forward []v1alpha1.ClaimName) {
	before, existed := c.around.issuers[name]
	c.around.issuers[name] = forward
	if !existed {
		c.changed(issuerExists, "", name)
	}
	if !slices.Equal(before, forward) {
		c.changed(claimsForwarded, "", name)
	}
}

func (c *Compiler) removeIssuer(name string) {
	delete(c.around.issuers, name)
	c.changed(issuerExists, "", name)
	c.changed(claimsForwarded, "", name)
}

func (c *Compiler) putGrant(name types.NamespacedName) {
	if c.around.grants[name] {
		return
	}
	c.around.grants[name] = true
	c.changed(grantExists, name.Namespace, name.Name)
	if len(c.around.grants) == 1 {
		c.changed(grantsKnown, "", "")
	}
}

func (c *Compiler) removeGrant(name types.NamespacedName) {
	delete(c.around.grants, name)
	c.changed(grantExists, name.Namespace, name.Name)
	if len(c.around.grants) == 0 {
		c.changed(grantsKnown, "", "")
	}
}

func (c *Compiler) putNamespace(name string, labels map[string]string) {
	before, existed := c.around.namespaces[name]
	if existed && maps.Equal(before, labels) {
		return
	}
	c.around.namespaces[name] = labels
	c.reselect(func(s selection) bool { return (existed && s.selects(before)) != s.selects(labels) })
	if !existed {
		c.changed(namespaceExists, "", name)
	}
	if !existed && len(c.around.namespaces) == 1 {
		c.changed(namespacesKnown, "", "")
	}
}

func (c *Compiler) removeNamespace(name string) {
	before, existed := c.around.namespaces[name]
	if !existed {
		return
	}
	delete(c.around.namespaces, name)
	c.reselect(func(s selection) bool { return s.selects(before) })
	c.changed(namespaceExists, "", name)
	if len(c.around.namespaces) == 0 {
		c.changed(namespacesKnown, "", "")
	}
}

// reselect has those read again that have a selector which selects another set now.
func (c *Compiler) reselect(another func(selection) bool) {
	for r := range c.dependents.selecting {
		if slices.ContainsFunc(r.selections, another) {
			c.touched.objects[r] = true
		}
	}
}

func (c *Compiler) putAccount(service authz.Actor, uid string) {
	before, existed := c.around.accounts[service]
	if existed && before == uid {
		return
	}
	c.around.accounts[service] = uid
	c.touched.trust = c.touched.trust || c.pinned[service] > 0
	if !existed {
		c.accountAppeared(service, len(c.around.accounts) == 1)
	}
}

func (c *Compiler) removeAccount(service authz.Actor) {
	if _, existed := c.around.accounts[service]; !existed {
		return
	}
	delete(c.around.accounts, service)
	c.touched.trust = c.touched.trust || c.pinned[service] > 0
	c.accountAppeared(service, len(c.around.accounts) == 0)
}

// accountAppeared is also said of one that disappeared; known says that with it others did, as far as anybody knows.
func (c *Compiler) accountAppeared(service authz.Actor, known bool) {
	c.changed(accountExists, service.Namespace, service.ServiceAccount)
	if known {
		c.touched.trust = true
		c.changed(accountsKnown, "", "")
	}
}
