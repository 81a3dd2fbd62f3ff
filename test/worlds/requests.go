// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"fmt"
	"time"

	"behalf.dev/behalf/internal/authz"
)

const resourceID = "42"

// Person is the id of somebody who may ask what Ask asks.
func (w World) Person(delegation int) string { return fmt.Sprintf("person-%06d", delegation) }

func (w World) resourceType(delegation int) string {
	_, crew, _ := w.place(delegation)
	return nounOf(crew)
}

// Asks says whether Ask gives a request that is allowed: there are delegations whose scopes need a grant and have none.
func (w World) Asks(delegation int) bool {
	_, crew, _ := w.place(delegation)
	return !w.needsGrant(crew) || w.granted(delegation)
}

// Ask is a request that a delegation, and everybody else, allows at Now; see Asks.
func (w World) Ask(delegation int) authz.Request {
	server, crew, _ := w.place(delegation)
	id := w.Person(delegation)
	return authz.Request{
		Subject: authz.Subject{
			Issuer: Issuer, ID: id, Username: id + "@example.com", Groups: []string{"everybody", w.Group(delegation)},
			AuthTime: Now.Add(-time.Hour), Session: "session-" + id,
		},
		Actor:    w.Actor(delegation),
		Audience: Audience(server),
		Scope:    nounOf(crew) + ":read",
		Token: &authz.Token{
			ID: "token-" + id, Transaction: "transaction-" + id, Unbounded: true,
			IssuedAt: Now.Add(-time.Minute), ExpiresAt: Now.Add(4 * time.Minute),
		},
		Resource: authz.Resource{Type: nounOf(crew), ID: resourceID, Properties: map[string]any{"owner": id}},
		Context:  map[string]any{"purpose": w.Purpose(delegation)},
	}
}

// AskThrough is Ask with a number of prior actors, who hand on to each other and at last to the delegation's own. It is not
// ok where fewer do.
func (w World) AskThrough(delegation, prior int) (request authz.Request, ok bool) {
	_, crew, seat := w.place(delegation)
	request = w.Ask(delegation)
	for i := delegation - prior; i < delegation; i++ {
		if prior > seat || !w.handsOn(i) {
			return request, false
		}
		if _, c, _ := w.place(i); nounOf(c) != nounOf(crew) {
			return request, false
		}
		request.Via = append(request.Via, w.Actor(i))
	}
	return request, w.Asks(delegation)
}
