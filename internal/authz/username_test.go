// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import "testing"

// THREATS 42
func TestCouldBe(t *testing.T) {
	for sentence, c := range map[string]struct {
		username, name string
		want           bool
	}{
		"the same":                              {"alice", "alice", true},
		"in another case":                       {"Alice@Example.com", "alice@example.com", true},
		"in a case of another length":           {"oidc:\u212aATE", "kate", true},
		"behind a prefix":                       {"oidc:alice", "alice", true},
		"behind an issuer":                      {"https://idp.example#alice", "alice", true},
		"behind a path":                         {"corp/people/alice", "alice", true},
		"a name that has separators of its own": {"oidc:auth0|corp:alice", "auth0|corp:alice", true},
		"somebody else":                         {"carol", "alice", false},
		"a name that ends in the other":         {"malice", "alice", false},
		"a name that begins as the other":       {"alice@example.com.au", "alice@example.com", false},
		"a host that is called as the other":    {"carol@alice", "alice", false},
		"the prefix alone":                      {"alice:", "alice", false},
		"nobody has an empty name":              {"carol:", "", false},
		"nobody at all":                         {"", "", false},
	} {
		if got := CouldBe(c.username, c.name); got != c.want {
			t.Errorf("%s: %q could be %q is %v", sentence, c.username, c.name, got)
		}
	}
}

func TestActorOf(t *testing.T) {
	portal := Actor{Namespace: "support", ServiceAccount: "portal"}
	for sentence, c := range map[string]struct {
		username string
		want     Actor
		ok       bool
	}{
		"a service account":                 {"system:serviceaccount:support:portal", portal, true},
		"a person":                          {"alice@example.com", Actor{}, false},
		"somebody who is called like one":   {"oidc:system:serviceaccount:support:portal", Actor{}, false},
		"the group of all of a namespace":   {"system:serviceaccounts:support", Actor{}, false},
		"without a name":                    {"system:serviceaccount:support:", Actor{}, false},
		"without a namespace":               {"system:serviceaccount:portal", Actor{}, false},
		"with more than namespace and name": {"system:serviceaccount:support:portal:x", Actor{}, false},
	} {
		if got, ok := ActorOf(c.username); got != c.want || ok != c.ok {
			t.Errorf("%s: got %v, %v", sentence, got, ok)
		}
	}
}
