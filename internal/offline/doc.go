// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package offline decides without a cluster: manifests are compiled by the compiler of the manager, and requests are answered
// by the engine of the authorizer. It is a front door as the others are, for requests that are written in files. Whoever
// writes one vouches for its people and services, as a peer of the AuthZEN door does; bundles are always fresh.
package offline
