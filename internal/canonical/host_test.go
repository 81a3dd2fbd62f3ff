// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package canonical

import (
	"strings"
	"testing"
)

// FuzzHost: a host that is taken is itself canonical, and has neither capitals nor anything that ends or divides a name.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{ // THREATS 26
		"tickets.example", "Tickets.EXAMPLE:8443", "tickets.example.", "tickets.example.:443", "[::1]:80", "[FE80::1]", "a@b", "a/b", "a,b",
		"a\x00", "t\u00efckets.example", "a%2eb", "a:b", "a:1:2", "", ":80", "//a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		host, ok := HostOf(raw)
		if !ok {
			if host != "" {
				t.Fatalf("%q is refused and gives %q", raw, host)
			}
			return
		}
		if host != strings.ToLower(host) || strings.HasSuffix(host, ".") || strings.ContainsAny(host, "/\\@,;#?% \x00\r\n") {
			t.Fatalf("%q gives %q", raw, host)
		}
		if again, ok := HostOf(host); !ok || again != host {
			t.Fatalf("%q gives %q, which gives %q, %t", raw, host, again, ok)
		}
	})
}
