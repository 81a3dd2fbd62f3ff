// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"

	"sigs.k8s.io/yaml"
)

// Format is how a command tells its outcome. The zero value is text for people.
type Format string

// The formats.
const (
	Text  Format = ""
	JSON  Format = "json"
	YAML  Format = "yaml"
	JUnit Format = "junit"
)

// String is the format's name.
func (f *Format) String() string { return string(*f) }

// Set takes a format by its name.
func (f *Format) Set(name string) error {
	switch Format(name) {
	case JSON, YAML, JUnit:
		*f = Format(name)
		return nil
	case Text:
	}
	return fmt.Errorf("there are %s, %s and %s; leave it out for text", JSON, YAML, JUnit)
}

// Type is how the help calls it.
func (f *Format) Type() string { return "format" }

// structured is for programs.
func structured(format Format, view any) ([]byte, error) {
	if format == YAML {
		return yaml.Marshal(view)
	}
	raw, err := json.MarshalIndent(view, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return append(raw, '\n'), nil
}
