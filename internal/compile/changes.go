// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// Object is what a World is made of.
type Object interface {
	Reported | Namespace | ServiceAccount
}

// Reported are our kinds, whose objects have reports.
type Reported interface {
	v1alpha1.ResourceServer | v1alpha1.DelegationPolicy | v1alpha1.ServiceDelegation | v1alpha1.TrustedIssuer |
		v1alpha1.DelegationGrant | v1alpha1.DelegationRevocation
}

// Put tells a Compiler of an object that is there, new or another than before. One that differs in nothing that is compiled,
// which is the spec and name, UID, generation and age of the metadata, costs a comparison and no more.
func Put[T Object](c *Compiler, object *T) {
	switch o := any(object).(type) {
	case *Namespace:
		c.putNamespace(o.Name, o.Labels)
	case *ServiceAccount:
		c.putAccount(authz.Actor{Namespace: o.Namespace, ServiceAccount: o.Name}, o.UID)
	default:
		c.put(inputOf(o))
	}
}

// Remove tells the Compiler that an object is not there.
func (c *Compiler) Remove(key Key) {
	switch key.Kind {
	case KindNamespace:
		c.removeNamespace(key.Name)
	case KindServiceAccount:
		c.removeAccount(authz.Actor{Namespace: key.Namespace, ServiceAccount: key.Name})
	default:
		c.remove(key)
	}
}

// PutIssuerKeys tells the Compiler of the keys that were fetched for a TrustedIssuer, as World.IssuerKeys has them; none is
// empty.
func (c *Compiler) PutIssuerKeys(name, jwks string) {
	if c.around.fetched[name] == jwks {
		return
	}
	if jwks == "" {
		delete(c.around.fetched, name)
	} else {
		c.around.fetched[name] = jwks
	}
	c.changed(keysFetched, "", name)
}

// PutCluster tells the Compiler of the API server's own issuer, as World.Cluster has it.
func (c *Compiler) PutCluster(cluster *bundle.Cluster) {
	if reflect.DeepEqual(c.cluster, cluster) {
		return
	}
	c.cluster = cluster
	c.touched.issuers = true
}

// PutLastAccepted tells the Compiler how a resource server was when it was last accepted, as World.LastAccepted has it; nil
// for one of which that is not known.
func (c *Compiler) PutLastAccepted(name types.NamespacedName, rs *v1alpha1.ResourceServer) {
	if before := c.last[name]; before == rs || before != nil && rs != nil && inputOf(before).same(inputOf(rs)) {
		return
	}
	if rs == nil {
		delete(c.last, name)
	} else {
		c.last[name] = rs
	}
	if r := c.objects[Key{Kind: KindResourceServer, Namespace: name.Namespace, Name: name.Name}]; r != nil {
		c.touched.servers[r] = true
	}
}

// changed has those read again whose readings rest on a fact.
func (c *Compiler) changed(kind factKind, namespace, name string) {
	for r := range c.dependents.on[fact{kind: kind, namespace: namespace, name: name}] {
		c.touched.objects[r] = true
	}
}

func (c *Compiler) put(in *input) {
	key := in.key()
	r := c.objects[key]
	switch {
	case r == nil:
		r = &record{key: key}
		c.objects[key] = r
	case r.in != nil && r.in.same(in):
		return
	}
	r.in = in
	c.touched.objects[r] = true
	switch spec := in.spec.(type) {
	case *v1alpha1.TrustedIssuerSpec:
		c.putIssuer(key.Name, spec.Forward)
	case *v1alpha1.DelegationGrantSpec:
		c.putGrant(r.name())
	}
}

func (c *Compiler) remove(key Key) {
	r := c.objects[key]
	if r == nil || r.in == nil {
		return
	}
	r.in = nil
	c.touched.objects[r] = true
	switch key.Kind {
	case KindTrustedIssuer:
		delete(c.around.issuers, key.Name)
		c.changed(issuerExists, "", key.Name)
		c.changed(claimsForwarded, "", key.Name)
	case KindDelegationGrant:
		delete(c.around.grants, r.name())
		c.changed(grantExists, key.Namespace, key.Name)
		if len(c.around.grants) == 0 {
			c.changed(grantsKnown, "", "")
		}
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
