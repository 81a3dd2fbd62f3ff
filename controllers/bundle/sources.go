// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/issuerkeys"
)

// clusterSource is the name of the cluster's own issuer among the sources; no TrustedIssuer can be called so.
const clusterSource = "/cluster"

// sources are where keys are to be fetched from.
func (p *Publisher) sources(seen *observed) map[string]issuerkeys.Source {
	sources := map[string]issuerkeys.Source{}
	if p.options.Cluster != nil {
		sources[clusterSource] = p.options.Cluster
	}
	for i := range seen.issuers.Items {
		issuer := &seen.issuers.Items[i]
		if source, ok := sourceOf(issuer.Spec, p.options.Loopback); ok {
			sources[issuer.Name] = source
		}
	}
	return sources
}

// sourceOf is false for an issuer whose keys are not fetched.
func sourceOf(spec v1alpha1.TrustedIssuerSpec, loopback issuerkeys.Loopback) (issuerkeys.Source, bool) {
	web := issuerkeys.Web{Issuer: spec.URL, CABundle: spec.Keys.CABundle, Loopback: loopback}
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
