// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"behalf.dev/behalf/internal/issuerkeys"
)

// rawAPI reads paths of the API server.
type rawAPI struct {
	client rest.Interface
}

var _ issuerkeys.RawGetter = (*rawAPI)(nil)

func newRawAPI(config *rest.Config) (*rawAPI, error) {
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the client of the service account issuer: %w", err)
	}
	return &rawAPI{client: clients.Discovery().RESTClient()}, nil
}

// GetRaw gives the answer as it is.
func (a *rawAPI) GetRaw(ctx context.Context, path string) ([]byte, error) {
	return a.client.Get().AbsPath(path).DoRaw(ctx)
}

// unreachable says in words which issuers' keys could not be fetched.
func unreachable(states map[string]issuerkeys.State) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(states)) {
		state := states[name]
		if state.Err == nil {
			continue
		}
		consequence := "nobody of it is believed"
		if state.Known() {
			consequence = "its last good keys serve"
		}
		lines = append(lines, fmt.Sprintf("issuer %s: %s: %v", name, consequence, state.Err))
	}
	return lines
}
