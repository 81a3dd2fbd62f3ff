// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authzen

import (
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
	Policies    []string          `json:"policies,omitempty"`
	Grant       string            `json:"grant,omitempty"`
	DryRun      *dryRun           `json:"dryRun,omitempty"`
}

// dryRun is what would have been denied.
type dryRun struct {
	Leg         authz.Leg         `json:"leg"`
	Reason      authz.Reason      `json:"reason"`
	ReasonAdmin map[string]string `json:"reason_admin,omitempty"`
}

func respond(d authz.Decision) response {
	r := response{Decision: d.Allowed(), Context: responseContext{Revision: d.Revision}}
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
		r.Context.DryRun = &dryRun{Leg: d.DryRun.Leg, Reason: d.DryRun.Reason, ReasonAdmin: english(d.DryRun.Message)}
	}
	return r
}

func english(message string) map[string]string {
	if message == "" {
		return nil
	}
	return map[string]string{"en": message}
}
