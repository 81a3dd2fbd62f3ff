// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"behalf.dev/behalf/internal/bundle"
)

// The files of one name: STEM.floor, STEM.envelope and STEM.DIGEST.content. What is being written ends in .tmp.
const (
	floorSuffix    = ".floor"
	envelopeSuffix = ".envelope"
	contentSuffix  = ".content"
	unfinished     = ".tmp"
	lockFile       = "lock"
)

// Stem begins the names of all files of one content. It is a hash, since no name may lead out of the folder or be too long
// for it.
func Stem(kind bundle.Kind, name string) string {
	sum := sha256.Sum256([]byte(string(kind) + " " + name))
	return hex.EncodeToString(sum[:])
}

// contentFile names the file of a content with this digest; empty where it is no digest.
func contentFile(stem, digest string) string {
	sum, isDigest := strings.CutPrefix(digest, "sha256:")
	if !isDigest || len(sum) != hex.EncodedLen(sha256.Size) || strings.Trim(sum, "0123456789abcdef") != "" {
		return ""
	}
	return stem + "." + sum + contentSuffix
}

// stemOf is what a file's name begins with.
func stemOf(file string) string {
	stem, _, _ := strings.Cut(file, ".")
	return stem
}
