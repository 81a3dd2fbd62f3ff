// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/offline"
)

// decisionView is a decision for programs. Its first five fields are a contract: they are always there, and leg and reason
// are empty on Allow. Others may be added.
type decisionView struct {
	Decision string       `json:"decision"`
	Leg      authz.Leg    `json:"leg"`
	Reason   authz.Reason `json:"reason"`
	Message  string       `json:"message"`
	// Policies are the names of the DelegationPolicies that decided.
	Policies []string `json:"policies"`

	// UserMessage is what the person behind the request may read.
	UserMessage string `json:"userMessage,omitempty"`
	// Obstacles are all that stood in the way, in the order of the legs.
	Obstacles []denialView `json:"obstacles,omitempty"`
	// DryRun is what would have been denied, were it not for a dry run.
	DryRun *denialView `json:"dryRun,omitempty"`
	// Audience, Scope and Resource are as judged, after routing.
	Audience string        `json:"audience,omitempty"`
	Scope    string        `json:"scope,omitempty"`
	Resource *resourceView `json:"resource,omitempty"`
	// Objects are those that decided, each with its generation.
	Objects     []authz.ObjectRef `json:"objects,omitempty"`
	Obligations *obligationsView  `json:"obligations,omitempty"`
	Revision    int64             `json:"revision,omitempty"`
	// Now is the time of the decision.
	Now string `json:"now"`
}

type denialView struct {
	Leg     authz.Leg    `json:"leg"`
	Reason  authz.Reason `json:"reason"`
	Message string       `json:"message,omitempty"`
}

type resourceView struct {
	Type       string         `json:"type,omitempty"`
	ID         string         `json:"id,omitempty"`
	Properties map[string]any `json:"properties,omitempty"`
}

type obligationsView struct {
	MaxTokenLifetimeSeconds int64    `json:"maxTokenLifetimeSeconds,omitempty"`
	NotAfter                string   `json:"notAfter,omitempty"`
	Disclose                []string `json:"disclose,omitempty"`
}

func viewOf(d authz.Decision, at time.Time) decisionView {
	v := decisionView{
		Decision: d.Outcome.String(), Policies: []string{},
		Audience: d.Audience, Scope: d.Scope, Objects: d.Objects(), Revision: d.Revision, Now: stamp(at),
	}
	if !d.Allowed() {
		v.Leg, v.Reason, v.Message, v.UserMessage = d.Leg, d.Reason, d.Message, d.ForUser()
	}
	for _, policy := range d.Policies {
		v.Policies = append(v.Policies, policy.Name)
	}
	for _, obstacle := range d.Obstacles() {
		v.Obstacles = append(v.Obstacles, viewOfDenial(obstacle))
	}
	if d.DryRun != nil {
		dryRun := viewOfDenial(*d.DryRun)
		v.DryRun = &dryRun
	}
	if r := d.Resource; r.Type != "" || r.ID != "" || len(r.Properties) > 0 {
		v.Resource = &resourceView{Type: r.Type, ID: r.ID, Properties: r.Properties}
	}
	v.Obligations = viewOfObligations(d.Obligations)
	return v
}

func viewOfDenial(d authz.Denial) denialView {
	return denialView{Leg: d.Leg, Reason: d.Reason, Message: d.Message}
}

func viewOfObligations(o authz.Obligations) *obligationsView {
	if o.MaxTokenLifetime == 0 && o.NotAfter.IsZero() && len(o.Disclose) == 0 {
		return nil
	}
	v := &obligationsView{MaxTokenLifetimeSeconds: int64(o.MaxTokenLifetime / time.Second), Disclose: o.Disclose}
	if !o.NotAfter.IsZero() {
		v.NotAfter = stamp(o.NotAfter)
	}
	return v
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// reportView is a report for programs.
type reportView struct {
	Passed int        `json:"passed"`
	Failed int        `json:"failed"`
	Files  []fileView `json:"files"`
}

type fileView struct {
	File  string     `json:"file"`
	Cases []caseView `json:"cases"`
}

type caseView struct {
	Name   string       `json:"name"`
	Line   int          `json:"line"`
	Passed bool         `json:"passed"`
	Want   wantView     `json:"want"`
	Got    decisionView `json:"got"`
}

type wantView struct {
	Decision string       `json:"decision"`
	Leg      authz.Leg    `json:"leg,omitempty"`
	Reason   authz.Reason `json:"reason,omitempty"`
	DryRun   *denialView  `json:"dryRun,omitempty"`
}

func (r report) view() reportView {
	v := reportView{Passed: r.passed, Failed: r.failed, Files: []fileView{}}
	for _, outcome := range r.outcomes {
		file := fileView{File: outcome.File}
		for i := range outcome.Results {
			file.Cases = append(file.Cases, viewOfResult(&outcome.Results[i]))
		}
		v.Files = append(v.Files, file)
	}
	return v
}

func viewOfResult(r *offline.Result) caseView {
	return caseView{
		Name: r.Name, Line: r.Line, Passed: r.Passed(), Want: viewOfWant(r.Want), Got: viewOf(r.Got, r.At),
	}
}

func viewOfWant(want offline.Expectation) wantView {
	v := wantView{Decision: want.Outcome.String(), Leg: want.Leg, Reason: want.Reason}
	if want.DryRun != nil {
		v.DryRun = &denialView{Leg: want.DryRun.Leg, Reason: want.DryRun.Reason}
	}
	return v
}
