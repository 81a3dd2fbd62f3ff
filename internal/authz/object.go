// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

// ObjectRef names the Kubernetes object that something rests on.
type ObjectRef struct {
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	Generation int64  `json:"generation,omitempty"`
}

// String is Kind namespace/name, or Kind name for what is cluster-scoped.
func (r ObjectRef) String() string { return string(r.Append(nil)) }

// Append appends what String gives.
func (r ObjectRef) Append(to []byte) []byte {
	to = append(append(to, r.Kind...), ' ')
	if r.Namespace != "" {
		to = append(append(to, r.Namespace...), '/')
	}
	return append(to, r.Name...)
}
