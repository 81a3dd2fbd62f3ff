// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "strings"

// canonicalHost is the name in a Host header or :authority, in lower case and without its port. Whatever could be read in
// more than one way, a trailing dot among it, is no host (THREATS 26).
func canonicalHost(host string) (string, bool) {
	name, ok := withoutPort(host)
	if !ok || name == "" || strings.HasSuffix(name, ".") || strings.HasPrefix(name, ".") {
		return "", false
	}
	for i := range len(name) {
		if !hostByte(name[i]) {
			return "", false
		}
	}
	return strings.ToLower(name), true
}

// withoutPort cuts a port off, which must be one. An IPv6 address keeps its brackets.
func withoutPort(host string) (string, bool) {
	if !strings.HasPrefix(host, "[") {
		name, port, found := strings.Cut(host, ":")
		return name, !found || isPort(port)
	}
	address, after, closed := strings.Cut(host, "]")
	if !closed {
		return "", false
	}
	port, found := strings.CutPrefix(after, ":")
	return address + "]", after == "" || (found && isPort(port))
}

func isPort(s string) bool {
	if s == "" || len(s) > 5 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func hostByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' ||
		c == '[' || c == ']' || c == ':'
}
