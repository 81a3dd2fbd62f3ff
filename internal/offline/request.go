// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/document"
)

// requestFile is a request as people write it.
type requestFile struct {
	Subject  *subjectFile   `json:"subject"`
	Actor    *string        `json:"actor"`
	Via      []string       `json:"via"`
	Audience string         `json:"audience"`
	Scope    string         `json:"scope"`
	HTTP     *httpFile      `json:"http"`
	Resource *resourceFile  `json:"resource"`
	Token    *tokenFile     `json:"token"`
	Context  map[string]any `json:"context"`
}

type subjectFile struct {
	Issuer   string         `json:"issuer"`
	ID       string         `json:"id"`
	Username string         `json:"username"`
	Groups   []string       `json:"groups"`
	Claims   map[string]any `json:"claims"`
	AuthTime document.Time  `json:"authTime"`
	Session  string         `json:"session"`
}

type httpFile struct {
	Method      string                    `json:"method"`
	Host        string                    `json:"host"`
	Path        string                    `json:"path"`
	Headers     map[string]document.Texts `json:"headers"`
	Body        *string                   `json:"body"`
	BodyPartial bool                      `json:"bodyPartial"`
}

type resourceFile struct {
	Type       string         `json:"type"`
	ID         string         `json:"id"`
	Properties map[string]any `json:"properties"`
}

type tokenFile struct {
	Scopes      []string      `json:"scopes"`
	Unbounded   bool          `json:"unbounded"`
	IssuedAt    document.Time `json:"issuedAt"`
	ExpiresAt   document.Time `json:"expiresAt"`
	ID          string        `json:"id"`
	Transaction string        `json:"transaction"`
}

// ReadRequest reads the one request of a file, as it stands under a test case's request. The error joins everything that is
// wrong, each a *document.Fault.
func ReadRequest(file string, raw []byte) (*authz.Request, error) {
	documents, err := document.Read(file, raw)
	if err != nil {
		return nil, err
	}
	if len(documents) != 1 {
		return nil, &document.Fault{File: file, Message: fmt.Sprintf("holds %d documents; give one request", len(documents))}
	}
	var written requestFile
	if err := documents[0].Decode(&written); err != nil {
		return nil, err
	}
	b := builder{document: documents[0]}
	request := b.request(&written)
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	return request, nil
}

// builder turns what was written into a request, and collects what does not make one.
type builder struct {
	document document.Document
	// at is the path of the request within the document, with a dot at its end; empty for the document itself.
	at   string
	errs []error
}

func (b *builder) faultf(field, format string, args ...any) {
	b.errs = append(b.errs, b.document.Fault(b.at+field, fmt.Sprintf(format, args...)))
}

func (b *builder) request(written *requestFile) *authz.Request {
	r := &authz.Request{Audience: written.Audience, Scope: written.Scope, Context: written.Context}
	if s := written.Subject; s != nil {
		r.Subject = authz.Subject{
			Issuer: s.Issuer, ID: s.ID, Username: s.Username, Groups: s.Groups, Claims: s.Claims,
			AuthTime: s.AuthTime.Time, Session: s.Session,
		}
	}
	if written.Actor != nil {
		r.Actor = b.actor("actor", *written.Actor)
	}
	for i, prior := range written.Via {
		r.Via = append(r.Via, b.actor(fmt.Sprintf("via[%d]", i), prior))
	}
	if o := written.Resource; o != nil {
		r.Resource = authz.Resource{Type: o.Type, ID: o.ID, Properties: o.Properties}
	}
	if t := written.Token; t != nil {
		r.Token = &authz.Token{
			ID: t.ID, Transaction: t.Transaction, IssuedAt: t.IssuedAt.Time, ExpiresAt: t.ExpiresAt.Time,
			Unbounded: t.Unbounded, Scopes: t.Scopes,
		}
	}
	if h := written.HTTP; h != nil {
		r.HTTP = b.http(h)
	}
	return r
}

func (b *builder) actor(field, text string) authz.Actor {
	actor, err := authz.ParseActor(text)
	if err != nil {
		b.faultf(field, "%q is no actor; give namespace/serviceaccount", text)
	}
	return actor
}

func (b *builder) http(written *httpFile) *authz.HTTPRequest {
	h := &authz.HTTPRequest{
		Method: written.Method, Host: written.Host, Path: written.Path,
		Headers: b.headers(written.Headers), BodyPartial: written.BodyPartial,
	}
	if written.Body != nil {
		h.Body = []byte(*written.Body)
	}
	return h
}

// headers have their names in lower case.
func (b *builder) headers(written map[string]document.Texts) map[string][]string {
	if written == nil {
		return nil
	}
	headers := make(map[string][]string, len(written))
	for _, name := range slices.Sorted(maps.Keys(written)) {
		lower := strings.ToLower(name)
		if _, twice := headers[lower]; twice {
			b.faultf("http.headers."+name, "stands twice, in another case; list its values under one name")
		}
		headers[lower] = written[name]
	}
	return headers
}
