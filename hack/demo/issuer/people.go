// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// claims of one person, beside the standard ones.
type claims map[string]any

// people are whom the demo's issuer knows, by user name.
var people = map[string]claims{
	"alice":   {"email": "alice@example.com", "groups": []string{"customers"}, "department": "north"},
	"bob":     {"email": "bob@example.com", "groups": []string{"customers"}, "department": "south"},
	"sam":     {"email": "sam@example.com", "groups": []string{"support-agents"}},
	"erin":    {"email": "erin@example.com", "groups": []string{"sales"}},
	"dr-grey": {"email": "grey@example.com", "groups": []string{"clinicians"}, "patients": []string{"p-17", "p-23"}},
	"dana":    {"email": "dana@example.com", "groups": []string{"operators"}, "clearance": 2},
	"fred":    {"email": "fred@example.com", "groups": []string{"finance"}},
}
