// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/distribution"
)

// content is one bundle before it is signed.
type content struct {
	key    distribution.Key
	raw    []byte
	digest string
	// gone says that its resource server had a bundle and has none any more.
	gone bool
	// form of its resource server.
	form form
	// assigned is the bundle that has the name according to the register.
	assigned v1alpha1.BundleStatus
	// amiss says that the revision assigned must not be served: this replica knows of a later one, because the register was put
	// back, or nobody can have assigned it.
	amiss bool
}

// agreed says whether it has a revision that may be served.
func (c *content) agreed() bool { return c.raw != nil && c.assigned.Digest == c.digest && !c.amiss }

// settled says whether the register agrees. What is withheld it need not know.
func (c *content) settled() bool {
	switch {
	case c.gone:
		return c.assigned == v1alpha1.BundleStatus{}
	case c.raw == nil:
		return true
	default:
		return c.agreed()
	}
}

// contents are the bundles that there are, each encoded once.
type contents map[distribution.Key]content

// take encodes what has become another. The revocation list is asked for where it has.
func (c contents) take(d *compile.Delta, revocations func() *bundle.Revocations) error {
	if d.Trust != nil {
		if err := encode(c, distribution.Key{Kind: bundle.KindTrust, Name: bundle.TrustName}, d.Trust); err != nil {
			return err
		}
	}
	if d.Revocations {
		if err := encode(c, distribution.Key{Kind: bundle.KindRevocations, Name: bundle.RevocationsName}, revocations()); err != nil {
			return err
		}
	}
	for name, policy := range d.Policies {
		key := policyKey(name)
		if policy == nil {
			c[key] = content{key: key, gone: true}
		} else if err := encode(c, key, policy); err != nil {
			return err
		}
	}
	return nil
}

func encode[T bundle.Content](c contents, key distribution.Key, made *T) error {
	raw, err := bundle.Encode(made)
	if err != nil {
		return fmt.Errorf("encoding bundle %s: %w", key, err)
	}
	c[key] = content{key: key, raw: raw, digest: bundle.Digest(raw)}
	return nil
}

// list gives all of them in order, completed with the forms of the resource servers, by the names of their bundles. A resource
// server that had a bundle before this process began, and is not accepted since, has one without content: it is withheld.
func (c contents) list(forms map[string]form) []content {
	var all []content
	for key, known := range c {
		f, there := forms[key.Name]
		if known.gone && !there {
			delete(c, key) // with its resource server
			continue
		}
		known.form = f
		all = append(all, known)
	}
	for name, f := range forms {
		key := distribution.Key{Kind: bundle.KindPolicy, Name: name}
		if _, there := c[key]; !there && f.recorded.Revision > 0 {
			all = append(all, content{key: key, form: f})
		}
	}
	slices.SortFunc(all, func(a, b content) int {
		return cmp.Or(cmp.Compare(rank(a.key.Kind), rank(b.key.Kind)), cmp.Compare(a.key.Name, b.key.Name))
	})
	return all
}

// rank puts what is most urgent first.
func rank(kind bundle.Kind) int {
	return slices.Index([]bundle.Kind{bundle.KindRevocations, bundle.KindTrust, bundle.KindPolicy}, kind)
}

// form is what publishing must know of a resource server beside its bundle.
type form struct {
	// authorizers that may see it, beside the cluster-wide ones.
	authorizers []authz.Actor
	// server is the object as it stands, and recorded the bundle that it has according to its status.
	server   *v1alpha1.ResourceServer
	recorded v1alpha1.BundleStatus
}

func (f form) uid() types.UID {
	if f.server == nil {
		return ""
	}
	return f.server.UID
}

func formOf(inForce, server *v1alpha1.ResourceServer) form {
	f := form{server: server, recorded: server.Status.Bundle}
	for _, a := range inForce.Spec.Authorizers {
		f.authorizers = append(f.authorizers, authz.Actor{Namespace: string(a.Namespace), ServiceAccount: string(a.ServiceAccount)})
	}
	return f
}

func policyKey(name types.NamespacedName) distribution.Key {
	return distribution.Key{Kind: bundle.KindPolicy, Name: name.String()}
}

// keyOf names the content that a report calls by its bundle's name.
func keyOf(bundleName string) distribution.Key {
	switch bundleName {
	case bundle.TrustName:
		return distribution.Key{Kind: bundle.KindTrust, Name: bundleName}
	case bundle.RevocationsName:
		return distribution.Key{Kind: bundle.KindRevocations, Name: bundleName}
	default:
		return distribution.Key{Kind: bundle.KindPolicy, Name: bundleName}
	}
}
