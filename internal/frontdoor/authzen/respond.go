// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"time"

	"behalf.dev/behalf/internal/authz"
)

// response is an Access Evaluation response (section 6.2 of the specification).
type response struct {
	Decision bool            `json:"decision"`
	Context  responseContext `json:"context"`
}

// responseContext is ours to fill; reason_admin and reason_user are as in the specification's examples.
type responseContext struct {
	Leg    authz.Leg    `json:"leg,omitempty"`
	Reason authz.Reason `json:"reason,omitempty"`
	// ReasonAdmin must not be shown to the person, ReasonUser may be; both by language.
	ReasonAdmin map[string]string `json:"reason_admin,omitempty"`
	ReasonUser  map[string]string `json:"reason_user,omitempty"`
	Revision    int64             `json:"revision,omitempty"`
	// Degraded says that what decided has outlived its lease, and is served stale.
	Degraded bool      `json:"degraded,omitempty"`
	Policies []string  `json:"policies,omitempty"`
	Grant    string    `json:"grant,omitempty"`
	DryRun   *obstacle `json:"dryRun,omitempty"`
	// Obstacles are all that stood in the way; for admins only.
	Obstacles []obstacle `json:"obstacles,omitempty"`
	// Obligations of whoever lets the request pass.
	Obligations *obligations `json:"obligations,omitempty"`
}

// obstacle is one thing that would have to change.
type obstacle struct {
	Leg         authz.Leg         `json:"leg"`
	Reason      authz.Reason      `json:"reason"`
	ReasonAdmin map[string]string `json:"reason_admin,omitempty"`
}

// obligations are authz.Obligations as JSON; what is not limited is left out.
type obligations struct {
	MaxTokenLifetimeSeconds int64      `json:"maxTokenLifetimeSeconds,omitempty"`
	NotAfter                *time.Time `json:"notAfter,omitempty"`
	Disclose                []string   `json:"disclose,omitempty"`
}

func respond(d authz.Decision) response {
	r := response{Decision: d.Allowed(), Context: responseContext{Revision: d.Revision, Degraded: d.Degraded}}
	if !d.Allowed() {
		r.Context.Leg, r.Context.Reason = d.Leg, d.Reason
		r.Context.ReasonAdmin = english(d.Message)
		r.Context.ReasonUser = map[string]string{"en-403": d.ForUser()}
	}
	for _, policy := range d.Policies {
		r.Context.Policies = append(r.Context.Policies, policy.String())
	}
	if d.Grant != nil {
		r.Context.Grant = d.Grant.String()
	}
	if d.DryRun != nil {
		r.Context.DryRun = new(obstacleOf(*d.DryRun))
	}
	for _, o := range d.Obstacles() {
		r.Context.Obstacles = append(r.Context.Obstacles, obstacleOf(o))
	}
	r.Context.Obligations = obligationsOf(d.Obligations)
	return r
}

func obstacleOf(d authz.Denial) obstacle {
	return obstacle{Leg: d.Leg, Reason: d.Reason, ReasonAdmin: english(d.Message)}
}

// obligationsOf is nil where there are none.
func obligationsOf(o authz.Obligations) *obligations {
	if o.MaxTokenLifetime == 0 && o.NotAfter.IsZero() && len(o.Disclose) == 0 {
		return nil
	}
	out := &obligations{MaxTokenLifetimeSeconds: int64(o.MaxTokenLifetime / time.Second), Disclose: o.Disclose}
	if !o.NotAfter.IsZero() {
		out.NotAfter = new(o.NotAfter.UTC())
	}
	return out
}

func english(message string) map[string]string {
	if message == "" {
		return nil
	}
	return map[string]string{"en": message}
}
