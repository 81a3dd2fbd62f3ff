// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package canonical

import "strings"

// HostOf gives the name in a Host header or :authority, in lower case and without its port. Whatever could be read in more
// than one way, a trailing dot among it, is no host (THREATS 26).
func HostOf(host string) (string, bool) {
	name, ok := withoutPort(host)
	if !ok || !isName(name) && !isAddress(name) {
		return "", false
	}
	return strings.ToLower(name), true
}

func isName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c == '~' || !unreserved(c) {
			return false
		}
	}
	return name != "" && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".")
}

// isAddress takes the brackets of an IPv6 address with what may stand in one.
func isAddress(name string) bool {
	address, open := strings.CutPrefix(name, "[")
	address, closed := strings.CutSuffix(address, "]")
	for i := range len(address) {
		if c := address[i]; c != ':' && c != '.' && hexDigit(c) < 0 {
			return false
		}
	}
	return open && closed && address != ""
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
