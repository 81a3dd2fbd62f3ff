// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import "testing"

// FuzzDiscovery: a discovery document gives both names in full, or an error.
func FuzzDiscovery(f *testing.F) {
	for _, seed := range []string{
		`{"issuer":"https://idp.example","jwks_uri":"https://idp.example/keys"}`,
		`{"Issuer":"https://idp.example","JWKS_URI":"https://evil.example"}`, // THREATS 22
		`{"issuer":1,"jwks_uri":null}`, `[]`, ``, `{`, "{\"issuer\":\"\xff\",\"jwks_uri\":\"x\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		read, err := readDiscovery(raw)
		if err == nil && (read.issuer == "" || read.keysURL == "") {
			t.Errorf("%q was taken without a name: %+v", raw, read)
		}
		if err != nil && read != (discovery{}) {
			t.Errorf("%q is refused and yet gives %+v", raw, read)
		}
	})
}
