// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package delegationpolicy

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/internal/compile"
)

var now = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

func at(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(d)} }

func said(verdict conditions.Verdict) []string {
	var lines []string
	for _, c := range verdict.Conditions {
		lines = append(lines, c.Type+"="+string(c.Status)+" "+c.Reason+": "+c.Message)
	}
	return lines
}

func check(t *testing.T, verdict conditions.Verdict, want []string, next time.Time) {
	t.Helper()
	if !verdict.Known {
		t.Error("nothing is known")
	}
	if got := said(verdict); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if !verdict.Next.Equal(next) {
		t.Errorf("next look at %v, want %v", verdict.Next, next)
	}
}

// everywhere is an object that is accepted and that one authorizer enforces.
func everywhere() conditions.Outcome {
	return conditions.Outcome{
		Report:    compile.Report{Accepted: true, Reason: "Accepted", Message: "Compiled without errors."},
		Standings: []conditions.Standing{{Bundle: "support/tickets", Connected: 1}},
	}
}

const (
	accepted = "Accepted=True Accepted: Compiled without errors."
	enforced = "Enforced=True Enforced: Every live authorizer that serves it has acknowledged this generation."
	ready    = "Ready=True Ready: Accepted and enforced."
)

func TestDerive(t *testing.T) {
	cases := map[string]struct {
		enforcement v1alpha1.Enforcement
		outcome     conditions.Outcome
		want        []string
		next        time.Time
	}{
		"all is well": {
			outcome: everywhere(),
			want:    []string{accepted, enforced, ready},
		},
		"a dry run says until when it lets things through": {
			enforcement: v1alpha1.Enforcement{Mode: v1alpha1.EnforcementDryRun, Until: at(time.Hour)},
			outcome:     everywhere(),
			want: []string{
				accepted, enforced,
				"Ready=True DryRun: Dry run until 2026-06-01T11:00:00Z: what it denies is recorded and let through.",
			},
			next: now.Add(time.Hour),
		},
		"a dry run that nobody enforces yet": {
			enforcement: v1alpha1.Enforcement{Mode: v1alpha1.EnforcementDryRun, Until: at(time.Hour)},
			outcome: conditions.Outcome{
				Report:    everywhere().Report,
				Standings: []conditions.Standing{{Bundle: "support/tickets"}},
			},
			want: []string{
				accepted, "Enforced=False NoAuthorizers: No authorizer that may serve bundle support/tickets is connected.",
				"Ready=False NoAuthorizers: No authorizer that may serve bundle support/tickets is connected.",
			},
			next: now.Add(time.Hour),
		},
		"an older one holds what it claims": {
			outcome: conditions.Outcome{
				Report:   compile.Report{Reason: "Conflict"},
				Problems: []compile.Problem{{Field: "spec.audience", Message: "it is taken"}},
			},
			want: []string{
				"Accepted=False Conflict: spec.audience: it is taken",
				"Enforced=False NotAccepted: It is not accepted, so there is nothing to enforce.",
				"Stalled=True Conflict: spec.audience: it is taken", "Ready=False Conflict: spec.audience: it is taken",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			object := &v1alpha1.DelegationPolicy{}
			object.Spec.Enforcement = c.enforcement
			check(t, derive(object, c.outcome, now), c.want, c.next)
		})
	}
}
