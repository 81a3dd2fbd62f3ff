// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
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
	text, marked := scopeText(element)
	switch {
	case !text:
		return "", "", false
	case !marked:
		return "", element, element != ""
	}
	audience, scope, _ = strings.Cut(element, "#")
	return audience, scope, audience != "" && scope != "" && strings.IndexByte(scope, '#') < 0
}

// isScope says whether a text is a scope's name, without an audience.
func isScope(name string) bool {
	text, marked := scopeText(name)
	return name != "" && text && !marked
}

// scopeText says whether a text is made of the characters of a scope, and '#', and whether it is marked with one of these. It
// looks at eight of them at a time.
func scopeText(text string) (is, marked bool) {
	if len(text) < 8 {
		return shortScopeText(text)
	}
	var wrong, marks uint64
	for rest := text; ; rest = rest[8:] {
		if len(rest) < 8 {
			rest = text[len(text)-8:] // looks at some of them again
		}
		of := eight(rest)
		wrong |= outsiders(of)
		marks |= having('#', of)
		if len(rest) == 8 {
			return wrong == 0, marks != 0
		}
	}
}

func shortScopeText(text string) (is, marked bool) {
	for i := range len(text) {
		c := text[i]
		if c <= ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false, marked
		}
		marked = marked || c == '#'
	}
	return true, marked
}

const (
	eachByte = 0x0101010101010101
	highBits = 0x80 * eachByte
)

// outsiders is 0 where all bytes are characters of a scope: none below '!' or above '~', no '"' and no '\\'.
func outsiders(of uint64) uint64 {
	below := (of - '!'*eachByte) &^ of
	above := of + eachByte // 0x7f becomes 0x80, and what was above stays above or overflows from a byte that is marked
	return (below|of|above)&highBits | having('"', of) | having('\\', of)
}

// having is 0 where no byte is the one that is looked for.
func having(wanted byte, of uint64) uint64 {
	zero := of ^ uint64(wanted)*eachByte
	return (zero - eachByte) &^ zero & highBits
}
