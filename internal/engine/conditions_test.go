// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"
	"testing"

	"behalf.dev/behalf/internal/authz"
)

// The order in which conditions stand decides nothing.
func TestAConditionThatDoesNotHoldSettlesItBeforeOneThatErrs(t *testing.T) {
	for _, c := range []struct {
		name       string
		conditions []int
		change     func(w *world, conditions []int)
		leg        authz.Leg
		reason     authz.Reason
		message    string
	}{
		{"a Permit: errs, unmet", []int{forSupport, never}, permitWithoutContext, authz.LegPolicy, authz.ReasonNoPolicy, "it takes subject.id == 'nobody'"},
		{"a Permit: unmet, errs", []int{never, forSupport}, permitWithoutContext, authz.LegPolicy, authz.ReasonNoPolicy, "it takes subject.id == 'nobody'"},
		{"a Permit: errs, met", []int{forSupport, ownTicket}, permitWithoutContext, authz.LegPolicy, authz.ReasonConditionError, "only for support"},
		{"a Permit: met, errs", []int{ownTicket, forSupport}, permitWithoutContext, authz.LegPolicy, authz.ReasonConditionError, "only for support"},
		{"an entitlement: errs, unmet", []int{forSupport, never}, entitledWithoutContext, authz.LegSubject, authz.ReasonNotEntitled, "it takes subject.id == 'nobody'"},
		{"an entitlement: unmet, errs", []int{never, forSupport}, entitledWithoutContext, authz.LegSubject, authz.ReasonNotEntitled, "it takes subject.id == 'nobody'"},
		{"an entitlement: errs, met", []int{forSupport, ownTicket}, entitledWithoutContext, authz.LegSubject, authz.ReasonConditionError, "only for support"},
		{"an entitlement: met, errs", []int{ownTicket, forSupport}, entitledWithoutContext, authz.LegSubject, authz.ReasonConditionError, "only for support"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w, c.conditions)
			got := w.decide(t)
			if got.Allowed() || got.Leg != c.leg || got.Reason != c.reason || !strings.Contains(got.Message, c.message) {
				t.Errorf("got %+v, want %s at %s: %s", got.Denial, c.reason, c.leg, c.message)
			}
		})
	}
}

func permitWithoutContext(w *world, conditions []int) {
	w.request.Context, w.policy.Rules[0].Conditions = nil, conditions
}

func entitledWithoutContext(w *world, conditions []int) {
	w.request.Context, w.policy.Scopes[read].Entitlements[0].Conditions = nil, conditions
}
