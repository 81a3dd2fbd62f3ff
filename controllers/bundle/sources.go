// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/issuerkeys"
)

// clusterSource is the name of the cluster's own issuer among the sources; no TrustedIssuer can be called so.
const clusterSource = "/cluster"

// sources are where keys are to be fetched from, by the names of issuers.
type sources map[string]issuerkeys.Source

// take takes in what issuers have become.
func (s sources) take(changes map[compile.Key]client.Object, reach issuerkeys.Reach) {
	for key, object := range changes {
		if key.Kind != compile.KindTrustedIssuer {
			continue
		}
		delete(s, key.Name)
		if issuer, ok := object.(*v1alpha1.TrustedIssuer); ok {
			if source, fetched := sourceOf(issuer.Spec, reach); fetched {
				s[key.Name] = source
			}
		}
	}
}

// sourceOf is false for an issuer whose keys are not fetched.
func sourceOf(spec v1alpha1.TrustedIssuerSpec, reach issuerkeys.Reach) (issuerkeys.Source, bool) {
	web := issuerkeys.Web{Issuer: spec.URL, CABundle: spec.Keys.CABundle, Reach: reach}
	switch spec.Keys.Type {
	case v1alpha1.KeysDiscovery:
		return web, true
	case v1alpha1.KeysURL:
		web.KeysURL = spec.Keys.URL
		return web, web.KeysURL != ""
	case v1alpha1.KeysInline:
		return nil, false
	default:
		return nil, false
	}
}
