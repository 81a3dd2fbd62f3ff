// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"reflect"

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
		c.removeIssuer(key.Name)
	case KindDelegationGrant:
		c.removeGrant(r.name())
	}
}
