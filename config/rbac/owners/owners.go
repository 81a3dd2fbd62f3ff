// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package owners holds the admission policies that stand with the owners' roles, for the manager, which puts them back.
package owners

import "embed"

// Policies are the files with ValidatingAdmissionPolicies and their bindings. Each is named here, and each of its objects in
// controllers/bundle/rbac.go; a test of internal/manager says which is missing.
//
//go:embed grant_approval.yaml onward_delegation.yaml revocation.yaml
var Policies embed.FS
