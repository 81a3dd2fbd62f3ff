// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"encoding/base64"
	"strings"

	"behalf.dev/behalf/internal/canonical"
)

// Headers in which clients repeat the method and the name of what they ask for, since revision 2026-07-28, so that proxies
// need not read bodies. Whoever reads both has to refuse a difference.
const (
	headerMethod = "mcp-method"
	headerName   = "mcp-name"
)

// mirrored says whether the headers, where they were sent, say the same as the body. For other methods than calls of tools
// Mcp-Name is the business of the server: no scope depends on it.
func mirrored(headers canonical.Headers, method, tool string) bool {
	if value, sent, ok := headers.One(headerMethod); !ok || sent && trimmed(value) != method {
		return false
	}
	value, sent, ok := headers.One(headerName)
	if !ok {
		return false
	}
	return !sent || tool == "" || decoded(trimmed(value)) == tool
}

func trimmed(value string) string { return strings.Trim(value, " \t") }

// decoded undoes the encoding for names that a header cannot hold: =?base64?…?=. Empty, which is no tool's name, where it
// cannot.
func decoded(value string) string {
	inner, begins := strings.CutPrefix(value, "=?base64?")
	inner, ends := strings.CutSuffix(inner, "?=")
	if !begins || !ends {
		return value
	}
	name, err := base64.StdEncoding.Strict().DecodeString(inner)
	if err != nil {
		return ""
	}
	return string(name)
}
