// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package servicedelegation

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/controllers/workloads"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/webhook/workload"
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

const withinBoundsHolds = "WorkloadsWithinBounds=True WithinBounds: No running pod of the service account asks for more than it is given."

const withinPolicyHolds = "WithinPolicy=True WithinPolicy: Every declared scope has effect."

func TestDerive(t *testing.T) {
	excess := func(scopes ...v1alpha1.ScopeName) []v1alpha1.ExcessScope {
		var out []v1alpha1.ExcessScope
		for _, s := range scopes {
			out = append(out, v1alpha1.ExcessScope{Audience: "https://a.example", Scope: s, Reason: "NoPolicy"})
		}
		return out
	}
	beyond := everywhere()
	beyond.Report.Excess = excess("a", "b", "c", "d")
	beyond.Report.Excess[1].To = &v1alpha1.ServiceAccountReference{Namespace: "billing", ServiceAccount: "invoices"}
	beyond.Report.Effective = []v1alpha1.AudienceScopes{{Audience: "https://a.example", Scopes: []v1alpha1.ScopeName{"e"}}}
	one := everywhere()
	one.Report.Excess = excess("a")
	const four = "4 of 5 declared scopes have no effect: https://a.example#a (NoPolicy); https://a.example#b onward to billing/invoices (NoPolicy); " +
		"https://a.example#c (NoPolicy); and 1 more. See status.excess."
	cases := map[string]struct {
		reviewBy *metav1.Time
		outcome  conditions.Outcome
		want     []string
		next     time.Time
	}{
		"all is well": {
			outcome: everywhere(),
			want:    []string{accepted, withinPolicyHolds, withinBoundsHolds, enforced, ready},
		},
		"a review lies ahead": {
			reviewBy: at(time.Hour),
			outcome:  everywhere(),
			want:     []string{accepted, withinPolicyHolds, withinBoundsHolds, enforced, ready},
			next:     now.Add(time.Hour),
		},
		"a review is overdue, which changes no decision": {
			reviewBy: at(0),
			outcome:  everywhere(),
			want: []string{
				accepted, withinPolicyHolds, withinBoundsHolds, enforced,
				"Ready=True ReviewOverdue: Accepted and enforced; somebody should have looked at it again by 2026-06-01T10:00:00Z.",
			},
		},
		"scopes without effect are named, a few and a count": {
			outcome: beyond,
			want:    []string{accepted, "WithinPolicy=False Excess: " + four, withinBoundsHolds, enforced, "Ready=False Excess: " + four},
		},
		"one scope without effect": {
			outcome: one,
			want: []string{
				accepted, "WithinPolicy=False Excess: 1 of 1 declared scopes has no effect: https://a.example#a (NoPolicy). See status.excess.",
				withinBoundsHolds, enforced, "Ready=False Excess: 1 of 1 declared scopes has no effect: https://a.example#a (NoPolicy). See status.excess.",
			},
		},
		"nothing is said about policy where the object is not accepted": {
			outcome: conditions.Outcome{
				Report:   compile.Report{Reason: "Invalid"},
				Problems: []compile.Problem{{Field: "spec.onward[0]", Message: "it leads back to itself"}},
			},
			want: []string{
				"Accepted=False Invalid: spec.onward[0]: it leads back to itself",
				withinBoundsHolds,
				"Enforced=False NotAccepted: It is not accepted, so there is nothing to enforce.",
				"Stalled=True Invalid: spec.onward[0]: it leads back to itself", "Ready=False Invalid: spec.onward[0]: it leads back to itself",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sd := &v1alpha1.ServiceDelegation{Spec: v1alpha1.ServiceDelegationSpec{ReviewBy: c.reviewBy}}
			check(t, derive(sd, c.outcome, within(workloads.Standing{}, true), now), c.want, c.next)
		})
	}
}

// THREATS 7.
func TestRunningPodsOutsideAreToldAndLeaveReadyAsItIs(t *testing.T) {
	problem := workload.Problem{Field: "metadata.annotations[behalf.dev/scopes]", Message: "scope a is not declared"}
	cases := map[string]struct {
		standing workloads.Standing
		known    bool
		want     string
	}{
		"nobody is outside": {known: true, want: withinBoundsHolds},
		"one is": {
			workloads.Standing{Outside: 1, Named: []string{"p"}, Problem: problem, Undeclared: true},
			true,
			"WorkloadsWithinBounds=False OutsideBounds: 1 running pod asks for more than the service account is given: p. " +
				"The first: metadata.annotations[behalf.dev/scopes]: scope a is not declared.",
		},
		"many are, for what has no effect": {
			workloads.Standing{Outside: 10000, Named: []string{"p", "q", "r"}, Problem: problem},
			true,
			"WorkloadsWithinBounds=False OutsidePolicy: 10000 running pods ask for more than the service account is given: p, q, r and 9997 more. " +
				"The first: metadata.annotations[behalf.dev/scopes]: scope a is not declared.",
		},
		"nobody knows yet, and what stands there is left as it is": {want: "WorkloadsWithinBounds= : "},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := derive(&v1alpha1.ServiceDelegation{}, everywhere(), within(c.standing, c.known), now)
			check(t, got, []string{accepted, withinPolicyHolds, c.want, enforced, ready}, time.Time{})
		})
	}
}

func TestStatusListsNoMoreThanTheAPIServerTakes(t *testing.T) {
	many := func(n, message int) []v1alpha1.ExcessScope {
		return slices.Repeat([]v1alpha1.ExcessScope{{Audience: "https://a.example", Scope: "abc", Message: strings.Repeat("ä", message)}}, n)
	}
	cases := map[string]struct {
		excess []v1alpha1.ExcessScope
		want   int
	}{
		"none":                       {excess: nil, want: 0},
		"a hundred of many":          {excess: many(512, 1), want: 100},
		"as many long ones as fit":   {excess: many(100, 500), want: 40},
		"none that is longer itself": {excess: many(100, 5000), want: 39},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := listed(c.excess)
			if len(got) != c.want {
				t.Errorf("lists %d, want %d", len(got), c.want)
			}
			for _, e := range got {
				if len(e.Message) > 1024 || !utf8.ValidString(e.Message) {
					t.Fatalf("a message of %d bytes", len(e.Message))
				}
			}
		})
	}
}
