// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

// Operation is what a Change does.
type Operation string

// The operations.
const (
	// Put brings new content in its artifact.
	Put Operation = "Put"
	// Renew brings only an envelope, for content that is held already.
	Renew Operation = "Renew"
	// Remove takes content away.
	Remove Operation = "Remove"
)

// Change is one step in what an authorizer holds. Kind and Name say under which name it came; whoever takes it sees to it
// that the signed statement agrees.
type Change struct {
	Operation Operation
	Kind      Kind
	Name      string
	Artifact  Artifact
}
