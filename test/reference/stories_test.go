// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"slices"
	"strings"

	"behalf.dev/behalf/internal/authz"
)

// story is one thing that somebody means to do through services: what a world mostly allows, and requests mostly ask.
type story struct {
	audience string
	scope    string
	subject  authz.Subject
	chain    []authz.Actor
	resource authz.Resource
	// alone says that the person comes without a service.
	alone bool
}

// long is a name at the limit of what Kubernetes takes.
var long = strings.Repeat("n", 253)

var (
	audiences  = []string{"https://a.example", "https://b.example"}
	hosts      = []string{"a.example", "b.example", "api.example"}
	scopeNames = []string{"t:read", "t:write", "t:admin:purge", "tx:read", "t"}
	issuers    = []string{"corp", "partner"}
	groups     = []string{"staff", "customers", "admins"}
	sessions   = []string{"s-1", "s-2"}
	namespaces = []string{"shop", "billing", "ops", "unlabelled"}
	services   = []string{"web", "mailer", "invoices"}
	resources  = []authz.Resource{{Type: "ticket", ID: "1"}, {Type: "ticket", ID: "3"}, {Type: "invoice", ID: "2"}}
)

func (c *chance) story() story {
	s := story{
		audience: oneOf(c, audiences...), scope: oneOf(c, scopeNames[:3]...), subject: c.person(),
		resource: oneOf(c, resources...), alone: c.percent(5),
	}
	for range oneOf(c, 1, 1, 1, 2, 2, 3) {
		next := c.service()
		for slices.Contains(s.chain, next) && c.percent(95) {
			next = c.service()
		}
		s.chain = append(s.chain, next)
	}
	if c.percent(3) {
		s.scope = oneOf(c, scopeNames...)
	}
	return s
}

func (c *chance) person() authz.Subject {
	id := oneOf(c, "alice", "bob", "carol")
	if c.percent(2) {
		id = long
	}
	p := authz.Subject{Issuer: issuers[0], ID: id, Username: id + "@example.com", Groups: some(c, groups...), Session: oneOf(c, sessions...)}
	if c.percent(15) {
		p.Issuer = issuers[1]
	}
	if c.percent(10) {
		p.Groups = nil
	}
	if c.percent(5) {
		p.Groups = append(p.Groups, p.Groups...)
	}
	return p
}

func (c *chance) service() authz.Actor {
	a := authz.Actor{Namespace: oneOf(c, namespaces[:2]...), ServiceAccount: oneOf(c, services...)}
	if c.percent(10) {
		a.Namespace = oneOf(c, namespaces...)
	}
	if c.percent(2) {
		a.ServiceAccount = long
	}
	return a
}

// actor is the one that comes to the API.
func (s story) actor() authz.Actor { return s.chain[len(s.chain)-1] }

// via are those before it.
func (s story) via() []authz.Actor { return s.chain[:len(s.chain)-1] }
