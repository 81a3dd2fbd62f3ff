// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"strings"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/token/strictjson"
)

// maxSubject is the length of 'sub' in bytes (OpenID Connect Core section 2).
const maxSubject = 255

// person is what a subject token says.
type person struct {
	times

	subject authz.Subject
	token   authz.Token
}

// Subject verifies a subject token: a JWT that a TrustedIssuer issued to a person. The error is an *Invalid. The results
// are shared between requests that bring the same token; nobody may change them.
func (t *Trust) Subject(raw string, now time.Time) (authz.Subject, authz.Token, error) {
	if t == nil {
		return authz.Subject{}, authz.Token{}, nothingHeld()
	}
	p, bad := remember(t.seen, forSubjects, raw, t.readSubject)
	if bad == nil {
		bad = p.check(now)
	}
	if bad != nil {
		return authz.Subject{}, authz.Token{}, bad
	}
	return p.subject, p.token, nil
}

func nothingHeld() *Invalid {
	return &Invalid{Reason: authz.ReasonStaleBundle, Detail: "cannot be checked: there is no trust bundle yet"}
}

func (t *Trust) readSubject(raw string) (*person, *Invalid) {
	j, bad := read(raw)
	if bad != nil {
		return nil, bad
	}
	from, bad := t.issuerOf(j)
	if bad != nil {
		return nil, bad
	}
	if bad := j.verify(from); bad != nil {
		return nil, bad
	}
	if !j.is("jwt", "at+jwt") {
		return nil, invalid("is of a type (typ) that is no identity or access token")
	}
	if bad := j.claims.audience(from.Audiences); bad != nil {
		return nil, bad
	}
	if bad := refuseUnspoken(j.claims); bad != nil {
		return nil, bad
	}
	return mapPerson(from, j.claims)
}

// issuerOf chooses the issuer by 'iss', byte by byte, before any key is chosen: a key speaks for its own issuer alone.
func (t *Trust) issuerOf(j *jws) (*issuer, *Invalid) {
	url, bad := j.claims.text("iss")
	if bad != nil {
		return nil, bad
	}
	if t.cluster != nil && url == t.cluster.URL {
		return nil, invalid("is a service account's; a service is no person")
	}
	from, ok := t.issuers[url]
	if !ok {
		return nil, invalid("is from an issuer that no TrustedIssuer names")
	}
	return from, nil
}

// refuseUnspoken refuses claims that limit who may use the token in ways that are not understood here: passing over them
// would widen it.
func refuseUnspoken(c claims) *Invalid {
	switch {
	case c.has("act"):
		// RFC 8693 section 4.1. No issuer of such tokens is trusted yet, and a chain is never dropped.
		return invalid("carries an actor chain (act), which this issuer is not trusted to vouch for")
	case c.has("may_act"):
		return invalid("names who may act (may_act, RFC 8693 section 4.4), which cannot be honoured here")
	case c.has("cnf"):
		return invalid("is bound to a key (cnf, RFC 7800), of which no proof can be given here")
	default:
		return nil
	}
}

func mapPerson(from *issuer, c claims) (*person, *Invalid) {
	t, bad := c.times()
	if bad != nil {
		return nil, bad
	}
	p := &person{times: t}
	if p.subject, bad = mapSubject(from, c); bad != nil {
		return nil, bad
	}
	if p.token, bad = mapToken(from, c, t); bad != nil {
		return nil, bad
	}
	return p, nil
}

func mapSubject(from *issuer, c claims) (authz.Subject, *Invalid) {
	s := authz.Subject{Issuer: from.Name}
	var bad *Invalid
	if s.ID, bad = c.subject(); bad != nil {
		return s, bad
	}
	if s.Username, bad = c.username(from.UsernameClaim); bad != nil {
		return s, bad
	}
	if s.Session, bad = c.optional(from.SessionClaim); bad != nil {
		return s, bad
	}
	if from.GroupsClaim != "" {
		if s.Groups, bad = c.texts(from.GroupsClaim); bad != nil {
			return s, bad
		}
	}
	if s.AuthTime, bad = c.date("auth_time"); bad != nil {
		return s, bad
	}
	s.Claims, bad = c.forwarded(from.Forward)
	return s, bad
}

func mapToken(from *issuer, c claims, t times) (authz.Token, *Invalid) {
	token := authz.Token{IssuedAt: t.issuedAt, ExpiresAt: t.expiresAt, Unbounded: from.Unbounded}
	var bad *Invalid
	if token.ID, bad = c.text("jti"); bad != nil {
		return token, bad
	}
	if token.Transaction, bad = c.text("txn"); bad != nil {
		return token, bad
	}
	if !from.Unbounded {
		token.Scopes, bad = c.scopes(from.ScopesClaim)
	}
	return token, bad
}

func (c claims) subject() (string, *Invalid) {
	id, bad := c.text("sub")
	if bad != nil {
		return "", bad
	}
	if id == "" || len(id) > maxSubject {
		return "", invalid("has no subject (sub) of 1 to %d bytes", maxSubject)
	}
	return id, nil
}

// optional text of a claim that an issuer may map; empty where it maps none.
func (c claims) optional(name string) (string, *Invalid) {
	if name == "" {
		return "", nil
	}
	return c.text(name)
}

// username of the person. An e-mail address that the issuer itself says is not verified is no name (as in Kubernetes' own
// OpenID Connect authenticator): anybody could claim it.
func (c claims) username(name string) (string, *Invalid) {
	if verified, told := c["email_verified"]; name == "email" && told && verified != true {
		return "", invalid("has an e-mail address that its issuer has not verified")
	}
	return c.optional(name)
}

// scopes of the token. One string is split at each single space (RFC 8693 section 4.2). Elements are handed on as they
// are, empty and malformed ones too, so that the token leg denies by its own reason: nothing is repaired.
func (c claims) scopes(name string) ([]string, *Invalid) {
	return c.verbatim(name, func(one string) []string { return strings.Split(one, " ") })
}

func (c claims) forwarded(names []string) (map[string]any, *Invalid) {
	var forwarded map[string]any
	for _, name := range names {
		if !c.has(name) {
			continue
		}
		value, err := strictjson.Plain(c[name])
		if err != nil {
			return nil, invalid("has a claim %s that cannot be forwarded: %v", name, err)
		}
		if forwarded == nil {
			forwarded = make(map[string]any, len(names))
		}
		forwarded[name] = value
	}
	return forwarded, nil
}
