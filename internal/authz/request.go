// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package authz is the vocabulary in which Behalf asks and answers: who acts for whom, on what, and what was decided. It
// imports the standard library only, so that every part can speak it.
package authz

import (
	"fmt"
	"strings"
	"time"
)

// MaxChainDepth is the largest number of actors in a chain, the current one included.
const MaxChainDepth = 8

// Subject is the person acted for.
type Subject struct {
	// Issuer is the name of the TrustedIssuer, not its URL.
	Issuer string
	// ID is the 'sub' claim. Empty means that there is no subject.
	ID string
	// Username and Groups come from the claims that the issuer maps to them.
	Username string
	Groups   []string
	// Claims are the forwarded claims, as JSON values: string, float64, bool, nil, []any, map[string]any.
	Claims map[string]any
	// AuthTime is when the person signed in; zero where unknown.
	AuthTime time.Time
	// Session is the id of the person's session; empty where unknown.
	Session string
}

// Present says whether there is a subject at all.
func (s Subject) Present() bool { return s.ID != "" }

// String names the subject for people: issuer:id.
func (s Subject) String() string { return s.Issuer + ":" + s.ID }

// Actor is one service account that acts in a chain.
type Actor struct {
	Namespace      string
	ServiceAccount string
}

// Present says whether there is an actor at all.
func (a Actor) Present() bool { return a.Namespace != "" && a.ServiceAccount != "" }

// String is the text form: namespace/serviceaccount.
func (a Actor) String() string { return a.Namespace + "/" + a.ServiceAccount }

// ParseActor reads the text form namespace/serviceaccount.
func ParseActor(s string) (Actor, error) {
	ns, sa, ok := strings.Cut(s, "/")
	if !ok || ns == "" || sa == "" || strings.Contains(sa, "/") {
		return Actor{}, fmt.Errorf("reading actor %q: want namespace/serviceaccount", s)
	}
	return Actor{Namespace: ns, ServiceAccount: sa}, nil
}

// Token is what the token that a request presents says about its own bounds. The signature was checked before.
type Token struct {
	// ID is 'jti', Transaction is 'txn'; empty where the token has none.
	ID          string
	Transaction string
	// IssuedAt and ExpiresAt are zero where the token does not say.
	IssuedAt  time.Time
	ExpiresAt time.Time
	// Unbounded says that the issuer's tokens carry no scopes by its TrustedIssuer's own word; Scopes is then unused.
	Unbounded bool
	// Scopes that the token carries: names, or the qualified form audience#scope.
	Scopes []string
}

// Resource is what a request concerns.
type Resource struct {
	Type string
	ID   string
	// Properties are JSON values, as Subject.Claims.
	Properties map[string]any
}

// HTTPRequest is the part of an HTTP request that routes look at.
type HTTPRequest struct {
	Method string
	// Host as the client sent it, with or without port.
	Host string
	// Path as the client sent it, percent-encoding untouched, with or without its query.
	Path string
	// Headers by their names in lower case, with every value that came under each; nil where the front door has none.
	Headers map[string][]string
	// Body as the client sent it; nil where the front door has none. Only routes that map the calls of a protocol read it.
	Body []byte
	// BodyPartial says that Body is not all of it.
	BodyPartial bool
}

// Request is one question. A front door builds it, the engine answers it, and nobody changes it in between.
type Request struct {
	Subject Subject
	// Actor is the service that comes to the API; absent where a person comes alone.
	Actor Actor
	// Via are the prior actors, nearest the subject first.
	Via []Actor
	// ActorIssuedAt is when the actor's own token was issued; zero where the request brought none, and then the time of
	// Token stands for the actor too.
	ActorIssuedAt time.Time
	// Token is nil where identities were established without a token that has bounds of its own.
	Token *Token

	// Either Audience and Scope, or HTTP: then host and routes give audience, scope and resource. Audience beside HTTP
	// names the resource server outright and its host is not asked for.
	Audience string
	Scope    string
	HTTP     *HTTPRequest
	Resource Resource
	// Context holds JSON values, as Subject.Claims.
	Context map[string]any

	// Unauthenticated is set by a front door that could not establish who is asking; the identity leg then denies with
	// this reason and detail.
	Unauthenticated Reason
	Detail          string
}

// QualifiedScope is the text form of a scope: audience#scope.
func QualifiedScope(audience, scope string) string { return audience + "#" + scope }
