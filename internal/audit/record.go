// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package audit keeps the decision log: one JSON line for every decision, written behind a bounded queue. What does not
// fit is dropped, counted and told in the log itself; decisions never wait for the log.
package audit

import (
	"time"

	"behalf.dev/behalf/internal/authz"
)

// Record is one decision, or a gap in the log. No field ever holds a token.
type Record struct {
	Time      time.Time `json:"time"`
	FrontDoor string    `json:"frontDoor,omitempty"`
	RequestID string    `json:"requestId,omitempty"`
	// Peer is who asked, at a door that authenticates its peers.
	Peer string `json:"peer,omitempty"`

	Subject *Person `json:"subject,omitempty"`
	Actor   string  `json:"actor,omitempty"`
	// Via are the prior actors, nearest the subject first.
	Via         []string `json:"via,omitempty"`
	TokenID     string   `json:"tokenId,omitempty"`
	Transaction string   `json:"transaction,omitempty"`

	Audience string    `json:"audience,omitempty"`
	Scope    string    `json:"scope,omitempty"`
	Resource *Resource `json:"resource,omitempty"`

	// Decision is Allow or Deny; empty in a gap.
	Decision string  `json:"decision,omitempty"`
	Denial   *Denial `json:"denial,omitempty"`
	// DryRun is what would have been denied.
	DryRun *Denial `json:"dryRun,omitempty"`

	ResourceServer string `json:"resourceServer,omitempty"`
	Revision       int64  `json:"revision,omitempty"`
	// Degraded: what decided has outlived its lease, and the ResourceServer lets it be served stale.
	Degraded bool     `json:"degraded,omitempty"`
	Policies []string `json:"policies,omitempty"`
	Grant    string   `json:"grant,omitempty"`
	// Objects that decided, each with the generation that it had.
	Objects []authz.ObjectRef `json:"objects,omitempty"`

	// Gap is the number of records that are missing between the line before and this one.
	Gap uint64 `json:"gap,omitempty"`
}

// Person is a subject without what is personal beyond the id.
type Person struct {
	Issuer  string `json:"issuer"`
	ID      string `json:"id"`
	Session string `json:"session,omitempty"`
}

// Resource is what the decision was about.
type Resource struct {
	Type string `json:"type,omitempty"`
	ID   string `json:"id,omitempty"`
}

// Denial is the leg that denied, and why.
type Denial struct {
	Leg     authz.Leg    `json:"leg"`
	Reason  authz.Reason `json:"reason"`
	Message string       `json:"message,omitempty"`
}

// NewRecord writes down a decision and the request that it answers.
func NewRecord(at time.Time, request *authz.Request, decision authz.Decision) Record {
	r := Record{Time: at.UTC(), Decision: decision.Outcome.String()}
	r.asked(request)
	r.decided(decision)
	return r
}

func (r *Record) asked(request *authz.Request) {
	if request.Subject.Present() {
		r.Subject = &Person{Issuer: request.Subject.Issuer, ID: request.Subject.ID, Session: request.Subject.Session}
	}
	if request.Actor.Present() {
		r.Actor = request.Actor.String()
	}
	for _, prior := range request.Via {
		r.Via = append(r.Via, prior.String())
	}
	if request.Token != nil {
		r.TokenID, r.Transaction = request.Token.ID, request.Token.Transaction
	}
	r.Audience, r.Scope = request.Audience, request.Scope
	r.about(request.Resource)
}

func (r *Record) about(resource authz.Resource) {
	if resource.Type != "" || resource.ID != "" {
		r.Resource = &Resource{Type: resource.Type, ID: resource.ID}
	}
}

func (r *Record) decided(d authz.Decision) {
	if d.Audience != "" {
		r.Audience = d.Audience
	}
	if d.Scope != "" {
		r.Scope = d.Scope
	}
	r.about(d.Resource)
	if !d.Allowed() {
		r.Denial = denial(d.Denial)
	}
	if d.DryRun != nil {
		r.DryRun = denial(*d.DryRun)
	}
	if d.ResourceServer.Name != "" {
		r.ResourceServer = d.ResourceServer.String()
	}
	r.Revision, r.Degraded = d.Revision, d.Degraded
	for _, policy := range d.Policies {
		r.Policies = append(r.Policies, policy.String())
	}
	if d.Grant != nil {
		r.Grant = d.Grant.String()
	}
	r.Objects = d.Objects()
}

func denial(d authz.Denial) *Denial {
	return &Denial{Leg: d.Leg, Reason: d.Reason, Message: d.Message}
}
