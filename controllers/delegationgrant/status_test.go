// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package delegationgrant

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
		spec    v1alpha1.DelegationGrantSpec
		outcome conditions.Outcome
		want    []string
		next    time.Time
	}{
		"an approved grant within its time": {
			spec:    v1alpha1.DelegationGrantSpec{State: v1alpha1.GrantApproved, NotAfter: *at(time.Hour)},
			outcome: everywhere(),
			want:    []string{accepted, enforced, ready},
			next:    now.Add(time.Hour),
		},
		"a grant that waits is in progress, not stalled": {
			spec:    v1alpha1.DelegationGrantSpec{State: v1alpha1.GrantRequested, NotAfter: *at(time.Hour)},
			outcome: conditions.Outcome{Report: everywhere().Report},
			want:    []string{accepted, "Enforced=False Pending: It waits for an approver.", "Ready=False Pending: It waits for an approver."},
			next:    now.Add(time.Hour),
		},
		"a grant that was denied": {
			spec: v1alpha1.DelegationGrantSpec{
				State: v1alpha1.GrantDenied, NotAfter: *at(time.Hour), Approver: &v1alpha1.Approver{Username: "carol@example.com"},
			},
			outcome: conditions.Outcome{Report: everywhere().Report},
			want: []string{
				accepted, "Enforced=False Denied: Denied by carol@example.com.",
				"Stalled=True Denied: Denied by carol@example.com.", "Ready=False Denied: Denied by carol@example.com.",
			},
			next: now.Add(time.Hour),
		},
		"a grant whose time is over, though authorizers still hold it": {
			spec:    v1alpha1.DelegationGrantSpec{State: v1alpha1.GrantApproved, NotAfter: *at(0)},
			outcome: everywhere(),
			want: []string{
				accepted, "Enforced=False Expired: It ended at 2026-06-01T10:00:00Z.",
				"Stalled=True Expired: It ended at 2026-06-01T10:00:00Z.", "Ready=False Expired: It ended at 2026-06-01T10:00:00Z.",
			},
		},
		"a grant that is invalid says so first": {
			spec: v1alpha1.DelegationGrantSpec{State: v1alpha1.GrantRequested, NotAfter: *at(time.Hour)},
			outcome: conditions.Outcome{
				Report:   compile.Report{Reason: "Invalid"},
				Problems: []compile.Problem{{Field: "spec.scopes[0]", Message: "no such thing"}},
			},
			want: []string{
				"Accepted=False Invalid: spec.scopes[0]: no such thing", "Enforced=False Pending: It waits for an approver.",
				"Stalled=True Invalid: spec.scopes[0]: no such thing", "Ready=False Invalid: spec.scopes[0]: no such thing",
			},
			next: now.Add(time.Hour),
		},
		"an approved grant that no resource server knows": {
			spec:    v1alpha1.DelegationGrantSpec{State: v1alpha1.GrantApproved, NotAfter: *at(time.Hour)},
			outcome: conditions.Outcome{Report: everywhere().Report},
			want: []string{
				accepted, "Enforced=False NoEffect: It is part of no bundle: no resource server that it names exists or is accepted yet.",
				"Ready=False NoEffect: It is part of no bundle: no resource server that it names exists or is accepted yet.",
			},
			next: now.Add(time.Hour),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			check(t, derive(&v1alpha1.DelegationGrant{Spec: c.spec}, c.outcome, now), c.want, c.next)
		})
	}
}
