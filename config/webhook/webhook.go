// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package webhook holds the webhook configurations as they are installed, for the manager, which puts them back.
package webhook

import _ "embed"

// Manifests is manifests.yaml.
//
//go:embed manifests.yaml
var Manifests []byte
