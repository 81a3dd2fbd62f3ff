// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"behalf.dev/behalf/internal/bundle"
)

// Floor is the highest revision seen under one name, and what was in force when it was written. Nobody signs it: it tells
// that signed files are older than they should be.
type Floor struct {
	Kind     bundle.Kind `json:"kind"`
	Name     string      `json:"name"`
	Revision int64       `json:"revision"`
	Digest   string      `json:"digest"`
	// Held is the digest of the content in force: another than Digest where the highest revision was refused, and empty where
	// there is none, because it was removed or never came.
	Held string `json:"held"`
}

var errNotWhole = errors.New("the file is not whole")

// marshal gives a line of JSON, and a line with its SHA-256.
func (f Floor) marshal() ([]byte, error) {
	line, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("writing a floor: %w", err)
	}
	return append(append(line, '\n'), sumOf(line)...), nil
}

func sumOf(line []byte) []byte {
	sum := sha256.Sum256(line)
	return append(hex.AppendEncode(nil, sum[:]), '\n')
}

// readFloor reads exactly what marshal wrote.
func readFloor(raw []byte) (Floor, error) {
	line, sum, _ := bytes.Cut(raw, []byte("\n"))
	if !bytes.Equal(sum, sumOf(line)) {
		return Floor{}, fmt.Errorf("reading a floor: %w", errNotWhole)
	}
	var f Floor
	if err := json.Unmarshal(line, &f); err != nil {
		return Floor{}, fmt.Errorf("reading a floor: %w", err)
	}
	if again, err := f.marshal(); err != nil || !bytes.Equal(again, raw) {
		return Floor{}, fmt.Errorf("reading a floor: %w", bundle.ErrNotCanonical)
	}
	return f, nil
}
