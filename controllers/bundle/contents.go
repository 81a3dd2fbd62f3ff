// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"cmp"
	"fmt"
	"maps"
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
	// authorizers that may see it, beside the cluster-wide ones.
	authorizers []authz.Actor
	// published is the highest revision that anybody remembers from before this process.
	published int64
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
			delete(c, key)
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

// list gives all of them in order, completed with the forms of the resource servers, by the names of their bundles.
func (c contents) list(forms map[string]form) []content {
	all := slices.SortedFunc(maps.Values(c), func(a, b content) int {
		return cmp.Or(cmp.Compare(rank(a.key.Kind), rank(b.key.Kind)), cmp.Compare(a.key.Name, b.key.Name))
	})
	for i := range all {
		if all[i].key.Kind == bundle.KindPolicy {
			f := forms[all[i].key.Name]
			all[i].authorizers, all[i].published = f.authorizers, f.published
		}
	}
	return all
}

// rank puts what is most urgent first.
func rank(kind bundle.Kind) int {
	return slices.Index([]bundle.Kind{bundle.KindRevocations, bundle.KindTrust, bundle.KindPolicy}, kind)
}

// form is what publishing must know of a resource server beside its bundle.
type form struct {
	authorizers []authz.Actor
	published   int64
}

func formOf(inForce *v1alpha1.ResourceServer, published int64) form {
	f := form{published: published}
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
