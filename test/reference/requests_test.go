// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"strings"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// trial is one request at one time.
type trial struct {
	Now     time.Time
	Request authz.Request
}

// trial asks for what a story means to do, most often with something changed.
func (s *scene) trial() trial {
	told := oneOf(s.chance, s.stories...)
	t := trial{Now: s.instant(), Request: s.request(told)}
	for s.percent(30) {
		if s.percent(75) {
			s.vary(&t, told)
		} else {
			s.deform(&t, told)
		}
	}
	return t
}

// instant is most often noon, and now and then a time at which something of the world begins or ends.
func (s *scene) instant() time.Time {
	if s.percent(88) {
		return noon
	}
	if s.percent(1) {
		return time.Time{}
	}
	instants := []time.Time{noon, noon.Add(5 * time.Minute), s.world.PolicyLease, s.world.TrustLease, s.world.RevocationsLease}
	for _, server := range s.world.ResourceServers {
		instants = append(instants, s.world.PolicyLease.Add(time.Duration(server.Spec.MaxStaleSeconds)*time.Second))
	}
	for _, g := range s.world.Grants {
		instants = append(instants, g.Spec.NotAfter.Time, g.CreationTimestamp.Time)
	}
	at := s.around(oneOf(s.chance, instants...))
	if s.percent(10) {
		at = at.Add(500 * time.Millisecond)
	}
	return at
}

// request is the story as its teller would ask.
func (s *scene) request(told story) authz.Request {
	r := authz.Request{
		Subject: told.subject, Actor: told.actor(), Via: told.via(), Audience: told.audience, Scope: told.scope, Resource: told.resource,
		Context: map[string]any{"purpose": "support"},
	}
	r.Subject.AuthTime = s.before(noon, 3)
	r.Subject.Claims = map[string]any{"department": "north", "level": 4.0, "patients": []any{"1", "2"}}
	r.Resource.Properties = map[string]any{"owner": told.subject.ID}
	if s.percent(70) {
		r.Token = s.token(told)
	}
	if s.percent(50) {
		r.ActorIssuedAt = s.before(noon, 20)
	}
	if s.percent(60) {
		r.Context["arguments"] = arguments[0]
	}
	if told.alone || s.percent(15) {
		s.overHTTP(&r)
	}
	if told.alone {
		r.Actor, r.Via = authz.Actor{}, nil
	}
	return r
}

func (s *scene) token(told story) *authz.Token {
	t := &authz.Token{
		ID: oneOf(s.chance, "", "jti-1", "jti-3"), Transaction: oneOf(s.chance, "", "txn-1", "txn-3"),
		IssuedAt: s.before(noon, 20), Unbounded: s.percent(30),
	}
	t.ExpiresAt = noon.Add(oneOf(s.chance, time.Minute, 30*time.Minute, time.Hour))
	if s.percent(8) {
		t.ExpiresAt = t.IssuedAt.Add(oneOf(s.chance, time.Minute, time.Hour))
	}
	if !t.Unbounded {
		t.Scopes = []string{oneOf(s.chance, told.scope, authz.QualifiedScope(told.audience, told.scope)), "openid"}
	}
	return t
}

// overHTTP asks through the routes, most often by one that there is.
func (s *scene) overHTTP(r *authz.Request) {
	path := oneOf(s.chance, "/t/1", "/t/2", "/t/3", "/t/1/close", "/t/all", "/files/a/b", "/")
	r.HTTP = &authz.HTTPRequest{Method: oneOf(s.chance, "GET", "GET", "POST", "PUT"), Path: path}
	r.HTTP.Host = strings.TrimPrefix(r.Audience, "https://")
	if route := s.routeOf(r.Audience); s.percent(80) && route != nil {
		r.HTTP.Method = route.Match.Methods[0]
		r.HTTP.Path = strings.NewReplacer("{id}", oneOf(s.chance, "1", "2"), "{verb}", "close", "{kind}", "t", "{path...}", "a/b", "{a}", "x", "{b}", "x").Replace(route.Match.Path)
	}
	if s.percent(50) {
		r.HTTP.Path += oneOf(s.chance, "?", "?owner=alice", "?owner=bob&x=1", "?x=1", "?owner=alice&owner=bob", "?x=1&x=2")
	}
	if s.percent(50) {
		r.Audience = ""
	}
	r.Scope, r.Resource = "", authz.Resource{}
}

func (s *scene) routeOf(audience string) *v1alpha1.Route {
	for _, server := range s.world.ResourceServers {
		if string(server.Spec.Audience) == audience && len(server.Spec.Routes) > 0 {
			return &server.Spec.Routes[s.IntN(len(server.Spec.Routes))]
		}
	}
	return nil
}

// vary changes one thing into another that is as well-formed.
func (s *scene) vary(t *trial, told story) {
	r, other := &t.Request, s.story()
	oneOf(s.chance,
		func() { r.Subject = other.subject },
		func() { r.Subject.Groups = other.subject.Groups },
		func() { r.Subject.Session = oneOf(s.chance, "", "s-1", "s-2") },
		func() { r.Subject.Username = oneOf(s.chance, "", "carol@example.com", "mallory@evil.example") },
		func() {
			r.Subject.AuthTime = oneOf(s.chance, time.Time{}, s.around(t.Now.Add(-time.Minute)), s.around(t.Now.Add(-time.Hour)), s.around(t.Now))
		},
		func() { r.Actor = other.actor() },
		func() { r.Actor, r.Via = authz.Actor{}, nil },
		func() { r.Via = other.via() },
		func() { r.Via = append([]authz.Actor{s.service()}, r.Via...) },
		func() { r.Scope = oneOf(s.chance, scopeNames...) },
		func() {
			r.Audience = oneOf(s.chance, "https://a.example", "https://b.example", "https://c.example", "https://nowhere.example")
		},
		func() { r.Resource = other.resource },
		func() { r.Resource.Type = oneOf(s.chance, "ticket", "invoice", "") },
		func() {
			r.Resource.Properties = map[string]any{"owner": oneOf[any](s.chance, "alice", "bob", 7.0, nil)}
		},
		func() { r.Context = s.context() },
		func() { r.Subject.Claims = s.claims() },
		func() { r.Token = nil },
		func() { r.Token = s.oddToken(t.Now, told) },
		func() { r.Token = s.oddToken(t.Now, told) },
		func() { r.ActorIssuedAt = oneOf(s.chance, time.Time{}, s.before(noon, 20)) },
		func() { s.overHTTP(r) },
	)()
}

func (s *scene) context() map[string]any {
	context := map[string]any{}
	choices := map[string][]any{
		"purpose":   {"support", "support", "audit", 5.0, nil},
		"flag":      {true, false, "true"},
		"amount":    {99.0, 100.0, 101.0, "many"},
		"tier":      {"gold", "none", nil},
		"tags":      {[]any{"vip"}, []any{1.0, "vip"}, []any{}, map[string]any{"vip": 1.0}, "vip"},
		"arguments": arguments,
	}
	for _, key := range []string{"purpose", "flag", "amount", "tier", "tags", "arguments"} {
		if s.percent(60) {
			context[key] = oneOf(s.chance, choices[key]...)
		}
	}
	return context
}

func (s *scene) claims() map[string]any {
	claims := map[string]any{}
	if s.percent(60) {
		claims["level"] = oneOf[any](s.chance, 2.0, 3.0, 2.5, "3", nil)
	}
	if s.percent(60) {
		claims["department"] = oneOf[any](s.chance, "north", "south", "east", 1.0)
	}
	if s.percent(60) {
		claims["patients"] = oneOf[any](s.chance, []any{"1"}, []any{}, map[string]any{"3": true}, "1")
	}
	return claims
}

// oddToken is at a limit, or carries scopes of every kind.
func (s *scene) oddToken(now time.Time, told story) *authz.Token {
	t := s.token(told)
	oneOf(s.chance,
		func() { t.IssuedAt = oneOf(s.chance, time.Time{}, s.around(now)) },
		func() { t.ExpiresAt = oneOf(s.chance, time.Time{}, s.around(now)) },
		func() { t.IssuedAt, t.ExpiresAt = time.Time{}, time.Time{} },
		func() { t.ExpiresAt = s.around(t.IssuedAt.Add(oneOf(s.chance, time.Minute, time.Hour))) },
		func() { t.Unbounded, t.Scopes = false, nil },
		func() { t.Unbounded, t.Scopes = false, []string{oneOf(s.chance, scopeNames...)} },
		func() {
			t.Unbounded, t.Scopes = false, []string{authz.QualifiedScope("https://b.example", told.scope), "openid"}
		},
		func() { t.Unbounded, t.Scopes = false, append(t.Scopes, oneOf(s.chance, badScopes...)) },
	)()
	return t
}

// badScopes are no scopes: THREATS 23.
var badScopes = []string{
	"", " ", "t:read t:write", "t:read\t", "\tt:read", "t:re\u0430d", "t:read\u200b", "t:read\x00", `t:"read"`, `t:\read`, "#", "#t:read",
	"https://a.example#", "https://a.example#t:read#x", "t:read\n", strings.Repeat("t", 129), "t:*",
}

// deform makes a request that nobody should send.
func (s *scene) deform(t *trial, told story) {
	r := &t.Request
	oneOf(s.chance,
		func() { r.Subject = authz.Subject{} },
		func() { r.Subject.ID = "" },
		func() { r.Subject.Issuer = oneOf(s.chance, "", "ghost", "CORP", "https://corp.example") },
		func() { r.Actor.ServiceAccount = "" },
		func() { r.Actor.Namespace = "" },
		func() { r.Actor = authz.Actor{} },
		func() { r.Via = append([]authz.Actor{{Namespace: "shop"}}, r.Via...) },
		func() { r.Via = append([]authz.Actor{r.Actor}, r.Via...) },
		func() { r.Via = s.deepChain(oneOf(s.chance, 7, 8, 9, 63, 64)) },
		func() { r.Audience = "" },
		func() {
			r.Scope = oneOf(s.chance, "", "t:*", "*", "T:READ", told.scope+" ", told.audience+"#"+told.scope)
		},
		func() { r.Subject.ID = strings.Repeat("x", oneOf(s.chance, 253, 1024, 1025)) },
		func() { r.Resource.ID = strings.Repeat("x", oneOf(s.chance, 1024, 1025)) },
		func() { r.Subject.Groups = s.manyGroups(oneOf(s.chance, 256, 257)) },
		func() { r.Unauthenticated, r.Detail = oneOf(s.chance, unauthenticated...), "for the test" },
		func() {
			r.Unauthenticated, r.Subject, r.Actor = oneOf(s.chance, unauthenticated...), authz.Subject{}, authz.Actor{}
		},
		func() { s.overHTTP(r); r.HTTP.Path = oneOf(s.chance, badPaths...) },
		func() { s.overHTTP(r); r.HTTP.Method = oneOf(s.chance, "", "get", "PATCH") },
		func() {
			s.overHTTP(r)
			r.HTTP.Host = oneOf(s.chance, "", "A.EXAMPLE", "a.example:8443", "nowhere.example", "b.example")
		},
		func() { r.Resource = authz.Resource{} },
		func() {
			r.Context = map[string]any{"purpose": "support", "note": strings.Repeat("x", oneOf(s.chance, 32<<10, 32<<10+1))}
		},
		func() { r.Subject.Claims = map[string]any{"level": 4.0, "note": strings.Repeat("x", 32<<10+1)} },
		func() { r.Context, r.Subject.Claims, r.Resource.Properties = nil, nil, nil },
	)()
}

var unauthenticated = []authz.Reason{
	authz.ReasonSubjectMissing, authz.ReasonActorMissing, authz.ReasonActorMismatch, authz.ReasonTokenInvalid,
	authz.ReasonRequestMalformed, authz.ReasonTokenExpired, authz.ReasonTokenNotYetValid,
}

// badPaths can be read in more than one way, or name nothing: THREATS 26. The last two are fine but for their query.
var badPaths = []string{
	"", "t/1", "//t/1", "/t//1", "/t/./1", "/t/../1", "/..", "/t/..;/1", "/t/1;a=b", "/t/%2f1", "/t/%2F1", "/t/%5c1", "/t/1%00", "/t/%2e%2e/1",
	`/t\1`, "/t/{id}", "/t/1#x", "/t/1/", "/t/", "/t/1?x=//../", "/t/2?",
}

// deepChain is so many different services.
func (s *scene) deepChain(depth int) []authz.Actor {
	chain := make([]authz.Actor, depth)
	for i := range chain {
		chain[i] = authz.Actor{Namespace: "shop", ServiceAccount: strings.Repeat("d", i+1)}
	}
	return chain
}

func (s *scene) manyGroups(n int) []string {
	many := make([]string, n)
	for i := range many {
		many[i] = groups[i%len(groups)]
	}
	return many
}
