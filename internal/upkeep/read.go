// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package upkeep

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Read gives the objects of a manifest.
func Read(manifest []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("decoding object %d: %w", len(objects), err)
		}
		if len(object.Object) > 0 { // a comment is a document too
			objects = append(objects, object)
		}
	}
}
