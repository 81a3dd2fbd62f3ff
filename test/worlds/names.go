// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"fmt"

	"behalf.dev/behalf/internal/authz"
)

// Issuer is the name of the one TrustedIssuer.
const Issuer = "corp"

// groups is how many groups there are.
const groups = 50

// perNamespace is how many service accounts one namespace has.
const perNamespace = 10

// nouns and verbs make up the scopes of a resource server, as in orders:read. Each crew of delegations is about one noun.
var (
	nouns = []string{"items", "orders", "reports"}
	verbs = []string{"delete", "list", "read", "write"}
)

// Audience of a resource server.
func Audience(server int) string { return "https://" + Host(server) }

// Host of a resource server.
func Host(server int) string { return fmt.Sprintf("api-%04d.example", server) }

// Actor is the service that a delegation is about.
func (w World) Actor(delegation int) authz.Actor { return actor(delegation % w.actors) }

func actor(i int) authz.Actor {
	return authz.Actor{Namespace: teamOf(i), ServiceAccount: fmt.Sprintf("service-%05d", i)}
}

func teamOf(actor int) string { return fmt.Sprintf("team-%04d", actor/perNamespace) }

// Scopes that a delegation declares, for the service's own use and for the next.
func (w World) Scopes(delegation int) []string {
	_, crew, seat := w.place(delegation)
	var scopes []string
	for i, verb := range verbs {
		if i != seat%len(verbs) || verb == "read" {
			scopes = append(scopes, nounOf(crew)+":"+verb)
		}
	}
	return scopes
}

func nounOf(crew int) string { return nouns[crew%len(nouns)] }

// Group is one that the Permit of a delegation, and the entitlements of its scopes, both name.
func (w World) Group(delegation int) string {
	server, crew, _ := w.place(delegation)
	return groupOf(server, crew)
}

func groupOf(server, crew int) string { return group(server*7 + crew*3) }

func group(i int) string { return fmt.Sprintf("group-%02d", i%groups) }

// Purpose is what context.purpose must be for the Permit of a delegation, whether it asks or not.
func (w World) Purpose(delegation int) string {
	server, crew, _ := w.place(delegation)
	return w.purposeOf(server, crew)
}

func (w World) purposeOf(server, crew int) string {
	return fmt.Sprintf("purpose-%04d-%d", server, crew%w.options.DistinctConditions)
}
