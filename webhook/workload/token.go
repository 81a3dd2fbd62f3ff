// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"strings"
)

// TokenRequest is as much of a request for a service account token as is judged.
type TokenRequest struct {
	Audiences []string `json:"audiences"`
	// Bound is the object with which the token ends; nil for none.
	Bound *BoundObject `json:"boundObjectRef"`
}

// BoundObject names an object of the namespace, or a node.
type BoundObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	// UID is empty where any object of the name will do.
	UID string `json:"uid"`
}

// DecodeTokenRequest reads a TokenRequest as strictly as Decode reads templates.
func DecodeTokenRequest(raw []byte) (TokenRequest, error) {
	var object struct {
		Spec TokenRequest `json:"spec"`
	}
	err := strict(raw, &object)
	return object.Spec, err
}

// AudienceField is the path of the audience within the request; empty where it is not asked for. One among several counts:
// the token is good for each of them.
func (r TokenRequest) AudienceField(audience string) string {
	for i, asked := range r.Audiences {
		if asked == audience {
			return fmt.Sprintf("spec.audiences[%d]", i)
		}
	}
	return ""
}

// IsPod says whether the object is a pod. The API server does not look at the version either.
func (b BoundObject) IsPod() bool {
	return b.Kind == "Pod" && !strings.Contains(b.APIVersion, "/")
}

// String is kind and name in printable ASCII.
func (b BoundObject) String() string { return quote(b.Kind) + " " + quote(b.Name) }
