// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"strings"

	"behalf.dev/behalf/internal/authz"
)

// The most that a request may bring: bytes of a name, groups or entries of an object, actors of a chain.
const (
	maxName    = 1024
	maxEntries = 256
	maxChain   = 64
)

// isScopeText says whether a text is made of what RFC 6749 section 3.3 allows, without the '#' that Behalf keeps for itself.
func isScopeText(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r < '!' || r > '~' || r == '"' || r == '\\' || r == '#'
	})
}

func isAudience(s string) bool { return isScopeText(s) && len(s) <= 512 }

// isScope says that no segment is '*' alone, which would be a pattern.
func isScope(s string) bool {
	return isScopeText(s) && len(s) <= 128 && !slices.Contains(strings.Split(s, ":"), "*")
}

// isPattern says that '*' stands for whole segments, once and at the end, or nowhere.
func isPattern(s string) bool {
	before, _ := strings.CutSuffix(s, "*")
	sound := before == s || before == "" || strings.HasSuffix(before, ":")
	return isScopeText(s) && len(s) <= 128 && sound && !strings.Contains(before, "*")
}

func isHost(s string) bool {
	return s != "" && len(s) <= 253 && s == strings.ToLower(s) && !strings.ContainsAny(s, ":/* ") && !strings.HasSuffix(s, ".")
}

// oversized says whether a request has longer names, or more groups, actors or entries, than anybody looks at.
func oversized(req *authz.Request) bool {
	names := []string{
		req.Subject.Issuer, req.Subject.ID, req.Subject.Username, req.Subject.Session,
		req.Audience, req.Scope, req.Resource.Type, req.Resource.ID, req.Actor.Namespace, req.Actor.ServiceAccount,
	}
	for _, actor := range req.Via {
		names = append(names, actor.Namespace, actor.ServiceAccount)
	}
	names = append(names, req.Subject.Groups...)
	return slices.ContainsFunc(names, func(name string) bool { return len(name) > maxName }) ||
		len(req.Subject.Groups) > maxEntries || len(req.Via) >= maxChain ||
		max(len(req.Subject.Claims), len(req.Resource.Properties), len(req.Context)) > maxEntries
}
