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

// contentsOf encodes a result: the trust bundle, the revocation list and one policy bundle a resource server, in order.
// Forms are the resource servers as they are in force.
func contentsOf(result *compile.Result, forms map[types.NamespacedName]form) ([]content, error) {
	trust, err := bundle.Encode(result.Trust)
	if err != nil {
		return nil, fmt.Errorf("trust bundle: %w", err)
	}
	revocations, err := bundle.Encode(result.Revocations)
	if err != nil {
		return nil, fmt.Errorf("revocation list: %w", err)
	}
	contents := []content{
		{key: distribution.Key{Kind: bundle.KindRevocations, Name: bundle.RevocationsName}, raw: revocations},
		{key: distribution.Key{Kind: bundle.KindTrust, Name: bundle.TrustName}, raw: trust},
	}
	for _, name := range slices.SortedFunc(maps.Keys(result.Policies), compareNames) {
		raw, err := bundle.Encode(result.Policies[name])
		if err != nil {
			return nil, fmt.Errorf("policy bundle %s: %w", name, err)
		}
		contents = append(contents, content{
			key:         distribution.Key{Kind: bundle.KindPolicy, Name: name.String()},
			raw:         raw,
			authorizers: forms[name].authorizers,
			published:   forms[name].published,
		})
	}
	return contents, nil
}

func compareNames(a, b types.NamespacedName) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
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
