// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"reflect"
	"slices"
	"strings"

	"behalf.dev/behalf/api/v1alpha1"
)

// every says whether there is at least one entry and all are sound.
func every[T any](list []T, sound func(T) bool) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(entry T) bool { return !sound(entry) })
}

// isServer says whether a resource server contradicts itself nowhere. Its entitlements are judged one by one.
func isServer(s v1alpha1.ResourceServerSpec) bool {
	names := map[v1alpha1.ScopeName]bool{}
	for _, scope := range s.Scopes {
		names[scope.Name] = true
	}
	return isAudience(string(s.Audience)) &&
		every(s.Scopes, func(scope v1alpha1.Scope) bool { return isScope(string(scope.Name)) }) && len(names) == len(s.Scopes) &&
		!slices.ContainsFunc(s.Hosts, func(host string) bool { return !isHost(host) }) &&
		isEnforcement(s.Enforcement) && isActorNamespaces(s.AllowedActors.Namespaces) &&
		(s.OnStale == v1alpha1.OnStaleServe) == (s.MaxStaleSeconds != 0) && s.MaxStaleSeconds >= 0 &&
		areRoutes(s.Routes, names)
}

// isEnforcement says that a dry run has an end, and that nothing else has one.
func isEnforcement(e v1alpha1.Enforcement) bool {
	switch e.Mode {
	case v1alpha1.EnforcementDryRun:
		return e.Until != nil
	case v1alpha1.EnforcementEnforce, "":
		return e.Until == nil
	}
	return false
}

func isActorNamespaces(n v1alpha1.ActorNamespaces) bool {
	switch n.From {
	case v1alpha1.NamespacesSelector:
		return isNamespaceSelector(n.Selector)
	case v1alpha1.NamespacesSame, v1alpha1.NamespacesAll, "":
		return isEmptySelector(n.Selector)
	}
	return false
}

func isNamespaceSelector(s v1alpha1.NamespaceSelector) bool {
	return !isEmptySelector(s) && !slices.ContainsFunc(s.MatchExpressions, func(r v1alpha1.LabelRequirement) bool {
		switch r.Operator {
		case v1alpha1.LabelIn, v1alpha1.LabelNotIn:
			return len(r.Values) == 0
		case v1alpha1.LabelExists, v1alpha1.LabelDoesNotExist:
			return len(r.Values) > 0
		}
		return true
	})
}

// areRoutes says that every route leads to a scope of the server, and that for no request two of them tie.
func areRoutes(routes []v1alpha1.Route, scopes map[v1alpha1.ScopeName]bool) bool {
	for i, route := range routes {
		if !scopes[route.Scope] || len(route.Match.Methods) == 0 || !strings.HasPrefix(route.Match.Path, "/") {
			return false
		}
		for _, other := range routes[:i] {
			if !reflect.DeepEqual(route, other) && tie(route.Match.Path, other.Match.Path) && slices.ContainsFunc(route.Match.Methods, func(m string) bool {
				return slices.Contains(other.Match.Methods, m)
			}) {
				return false
			}
		}
	}
	return true
}

func isPermit(p v1alpha1.DelegationPolicySpec) bool {
	return p.Effect == v1alpha1.EffectPermit && p.Enforcement.Mode != v1alpha1.EnforcementDryRun && p.Enforcement.Until == nil &&
		every(p.Actors, isActorSelector) && every(p.Subjects, isSubjectSelector) &&
		every(p.Audiences, func(a v1alpha1.AudienceScopePatterns) bool {
			return every(a.Scopes, func(pattern v1alpha1.ScopePattern) bool { return isPattern(string(pattern)) })
		}) &&
		allCompile(p.Conditions) && areLimits(p.Limits) && (p.RequireGrant == nil || isRequireGrant(*p.RequireGrant))
}

func areLimits(l v1alpha1.Limits) bool {
	return l.MaxChainDepth >= 0 && l.MaxChainDepth <= 8 && l.MaxSubjectAgeSeconds >= 0 && l.MaxTokenLifetimeSeconds >= 0
}

func isRequireGrant(r v1alpha1.RequireGrant) bool {
	return r.MaxLifetimeSeconds > 0 && (len(r.Approvers.Groups) > 0 || len(r.Approvers.Usernames) > 0)
}

func isActorSelector(s v1alpha1.ActorSelector) bool {
	return (s.Namespace != "") == isEmptySelector(s.NamespaceSelector) && (s.ServiceAccount != "") != isTrue(s.All) && (s.Namespace != "" || isNamespaceSelector(s.NamespaceSelector))
}

func isSubjectSelector(s v1alpha1.SubjectSelector) bool {
	named := len(s.Users) > 0 || len(s.Usernames) > 0 || len(s.Groups) > 0
	return s.Issuer != "" && named != isTrue(s.All)
}

func isDelegation(namespace string, d v1alpha1.ServiceDelegationSpec) bool {
	sound := func(list []v1alpha1.AudienceScopes) bool {
		return every(list, func(a v1alpha1.AudienceScopes) bool {
			return isAudience(string(a.Audience)) && every(a.Scopes, func(scope v1alpha1.ScopeName) bool { return isScope(string(scope)) })
		})
	}
	return d.ServiceAccountName != "" && len(d.Audiences)+len(d.Onward) > 0 &&
		(len(d.Audiences) == 0 || sound(d.Audiences)) &&
		!slices.ContainsFunc(d.Onward, func(o v1alpha1.Onward) bool {
			itself := string(o.To.Namespace) == namespace && o.To.ServiceAccount == d.ServiceAccountName
			return itself || o.To.Namespace == "" || o.To.ServiceAccount == "" || !sound(o.Audiences)
		})
}

func isGrant(g v1alpha1.DelegationGrantSpec) bool {
	return g.State == v1alpha1.GrantApproved && g.Approver != nil && g.Approver.Username != "" && !g.NotAfter.IsZero() &&
		every(g.Scopes, func(scope v1alpha1.ScopeName) bool { return isScope(string(scope)) }) &&
		(g.Resource == nil || g.Resource.Type != "" && g.Resource.ID != "") &&
		(g.ArgumentsDigest == "" || isDigest(g.ArgumentsDigest))
}

func isDigest(s string) bool {
	hex, found := strings.CutPrefix(s, "sha256:")
	return found && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}

func isIssuer(i v1alpha1.TrustedIssuerSpec) bool {
	scopes := i.Scopes.Type == v1alpha1.IssuerScopesUnbounded && i.Scopes.Claim == "" ||
		i.Scopes.Type == v1alpha1.IssuerScopesClaim && i.Scopes.Claim != ""
	return strings.HasPrefix(i.URL, "https://") && len(i.Audiences) > 0 && len(i.Algorithms) > 0 && scopes && knowsKeys(i.Keys)
}

func knowsKeys(k v1alpha1.IssuerKeys) bool {
	return k.Type == v1alpha1.KeysInline || k.Type == v1alpha1.KeysDiscovery || k.Type == v1alpha1.KeysURL && k.URL != ""
}

func allCompile(conditions []v1alpha1.Condition) bool {
	return !slices.ContainsFunc(conditions, func(c v1alpha1.Condition) bool { return !compiles(c) })
}

func compiles(c v1alpha1.Condition) bool { return meaningOf(c.Expression).Judge != nil }
