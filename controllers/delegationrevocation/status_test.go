// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package delegationrevocation

import (
	"slices"
	"testing"
	"time"

	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/internal/compile"
)

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
	lagging := everywhere()
	lagging.Standings[0].Bundle, lagging.Standings[0].Revision = "revocations", 3
	lagging.Standings[0].Lagging = []string{"behalf-system/authorizer@a"}
	cases := map[string]struct {
		outcome conditions.Outcome
		want    []string
	}{
		"every authorizer has the list with it": {
			outcome: everywhere(),
			want:    []string{accepted, enforced, ready},
		},
		"an authorizer lags: the incident is not over yet": {
			outcome: lagging,
			want: []string{
				accepted, "Enforced=False Lagging: 1 authorizer has not acknowledged revision 3 of bundle revocations yet: behalf-system/authorizer@a.",
				"Ready=False Lagging: 1 authorizer has not acknowledged revision 3 of bundle revocations yet: behalf-system/authorizer@a.",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { check(t, derive(c.outcome), c.want, time.Time{}) })
	}
}
