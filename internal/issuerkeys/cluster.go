// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"context"
	"fmt"
)

// RawGetter reads a path below the API server's root, with the credentials of whoever made it.
type RawGetter interface {
	GetRaw(ctx context.Context, path string) ([]byte, error)
}

// Cluster is the API server's own service account issuer (KEP-1393). It is asked over the connection that the manager
// trusts already, never over the jwks_uri that it advertises to others.
type Cluster struct {
	API RawGetter
}

var _ Source = Cluster{}

const clusterKeysPath = "/openid/v1/jwks"

// Fetch gives the cluster's issuer and its keys. They are asked for often: an API server signs with a new key as soon as it
// has one.
func (c Cluster) Fetch(ctx context.Context) (Keys, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	raw, err := c.API.GetRaw(ctx, discoveryPath)
	if err != nil {
		return Keys{}, fmt.Errorf("asking the API server for its service account issuer: %w", err)
	}
	found, err := readDiscovery(raw)
	if err != nil {
		return Keys{}, fmt.Errorf("the API server's discovery document: %w", err)
	}
	set, err := c.API.GetRaw(ctx, clusterKeysPath)
	if err != nil {
		return Keys{}, fmt.Errorf("asking the API server for its service account keys: %w", err)
	}
	jwks, err := normalize(set)
	if err != nil {
		return Keys{}, fmt.Errorf("the API server's service account keys: %w", err)
	}
	return Keys{Issuer: found.issuer, JWKS: jwks, MaxAge: minRefresh}, nil
}
