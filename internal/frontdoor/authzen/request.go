// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"errors"
	"fmt"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/canonical"
	"behalf.dev/behalf/internal/frontdoor"
)

// Names that Behalf gives to subjects and resources of this API.
const (
	subjectType = "user"
	routeType   = "route"
)

// request builds the question for the engine. Whatever it does not say well is marked on it, and it is then denied.
func (e *evaluation) request() *authz.Request {
	r := &authz.Request{}
	context := object{members: e.context, path: "context"}
	for _, step := range []func(*authz.Request, object) error{
		e.readSubject, e.readActors, e.readToken, e.readTarget, e.readContext,
	} {
		if err := step(r, context); err != nil {
			frontdoor.Refuse(r, authz.ReasonRequestMalformed, err.Error())
		}
	}
	return r
}

func (e *evaluation) readSubject(r *authz.Request, _ object) error {
	if e.subject.kind != subjectType {
		frontdoor.Refuse(r, authz.ReasonSubjectMissing, "subject.type is not 'user': only a person is a subject")
		return nil
	}
	properties := object{members: e.subject.properties, path: "subject.properties"}
	s := authz.Subject{ID: e.subject.id}
	var err error
	if s.Issuer, err = properties.needText("issuer"); err != nil {
		return err
	}
	if s.Username, err = properties.optionalText("username"); err != nil {
		return err
	}
	if s.Groups, err = properties.optionalTexts("groups"); err != nil {
		return err
	}
	if s.Session, err = properties.optionalText("session"); err != nil {
		return err
	}
	if s.AuthTime, err = properties.optionalTime("authTime"); err != nil {
		return err
	}
	claims, err := properties.optionalObject("claims")
	s.Claims = claims.members
	if err == nil {
		r.Subject = s
	}
	return err
}

func (e *evaluation) readActors(r *authz.Request, context object) error {
	name, err := context.optionalText("actor")
	if err != nil {
		return err
	}
	via, err := context.optionalTexts("via")
	if err != nil {
		return err
	}
	if _, sent := context.members["actor"]; sent {
		if r.Actor, err = authz.ParseActor(name); err != nil {
			return fmt.Errorf("context.actor: %w", err)
		}
	}
	for _, name := range via {
		prior, err := authz.ParseActor(name)
		if err != nil {
			return fmt.Errorf("context.via: %w", err)
		}
		r.Via = append(r.Via, prior)
	}
	return nil
}

func (e *evaluation) readToken(r *authz.Request, context object) error {
	if _, sent := context.members["token"]; !sent {
		return nil
	}
	from, err := context.optionalObject("token")
	if err != nil {
		return err
	}
	t := &authz.Token{}
	r.Token = t // with no scopes, whatever is wrong below
	if t.Scopes, err = from.optionalTexts("scopes"); err != nil {
		return err
	}
	if t.Unbounded, err = from.optionalFlag("unbounded"); err != nil {
		return err
	}
	if t.Unbounded && len(t.Scopes) > 0 {
		return errors.New("context.token is unbounded and yet has scopes")
	}
	if t.ID, err = from.optionalText("id"); err != nil {
		return err
	}
	if t.Transaction, err = from.optionalText("transaction"); err != nil {
		return err
	}
	if t.IssuedAt, err = from.optionalTime("issuedAt"); err != nil {
		return err
	}
	t.ExpiresAt, err = from.optionalTime("expiresAt")
	return err
}

// readTarget reads what is asked for: a scope of an audience on a resource, or an HTTP request that routes map to one.
func (e *evaluation) readTarget(r *authz.Request, context object) error {
	var err error
	if r.Audience, err = context.optionalText("audience"); err != nil {
		return err
	}
	if _, sent := context.members["http"]; sent {
		return e.readHTTP(r, context)
	}
	if r.Audience == "" {
		return errors.New("context.audience is missing or empty")
	}
	r.Scope = e.action
	r.Resource = authz.Resource{Type: e.resource.kind, ID: e.resource.id, Properties: e.resource.properties}
	return nil
}

// readHTTP holds the action and the resource, which the specification wants in any case, against the HTTP request, so that
// nothing that the caller said is passed over.
func (e *evaluation) readHTTP(r *authz.Request, context object) error {
	from, err := context.optionalObject("http")
	if err != nil {
		return err
	}
	http := &authz.HTTPRequest{}
	if http.Method, err = from.needText("method"); err != nil {
		return err
	}
	if http.Path, err = from.needText("path"); err != nil {
		return err
	}
	if http.Host, err = from.optionalText("host"); err != nil {
		return err
	}
	if err := readMessage(http, from); err != nil {
		return err
	}
	r.HTTP = http
	if e.action != http.Method {
		return errors.New("with context.http, action.name is the HTTP method")
	}
	if e.resource.kind != routeType || e.resource.id != http.Path {
		return errors.New("with context.http, resource.type is 'route' and resource.id is the path")
	}
	if len(e.resource.properties) > 0 {
		return errors.New("with context.http, the route gives the properties of the resource")
	}
	return nil
}

// readMessage reads headers and body of the HTTP request, for the routes that read them.
func readMessage(http *authz.HTTPRequest, from object) error {
	given, err := from.optionalObject("headers")
	if err != nil {
		return err
	}
	headers := canonical.Headers{}
	for name, value := range given.members {
		if text, ok := value.(string); ok {
			headers.Add(name, text)
			continue
		}
		lines, err := given.optionalTexts(name)
		if err != nil {
			return fmt.Errorf("%s is neither a string nor a list of strings", given.at(name))
		}
		for _, line := range lines {
			headers.Add(name, line)
		}
	}
	http.Headers = headers.WithoutSecrets()
	body, err := from.optionalText("body")
	if err == nil && body != "" {
		http.Body = []byte(body)
	}
	return err
}

// reserved keys of context have a meaning of their own and are not handed to conditions.
var reserved = map[string]bool{"audience": true, "actor": true, "via": true, "token": true, "http": true}

func (e *evaluation) readContext(r *authz.Request, context object) error {
	for key, value := range context.members {
		if reserved[key] {
			continue
		}
		if r.Context == nil {
			r.Context = make(map[string]any, len(context.members))
		}
		r.Context[key] = value
	}
	return nil
}

func (o object) optionalTime(name string) (time.Time, error) {
	text, err := o.optionalText(name)
	if err != nil {
		return time.Time{}, err
	}
	if _, sent := o.members[name]; !sent {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is not a time as in RFC 3339", o.at(name))
	}
	if at.IsZero() { // which stands for no time at all, and no time is no limit
		return time.Time{}, fmt.Errorf("%s is the first instant of the year 1: leave it out where it is not known", o.at(name))
	}
	return at, nil
}

func (o object) optionalFlag(name string) (bool, error) {
	value, ok := o.members[name]
	if !ok {
		return false, nil
	}
	flag, ok := value.(bool)
	if !ok {
		return false, fmt.Errorf("%s is neither true nor false", o.at(name))
	}
	return flag, nil
}
