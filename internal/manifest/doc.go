// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package manifest reads files and folders of Kubernetes manifests into what the compiler looks at, without a cluster. Each
// object of ours goes the way that it would go at the API server: strict decoding, defaults, schema and CEL rules of the
// CustomResourceDefinitions. What the API server would refuse is refused, with file, line, object and field. What admission
// webhooks see to is not done here: the approver of a DelegationGrant is who the manifest says.
//
// Folders of a GitOps repository hold much that is not ours: objects of other API groups are passed over.
package manifest
