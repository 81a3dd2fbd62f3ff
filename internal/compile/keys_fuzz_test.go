// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"strings"
	"testing"
)

// FuzzCanonicalKeys: a key set that is taken is in one form, which is taken again as it is, and holds nothing secret.
func FuzzCanonicalKeys(f *testing.F) {
	const key = `{"kty":"EC","crv":"P-256","kid":"a","x":"mAJebxpzTxeXus84uUsPVHunX0mvTBgerc9KG7I2E8o","y":"Q-r3W1lrWhsRjTbtAjVQFAdPnbk8hvbRlNGisq_1RiA"`
	for _, seed := range []string{
		`{"keys":[` + key + `}]}`,
		`{"keys":[` + key + `,"d":"AAAA"}]}`,                     // a private key
		`{"keys":[` + key + `,"D":"AAAA"}]}`,                     // THREATS 22: in another case
		`{"keys":[` + key + `,"x5u":"http://169.254.169.254"}]}`, // THREATS 13
		`{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`,                // THREATS 13
		`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`, `{"keys":{}}`, `[]`, `{`, ``,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, set string) {
		canonical, err := canonicalKeys(set, []string{"ES256", "RS256", "EdDSA"})
		if err != nil {
			return
		}
		again, err := canonicalKeys(canonical, []string{"ES256", "RS256", "EdDSA"})
		if err != nil || again != canonical {
			t.Errorf("%s becomes %s (%v)", canonical, again, err)
		}
		for _, secret := range []string{`"d":`, `"k":`, `"x5u":`, `"x5c":`, `"jku":`} {
			if strings.Contains(canonical, secret) {
				t.Errorf("%s has %s", canonical, secret)
			}
		}
	})
}
