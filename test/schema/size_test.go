// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

const mebibyte = 1 << 20

// '<' takes six bytes where it is stored (\u003c), more than any other character that a field takes: so this is the longest
// that n characters can be. The first ones are i in those letters that take as many, for the entries of a set.
func longest(i, n int) string {
	text := []byte(strings.Repeat("<", n))
	for at := n - 1; i > 0 && at >= 0; at-- {
		text[at] = "<>&"[i%3]
		i /= 3
	}
	return string(text)
}

// entries is a list in the form that an unstructured object has.
func entries[T any](n int, entry func(i int) T) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = entry(i)
	}
	return list
}

type fieldsOf = map[string]any

// scopesOf spreads a number of characters over audiences and their scopes, all of each.
func scopesOf(audiences, scopes, characters int) []any {
	each := characters/audiences - scopes*7
	return entries(audiences, func(i int) fieldsOf {
		return fieldsOf{"audience": longest(i, each), "scopes": entries(scopes, func(j int) string { return longest(j, 7) })}
	})
}

// largestSelector has 2048 characters: 8 labels of 63 and 63, and 8 requirements of 130.
func largestSelector() fieldsOf {
	labels := fieldsOf{}
	for i := range 8 {
		labels[text(i, 63)] = text(i, 63)
	}
	return fieldsOf{"matchLabels": labels, "matchExpressions": entries(8, func(i int) fieldsOf {
		return fieldsOf{"key": strings.Repeat("d", 66) + "/" + text(i, 63), "operator": "DoesNotExist"}
	})}
}

func largestConditions(n int) []any {
	return entries(n, func(i int) fieldsOf {
		return fieldsOf{
			"type": strings.Repeat("d", 252) + "/" + text(i, 63), "status": "Unknown", "reason": text(i, 1024), "message": strings.Repeat("<", 4096),
			"lastTransitionTime": "2026-06-01T10:00:00Z", "observedGeneration": int64(1 << 60),
		}
	})
}

func account(i int) fieldsOf {
	return fieldsOf{"namespace": text(i, 63), "serviceAccount": text(i, 253)}
}

// largestNames names 192 people and groups with n characters each.
func largestNames(n int) fieldsOf {
	subjects := fieldsOf{"issuer": "a"}
	for _, list := range []string{"users", "usernames", "groups"} {
		subjects[list] = entries(64, func(i int) string { return longest(i, n) })
	}
	return subjects
}

// largestEntitlement is one of 1024, which have 32768 characters together: 1024 of issuers, 41 times 192 names of 4, and
// an expression of the 256 that are left. Short names take the most bytes a character.
func largestEntitlement(i int) fieldsOf {
	switch {
	case i < 41:
		return fieldsOf{"subjects": largestNames(4)}
	case i == 41:
		return fieldsOf{"subjects": fieldsOf{"issuer": "a", "all": true}, "conditions": []any{fieldsOf{"expression": longest(0, 256)}}}
	default:
		return fieldsOf{"subjects": fieldsOf{"issuer": "a", "all": true}}
	}
}

// largestServer is a route with 128 tools and 697 characters: 274 of the tools' names, 384 of what else they have, and 39.
func largestServer() fieldsOf {
	return fieldsOf{
		"match":    fieldsOf{"path": "/", "methods": []any{"POST"}},
		"scope":    "<",
		"callers":  []any{"Delegated", "User"},
		"resource": fieldsOf{"type": "a", "id": longest(0, 32)},
		"mcp": fieldsOf{"tools": entries(128, func(i int) fieldsOf {
			return fieldsOf{"name": fmt.Sprint(i), "scope": "<", "resource": fieldsOf{"type": "a", "id": "<"}}
		})},
	}
}

// largest is a spec and a status of every kind with as much in them as the schema takes: every list as long as it may be,
// every string too, or, where a number of strings have a bound together, all of that.
var largest = map[string]func() (spec, status fieldsOf){
	"ResourceServer": func() (fieldsOf, fieldsOf) {
		spec := fieldsOf{
			"audience":        longest(0, 512),
			"hosts":           entries(32, func(i int) string { return text(i, 253) }),
			"allowedActors":   fieldsOf{"namespaces": fieldsOf{"from": "Selector", "selector": largestSelector()}},
			"enforcement":     fieldsOf{"mode": "DryRun", "until": "2026-07-01T00:00:00." + strings.Repeat("0", 43) + "Z"},
			"onStale":         "ServeStale",
			"maxStaleSeconds": int64(604800),
			"authorizers":     entries(16, account),
			"scopes": entries(64, func(i int) fieldsOf {
				name := longest(i, 128)
				if i == 63 {
					name = "<"
				}
				return fieldsOf{"name": name, "description": longest(0, 256), "entitlements": entries(16, func(j int) fieldsOf {
					return largestEntitlement(16*i + j)
				})}
			}),
			// 2 routes of 697 characters, with as many tools as there may be, and 126 of 249.
			"routes": entries(128, func(i int) fieldsOf {
				if i < 2 {
					return largestServer()
				}
				return fieldsOf{
					"match":    fieldsOf{"path": "/", "methods": entries(16, func(i int) string { return string(rune('A' + i)) })},
					"scope":    longest(0, 128),
					"callers":  []any{"Delegated", "User"},
					"resource": fieldsOf{"type": "a", "id": longest(0, 87), "properties": entries(8, func(i int) fieldsOf { return fieldsOf{"name": string(rune('a' + i)), "value": "<"} })},
				}
			}),
		}
		return spec, fieldsOf{
			"conditions": largestConditions(8),
			"bundle":     fieldsOf{"revision": int64(1 << 60), "digest": longest(0, 71)},
		}
	},
	"DelegationPolicy": func() (fieldsOf, fieldsOf) {
		return fieldsOf{
			"effect": "Permit",
			"actors": entries(32, func(int) fieldsOf {
				return fieldsOf{"namespaceSelector": largestSelector(), "serviceAccount": text(0, 253)}
			}),
			"subjects": entries(16, func(int) fieldsOf { // 1024 characters each: 1 of the issuer, 191 names of 5, and 68
				subjects := largestNames(5)
				subjects["groups"].([]any)[63] = longest(0, 68)
				return subjects
			}),
			"audiences":  scopesOf(32, 64, 16384),
			"conditions": entries(8, func(int) fieldsOf { return fieldsOf{"expression": longest(0, 2048), "message": longest(0, 256)} }),
			"disclose":   entries(32, func(i int) string { return longest(i, 128) }),
			"limits":     fieldsOf{"maxTokenLifetimeSeconds": int64(86400), "maxSubjectAgeSeconds": int64(31536000), "maxChainDepth": int64(8)},
			"requireGrant": fieldsOf{
				"bind": []any{"Resource", "Session", "Arguments"}, "maxLifetimeSeconds": int64(2592000),
				"approvers": fieldsOf{
					"groups":    entries(16, func(i int) string { return longest(i, 256) }),
					"usernames": entries(16, func(i int) string { return longest(i, 256) }),
				},
			},
		}, fieldsOf{"conditions": largestConditions(8)}
	},
	"ServiceDelegation": func() (fieldsOf, fieldsOf) {
		spec := fieldsOf{
			"serviceAccountName": text(0, 253),
			"purpose":            longest(0, 1024),
			"audiences":          scopesOf(32, 64, 16384-16*16*2),
			"onward": entries(16, func(i int) fieldsOf {
				return fieldsOf{"to": account(i), "audiences": entries(16, func(i int) fieldsOf {
					return fieldsOf{"audience": string(rune('a' + i)), "scopes": []any{"<"}}
				})}
			}),
			"reviewBy": "2027-01-31T00:00:00Z",
		}
		return spec, fieldsOf{
			"conditions": largestConditions(8),
			"effective":  scopesOf(32, 64, 16384),
			"excess": entries(100, func(i int) fieldsOf {
				return fieldsOf{"audience": longest(i, 256), "scope": longest(i, 128), "to": account(i), "reason": text(i, 64), "message": longest(0, 25)}
			}),
		}
	},
	"TrustedIssuer": func() (fieldsOf, fieldsOf) {
		return fieldsOf{
			"url":        "https://" + text(0, 504),
			"audiences":  entries(16, func(i int) string { return longest(i, 512) }),
			"algorithms": []any{"ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"},
			"keys": fieldsOf{
				"type": "URL", "url": "https://" + text(0, 504),
				"caBundle": "-----BEGIN CERTIFICATE-----" + longest(0, 32768-52) + "-----END CERTIFICATE-----",
			},
			"claims":  fieldsOf{"username": longest(0, 128), "groups": longest(0, 128), "session": longest(0, 128)},
			"scopes":  fieldsOf{"type": "Claim", "claim": longest(0, 128)},
			"forward": entries(32, func(i int) string { return longest(i, 128) }),
		}, fieldsOf{"conditions": largestConditions(8)}
	},
	"DelegationGrant": func() (fieldsOf, fieldsOf) {
		return fieldsOf{
			"subject":         fieldsOf{"issuer": text(0, 253), "id": longest(0, 255)},
			"actor":           account(0),
			"audience":        longest(0, 512),
			"scopes":          entries(16, func(i int) string { return longest(i, 128) }),
			"resource":        fieldsOf{"type": text(0, 63), "id": longest(0, 1024)},
			"argumentsDigest": "sha256:" + strings.Repeat("a", 64),
			"session":         longest(0, 256),
			"notAfter":        "2026-07-01T00:00:00." + strings.Repeat("0", 43) + "Z",
			"state":           "Approved",
			"requester":       fieldsOf{"username": longest(1, 256)},
			"approver":        fieldsOf{"username": longest(0, 256), "groups": entries(64, func(i int) string { return longest(i, 256) })},
		}, fieldsOf{"conditions": largestConditions(8)}
	},
	"DelegationRevocation": func() (fieldsOf, fieldsOf) {
		return fieldsOf{
			"issuedBefore": "2026-07-01T00:00:00." + strings.Repeat("0", 43) + "Z",
			"edge":         fieldsOf{"subject": fieldsOf{"issuer": text(0, 253), "id": longest(0, 255)}, "to": account(0)},
		}, fieldsOf{"conditions": largestConditions(8)}
	},
}

var plural = map[string]string{
	"ResourceServer": "resourceservers", "DelegationPolicy": "delegationpolicies", "ServiceDelegation": "servicedelegations",
	"TrustedIssuer": "trustedissuers", "DelegationGrant": "delegationgrants", "DelegationRevocation": "delegationrevocations",
}

func TestTheLargestObjectsFitIntoAMebibyte(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			spec, status := largest[kind]()
			u := object(t, kind, "")
			u.SetGenerateName("")
			u.SetName("largest-" + strings.ToLower(kind))
			u.Object["spec"] = spec
			// Server-side apply keeps the most about who owns which field.
			if err := writerOf(kind).Apply(t.Context(), client.ApplyConfigurationFromUnstructured(u.DeepCopy()), client.FieldOwner("owner")); err != nil {
				t.Fatalf("the spec is not within the schema's bounds: %v", err)
			}
			answer := u.DeepCopy()
			delete(answer.Object, "spec")
			answer.Object["status"] = status
			if err := writerOf(kind).Status().Apply(t.Context(), client.ApplyConfigurationFromUnstructured(answer), client.FieldOwner("manager")); err != nil {
				t.Fatalf("the status is not within the schema's bounds: %v", err)
			}
			path := "/apis/behalf.dev/v1alpha1/" + plural[kind] + "/" + u.GetName()
			if u.GetNamespace() != "" {
				path = "/apis/behalf.dev/v1alpha1/namespaces/" + u.GetNamespace() + "/" + plural[kind] + "/" + u.GetName()
			}
			stored := len(rawGet(t, path, "application/json"))
			t.Logf("%s: %d bytes, %d%% of 1 MiB", kind, stored, 100*stored/mebibyte)
			if stored >= mebibyte {
				t.Errorf("the largest %s takes %d bytes, which is no longer below 1 MiB", kind, stored)
			}
		})
	}
}

// What has no bound of its own, or one that is shared, is refused with one more; the bounds of single fields are the API
// server's own work, and TestEveryListMapAndStringIsBounded holds that they are there.
func TestWhatIsLargerThanTheLargestIsRefused(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	at := func(o fieldsOf, path ...any) any {
		var value any = o
		for _, step := range path {
			switch step := step.(type) {
			case string:
				value = value.(fieldsOf)[step]
			case int:
				value = value.([]any)[step]
			}
		}
		return value
	}
	more := func(o fieldsOf, field string) { o[field] = o[field].(string) + "<" }
	for sentence, c := range map[string]struct {
		kind    string
		enlarge func(spec fieldsOf)
		says    string
	}{
		"a character more in an entitlement": {"ResourceServer", func(spec fieldsOf) {
			more(at(spec, "scopes", 2, "entitlements", 9, "conditions", 0).(fieldsOf), "expression")
		}, "have at most 32768 characters together"},
		"a character more in a route": {"ResourceServer", func(spec fieldsOf) {
			more(at(spec, "routes", 127, "resource").(fieldsOf), "id")
		}, "have at most 32768 characters together"},
		"a character more in a tool": {"ResourceServer", func(spec fieldsOf) {
			more(at(spec, "routes", 0, "mcp", "tools", 127, "resource").(fieldsOf), "id")
		}, "have at most 32768 characters together"},
		"a tool more": {"ResourceServer", func(spec fieldsOf) {
			server := at(spec, "routes", 0, "mcp").(fieldsOf)
			server["tools"] = append(server["tools"].([]any), fieldsOf{"name": "one-more", "scope": "<"})
		}, "must have at most 128 items"},
		"a tool more in all": {"ResourceServer", func(spec fieldsOf) {
			one := largestServer()
			one["mcp"].(fieldsOf)["tools"] = []any{fieldsOf{"name": "one-more", "scope": "<"}}
			spec["routes"].([]any)[127] = one
		}, "have at most 256 tools together"},
		"a route more": {"ResourceServer", func(spec fieldsOf) {
			spec["routes"] = append(spec["routes"].([]any), at(spec, "routes", 0))
		}, "must have at most 128 items"},
		"a scope more": {"ResourceServer", func(spec fieldsOf) {
			spec["scopes"] = append(spec["scopes"].([]any), fieldsOf{"name": "one-more"})
		}, "must have at most 64 items"},
		"a character more in a policy's subjects": {"DelegationPolicy", func(spec fieldsOf) {
			at(spec, "subjects", 15).(fieldsOf)["issuer"] = "aa"
		}, "have at most 16384 characters together"},
		"a character more in a policy's audience": {"DelegationPolicy", func(spec fieldsOf) {
			more(at(spec, "audiences", 31).(fieldsOf), "audience")
		}, "have at most 16384 characters together"},
		"a character more in a declaration": {"ServiceDelegation", func(spec fieldsOf) {
			more(at(spec, "onward", 0, "audiences", 0).(fieldsOf), "audience")
		}, "have at most 16384 characters together"},
		"a label's value that is a book": {"DelegationPolicy", func(spec fieldsOf) {
			at(spec, "actors", 0, "namespaceSelector", "matchLabels").(fieldsOf)[text(0, 63)] = text(0, 1000)
		}, "its value at most 63"},
		"a time with a thousand digits": {"DelegationGrant", func(spec fieldsOf) {
			spec["notAfter"] = "2026-07-01T00:00:00." + strings.Repeat("0", 1000) + "Z"
		}, "may not be more than 64 bytes"},
		"a bundle of certificates that is a book": {"TrustedIssuer", func(spec fieldsOf) {
			more(spec["keys"].(fieldsOf), "caBundle")
		}, "may not be more than 32768 bytes"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			spec, _ := largest[c.kind]()
			c.enlarge(spec)
			u := object(t, c.kind, "")
			u.Object["spec"] = spec
			err := cluster.client.Create(t.Context(), u, client.DryRunAll)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want a refusal that says %q, got: %s", c.says, fmt.Sprintf("%.2000v", err))
			}
		})
	}
}
