// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/reference"
)

// disputes are the differences that are known, in which the text speaks for the model and the other side has not followed
// yet. A dispute that no longer comes up has to leave the table, so that it cannot hide another one.
var disputes = []struct {
	text    string
	applies func(comparison) bool
}{
	{
		"a subject of an issuer that is no TrustedIssuer does not count (DESIGN 1)",
		func(c comparison) bool { return !c.model.Believes(c.trial.Request.Subject.Issuer) },
	},
	{
		"a condition error is named only where nothing else stood in the way, a limit for example (authz.ReasonConditionError)",
		func(c comparison) bool {
			return c.got.Reason == authz.ReasonConditionError && c.want.Leg == authz.LegPolicy ||
				c.got.DryRun.Reason == authz.ReasonConditionError && c.want.DryRun.Leg == authz.LegPolicy
		},
	},
	{
		"a revoked grant is the business of the revocation leg, which comes before subject, actor, chain and policy (DESIGN 1)",
		func(c comparison) bool { return c.want.Leg == authz.LegRevocation && revokesGrant(c.world) },
	},
	{
		"a clock that is not set is no dry run (ResourceServer and DelegationPolicy, enforcement.until)",
		func(c comparison) bool { return c.trial.Now.Before(time.Unix(0, 0)) },
	},
	{
		"a selector with all and a list beside it is refused (SubjectSelector.all)",
		func(c comparison) bool { return saysAllAndMore(c.world) },
	},
	{
		"a '*' in any place but the end is refused, and counts as matched in a Forbid (ScopePattern)",
		func(c comparison) bool { return hasStarWithin(c.world) },
	},
}

// disputed is the index of the dispute that explains a difference; -1 where none does.
func (c comparison) disputed() int {
	for i, d := range disputes {
		if d.applies(c) {
			return i
		}
	}
	return -1
}

func assertStillDisputed(t *testing.T, counts *tally) {
	t.Helper()
	for i, d := range disputes {
		t.Logf("%8d  disputed: %s", counts.disputed[i], d.text)
		if counts.disputed[i] == 0 {
			t.Errorf("no longer disputed, so take it out of the table: %s", d.text)
		}
	}
}

func revokesGrant(w *reference.World) bool {
	return slices.ContainsFunc(w.Revocations, func(r v1alpha1.DelegationRevocation) bool { return r.Spec.Grant != nil })
}

func saysAllAndMore(w *reference.World) bool {
	both := func(s v1alpha1.SubjectSelector) bool {
		return s.All != nil && len(s.Users)+len(s.Usernames)+len(s.Groups) > 0
	}
	for _, server := range w.ResourceServers {
		for _, scope := range server.Spec.Scopes {
			if slices.ContainsFunc(scope.Entitlements, func(e v1alpha1.Entitlement) bool { return both(e.Subjects) }) {
				return true
			}
		}
	}
	return slices.ContainsFunc(w.Policies, func(p v1alpha1.DelegationPolicy) bool { return slices.ContainsFunc(p.Spec.Subjects, both) })
}

func hasStarWithin(w *reference.World) bool {
	for _, p := range w.Policies {
		for _, audience := range p.Spec.Audiences {
			if slices.ContainsFunc(audience.Scopes, func(s v1alpha1.ScopePattern) bool {
				return strings.Contains(string(s), "**") || strings.Contains(string(s), "t*")
			}) {
				return true
			}
		}
	}
	return false
}
