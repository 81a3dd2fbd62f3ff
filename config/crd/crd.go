// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crd holds the CustomResourceDefinitions of the six kinds, as make generate writes them.
package crd

import "embed"

// Bases are the generated files: bases/behalf.dev_PLURAL.yaml.
//
//go:embed bases/*.yaml
var Bases embed.FS
