// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"

	"behalf.dev/behalf/internal/authz"
)

// tokenBounds: audience and scope lie within the presented token. A request without a token, and a token that its
// TrustedIssuer calls unbounded, have no such bounds.
func tokenBounds(j *judgement) *authz.Denial {
	t := j.req.Token
	if t == nil || t.Unbounded {
		return nil
	}
	carried := false
	for _, element := range t.Scopes {
		audience, scope, ok := readScope(element)
		if !ok {
			return deny(authz.ReasonTokenScopeMalformed, "the token carries something among its scopes that is no scope")
		}
		carried = carried || (scope == j.decision.Scope && (audience == "" || audience == j.decision.Audience))
	}
	if !carried {
		return deny(authz.ReasonScopeNotInToken, "the token does not carry %s of %s", j.decision.Scope, j.decision.Audience)
	}
	return nil
}

// readScope reads a scope as a token carries it: a name, or audience#name. Whatever is not wholly made of the characters
// of RFC 6749 section 3.3 is no scope; nothing is trimmed, split or repaired (THREATS 23).
func readScope(element string) (audience, scope string, ok bool) {
	for i := range len(element) {
		if c := element[i]; c <= ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return "", "", false
		}
	}
	audience, scope, qualified := strings.Cut(element, "#")
	if !qualified {
		return "", element, element != ""
	}
	return audience, scope, audience != "" && scope != "" && !strings.Contains(scope, "#")
}
