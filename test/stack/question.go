// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Question is one request for a person, through a service, to an API.
type Question struct {
	Title string
	// Subject is the user name at the issuer; empty for nobody.
	Subject string
	// Session of the subject's token; the issuer's default where empty.
	Session string
	// Actor and Via are namespace/serviceaccount; Via nearest the subject first.
	Actor    string
	Via      []string
	Audience string
	// Either HTTP, asked through the proxy's door (ext_authz), or Scope and Resource, asked by the API itself (AuthZEN).
	HTTP     *HTTP
	Scope    string
	Resource Resource
	Context  map[string]any
}

// HTTP is a request as a proxy sees it.
type HTTP struct {
	Method string
	Host   string
	Path   string
}

// Resource is what a question is about.
type Resource struct {
	Type       string
	ID         string
	Properties map[string]any
}

// Answer is what an authorizer said.
type Answer struct {
	Allowed bool
	Leg     string
	Reason  string
	// Message for whoever runs the system, from the authorizer's decision log: why it was denied, or what permitted it.
	Message string

	requestID string
}

// Door names the protocol in which the question is asked.
func (q Question) Door() string {
	if q.HTTP != nil {
		return "Envoy ext_authz"
	}
	return "AuthZEN"
}

// String tells who acts for whom, and what for, in one line.
func (q Question) String() string {
	subject := q.Subject
	if subject == "" {
		subject = "(nobody)"
	}
	chain := append(append([]string{subject}, q.Via...), q.Actor)
	return strings.Join(chain, " → ") + " → " + q.target()
}

func (q Question) target() string {
	if q.HTTP != nil {
		return q.HTTP.Method + " " + q.HTTP.Host + q.HTTP.Path
	}
	return fmt.Sprintf("%s#%s on %s %s", q.Audience, q.Scope, q.Resource.Type, q.Resource.ID)
}

// AskOne puts the question to one authorizer, with real tokens. The answer has no message; Explain finds it.
func (s *Stack) AskOne(ctx context.Context, authorizer *Authorizer, question Question) (Answer, error) {
	subject, err := s.subjectToken(ctx, question)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{requestID: rand.Text()}
	if question.HTTP != nil {
		err = s.askExtAuthz(ctx, authorizer, question, subject, &answer)
	} else {
		err = s.askAuthZEN(ctx, authorizer, question, subject, &answer)
	}
	return answer, err
}

func (s *Stack) subjectToken(ctx context.Context, question Question) (string, error) {
	if question.Subject == "" {
		return "", nil
	}
	return s.tokens.get("subject "+question.Subject+" "+question.Session, func() (string, error) {
		form := url.Values{}
		if question.Session != "" {
			form.Set("session", question.Session)
		}
		return s.Issuer.SignIn(ctx, question.Subject, form)
	})
}

// tokenCache keeps tokens as a browser or a pod does, so that a question costs no sign-in.
type tokenCache struct {
	mu   sync.Mutex
	held map[string]heldToken
}

type heldToken struct {
	raw   string
	until time.Time
}

// tokenReuse is well below the lifetime of every token.
const tokenReuse = 5 * time.Minute

func (c *tokenCache) get(key string, fetch func() (string, error)) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.held[key]; ok && time.Now().Before(t.until) {
		return t.raw, nil
	}
	raw, err := fetch()
	if err != nil {
		return "", err
	}
	if c.held == nil {
		c.held = map[string]heldToken{}
	}
	c.held[key] = heldToken{raw: raw, until: time.Now().Add(tokenReuse)}
	return raw, nil
}
