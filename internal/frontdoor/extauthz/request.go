// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"strings"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/frontdoor"
	"behalf.dev/behalf/internal/token"
)

// Keys of context_extensions.
const (
	audienceExtension = "audience"
	contextExtension  = "context."
)

// question is a CheckRequest taken apart.
type question struct {
	http       *authv3.AttributeContext_HttpRequest
	headers    headers
	extensions map[string]string
}

func open(check *authv3.CheckRequest) question {
	http := check.GetAttributes().GetRequest().GetHttp()
	return question{
		http:       http,
		headers:    collect(http),
		extensions: check.GetAttributes().GetContextExtensions(),
	}
}

// maxRequestID bounds what a client can write into logs.
const maxRequestID = 128

func (q question) caller() frontdoor.Caller {
	id := q.http.GetId()
	if given, sent, ok := q.headers.One("x-request-id"); sent && ok {
		id = given
	}
	return frontdoor.Caller{Door: Door, RequestID: id[:min(len(id), maxRequestID)]}
}

// request builds the question for the engine. Whatever is wrong is marked on the request, which is then denied.
func (q question) request(snapshot *engine.Snapshot, now time.Time) *authz.Request {
	r := &authz.Request{}
	if q.http == nil {
		frontdoor.Refuse(r, authz.ReasonRequestMalformed, "it is not a CheckRequest about an HTTP request")
		return r
	}
	r.HTTP = &authz.HTTPRequest{
		Method: q.http.GetMethod(), Host: q.http.GetHost(), Path: q.http.GetPath(), Headers: q.headers.WithoutSecrets(),
	}
	r.HTTP.Body, r.HTTP.BodyPartial = q.body()
	q.readExtensions(r)
	if q.headers.hopByHop() {
		frontdoor.Refuse(r, authz.ReasonRequestMalformed, "the Connection header names an identity header or a credential")
	}
	q.readSubject(r, snapshot.Trust(), now)
	q.readActor(r, snapshot, now)
	return r
}

// partialBody is the header by which Envoy says whether it buffered less than the whole body. It passes none of a client's own
// on under this name; where another proxy does, there are two values, or one that speaks of a body that is not there.
const partialBody = "x-envoy-auth-partial-body"

// body gives the body of the request and whether that may not be all of it: for lack of a word of the proxy's, or of a length
// that the engine can hold it against; or because the proxy packed it as text, in which it replaces bytes that are not UTF-8.
func (q question) body() (body []byte, partial bool) {
	if q.http.GetBody() != "" {
		return nil, true
	}
	body = q.http.GetRawBody()
	word, sent, ok := q.headers.One(partialBody)
	if !sent {
		_, sent, ok = q.headers.One("content-length")
		return body, len(body) > 0 && (!sent || !ok)
	}
	return body, !ok || word != "false"
}

func (q question) readExtensions(r *authz.Request) {
	for key, value := range q.extensions {
		name, isContext := strings.CutPrefix(key, contextExtension)
		switch {
		case key == audienceExtension && value != "":
			r.Audience = value
		case isContext && name != "":
			if r.Context == nil {
				r.Context = map[string]any{}
			}
			r.Context[name] = value
		default:
			frontdoor.Refuse(r, authz.ReasonRequestMalformed,
				"the proxy's context_extensions hold a key that is neither audience nor context.NAME, or an empty audience")
		}
	}
}

func (q question) readSubject(r *authz.Request, trust *token.Trust, now time.Time) {
	value, sent, ok := q.headers.One(authorization)
	switch {
	case !ok:
		frontdoor.Refuse(r, authz.ReasonRequestMalformed, "there is more than one authorization header")
		return
	case !sent:
		return // no subject, and the engine says so
	}
	raw, ok := bearer(value)
	if !ok {
		frontdoor.Refuse(r, authz.ReasonSubjectMissing, "the authorization header is not of the form 'Bearer TOKEN'")
		return
	}
	subject, bounds, err := trust.Subject(string(raw), now)
	if err != nil {
		frontdoor.RefuseToken(r, "subject", err)
		return
	}
	r.Subject, r.Token = subject, &bounds
}

// readActor verifies the actor token against the audience of the resource server that is asked, so that one that was
// handed to another API cannot be used here.
func (q question) readActor(r *authz.Request, snapshot *engine.Snapshot, now time.Time) {
	raw, sent, ok := q.headers.One(actorToken)
	switch {
	case !ok:
		frontdoor.Refuse(r, authz.ReasonRequestMalformed, "there is more than one "+actorToken+" header")
		return
	case !sent:
		return
	}
	audience, known := r.Audience, r.Audience != ""
	if !known {
		audience, known = snapshot.Audience(r.HTTP.Host)
	}
	if !known {
		return // there is no audience to check against, and the engine finds no resource server either
	}
	actor, issuedAt, err := snapshot.Trust().Actor(raw, audience, now)
	if err != nil {
		frontdoor.RefuseToken(r, "actor", err)
		return
	}
	r.Actor, r.ActorIssuedAt = actor, issuedAt
}

// bearer takes the token out of "Bearer TOKEN" (RFC 6750 section 2.1). The scheme may be in any case (RFC 9110 section
// 11.1); there is one space.
func bearer(value string) (token.Raw, bool) {
	scheme, raw, found := strings.Cut(value, " ")
	if !found || raw == "" || !strings.EqualFold(scheme, "bearer") {
		return "", false
	}
	return token.Raw(raw), true
}
