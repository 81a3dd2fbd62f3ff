// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/binary"
	"strings"

	"behalf.dev/behalf/internal/authz"
)

// tokenBounds: audience and scope lie within the presented token. A request without a token, and a token that its
// TrustedIssuer calls unbounded, have no such bounds.
func tokenBounds(j *judgement) obstacles {
	t := j.req.Token
	if t == nil || t.Unbounded {
		return nil
	}
	audience, name := j.audience(), j.scopeName()
	carried := false
	for _, element := range t.Scopes {
		if element == name { // which was looked at when the bundle was loaded
			carried = true
			continue
		}
		of, scope, ok := readScope(element)
		if !ok {
			return deny(authz.ReasonTokenScopeMalformed, "the token carries something among its scopes that is no scope")
		}
		carried = carried || (scope == name && of == audience)
	}
	if !carried {
		return deny(authz.ReasonScopeNotInToken, "the token does not carry %s of %s", name, audience)
	}
	return nil
}

// readScope reads a scope as a token carries it: a name, or audience#name. Whatever is not wholly made of the characters
// of RFC 6749 section 3.3 is no scope; nothing is trimmed, split or repaired (THREATS 23).
func readScope(element string) (audience, scope string, ok bool) {
	if !scopeText(element) {
		return "", "", false
	}
	audience, scope, qualified := strings.Cut(element, "#")
	if !qualified {
		return "", element, element != ""
	}
	return audience, scope, audience != "" && scope != "" && strings.IndexByte(scope, '#') < 0
}

// isScope says whether a text is a scope's name, without an audience.
func isScope(name string) bool {
	return name != "" && scopeText(name) && strings.IndexByte(name, '#') < 0
}

// scopeText says whether a text is made of the characters of a scope, and '#'. It looks at eight of them at a time.
func scopeText(text string) bool {
	for len(text) >= 8 {
		if outsiders(binary.LittleEndian.Uint64([]byte(text[:8]))) != 0 {
			return false
		}
		text = text[8:]
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}

// outsiders has the high bit of every byte set, up to the first, that is no character of a scope: below '!', above '~', '"' or
// '\\'. A byte after one of these may be marked though it is none, which changes nothing.
func outsiders(eight uint64) uint64 {
	const (
		each = 0x0101010101010101
		high = 0x80 * each
	)
	below := (eight - '!'*each) & ^eight
	above := eight + each // 0x7f becomes 0x80, and what was above stays above or overflows from a byte that is marked
	quote := eight ^ '"'*each
	slash := eight ^ '\\'*each
	return (below | eight | above | (quote-each)&^quote | (slash-each)&^slash) & high
}
