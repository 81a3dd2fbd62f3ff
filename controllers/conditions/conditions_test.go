// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/compile"
)

var now = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

// said is a condition as one line.
func said(c metav1.Condition) string {
	return c.Type + "=" + string(c.Status) + " " + c.Reason + ": " + c.Message
}

func check(t *testing.T, got metav1.Condition, want string) {
	t.Helper()
	if said(got) != want {
		t.Errorf("got  %s\nwant %s", said(got), want)
	}
}

func acceptedReport(bundles ...string) compile.Report {
	return compile.Report{
		Object: authz.ObjectRef{Kind: "DelegationPolicy", Name: "p", Generation: 3}, Accepted: true,
		Reason: "Accepted", Message: "Compiled without errors.", Bundles: bundles,
	}
}

func refusedReport(bundles ...string) compile.Report {
	r := acceptedReport(bundles...)
	r.Accepted, r.Reason, r.Message = false, "Invalid", "spec.x: it is wrong"
	return r
}

func TestAccepted(t *testing.T) {
	fault := compile.Problem{Field: "spec.a", Reason: "Invalid", Message: "it is wrong; mend it", Severity: compile.Error}
	hint := compile.Problem{Field: "spec.b", Reason: "NoEffect", Message: "nobody has it yet", Severity: compile.Warning}
	cases := map[string]struct {
		outcome Outcome
		want    string
	}{
		"all is well": {
			outcome: Outcome{Report: acceptedReport()},
			want:    "Accepted=True Accepted: Compiled without errors.",
		},
		"a warning is told and does no harm": {
			outcome: Outcome{Report: acceptedReport(), Problems: []compile.Problem{hint}},
			want:    "Accepted=True Accepted: spec.b: nobody has it yet",
		},
		"an error names its field": {
			outcome: Outcome{Report: refusedReport(), Problems: []compile.Problem{fault}},
			want:    "Accepted=False Invalid: spec.a: it is wrong; mend it",
		},
		"of several errors the first is told and the rest counted, warnings left out": {
			outcome: Outcome{Report: refusedReport(), Problems: []compile.Problem{hint, fault, fault, fault}},
			want:    "Accepted=False Invalid: spec.a: it is wrong; mend it (and 2 more)",
		},
		"an error without problems says what the report says": {
			outcome: Outcome{Report: refusedReport()},
			want:    "Accepted=False Invalid: spec.x: it is wrong",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { check(t, Accepted(c.outcome), c.want) })
	}
}

func TestEnforced(t *testing.T) {
	standIn := refusedReport("support/tickets")
	standIn.StandIn = true
	cases := map[string]struct {
		outcome Outcome
		want    string
	}{
		"every authorizer has it": {
			outcome: Outcome{Report: acceptedReport("a/b"), Standings: []Standing{{Bundle: "a/b", Connected: 2}}},
			want:    "Enforced=True Enforced: Every live authorizer that serves it has acknowledged this generation.",
		},
		"the text does not change with the number of authorizers (THREATS 44)": {
			outcome: Outcome{Report: acceptedReport("a/b"), Standings: []Standing{{Bundle: "a/b", Connected: 700}}},
			want:    "Enforced=True Enforced: Every live authorizer that serves it has acknowledged this generation.",
		},
		"it is in no bundle": {
			outcome: Outcome{Report: acceptedReport()},
			want:    "Enforced=False NoEffect: It is part of no bundle: no resource server that it names exists or is accepted yet.",
		},
		"nobody serves one of its bundles": {
			outcome: Outcome{Report: acceptedReport("a/b", "c/d"), Standings: []Standing{{Bundle: "a/b", Connected: 1}, {Bundle: "c/d"}}},
			want:    "Enforced=False NoAuthorizers: No authorizer that may serve bundle c/d is connected.",
		},
		"it is in no bundle, and the compiler knows why": {
			outcome: Outcome{Report: acceptedReport(), Problems: []compile.Problem{
				{Field: "spec.audiences[0].scopes[1]", Message: "https://x.example has no scope x:read", Severity: compile.Warning},
			}},
			want: "Enforced=False NoEffect: spec.audiences[0].scopes[1]: https://x.example has no scope x:read",
		},
		"nobody serves it any more, and all that did hold it": {
			outcome: Outcome{Report: acceptedReport("a/b"), Standings: []Standing{
				{Bundle: "a/b", Revision: 7, Acked: 2, LastGone: now},
			}},
			want: "Enforced=False NoAuthorizers: No authorizer that may serve bundle a/b is connected; the last went at 2026-06-01T10:00:00Z: " +
				"2 authorizers have acknowledged revision 7 of bundle a/b.",
		},
		"nobody serves it any more, and one of those that did does not hold it": {
			outcome: Outcome{Report: acceptedReport("a/b"), Standings: []Standing{
				{Bundle: "a/b", Revision: 7, Acked: 1, LastGone: now, Lagging: []string{"x/y@1 (gone since 09:59:00Z, counts until 10:59:00Z)"}},
			}},
			want: "Enforced=False NoAuthorizers: No authorizer that may serve bundle a/b is connected; the last went at 2026-06-01T10:00:00Z: " +
				"1 authorizer has acknowledged revision 7 of bundle a/b; 1 authorizer has not acknowledged revision 7 of bundle a/b: " +
				"x/y@1 (gone since 09:59:00Z, counts until 10:59:00Z).",
		},
		"one lags": {
			outcome: Outcome{Report: acceptedReport("a/b"), Standings: []Standing{
				{Bundle: "a/b", Revision: 7, Connected: 2, Lagging: []string{"x/y@1"}},
			}},
			want: "Enforced=False Lagging: 1 authorizer has not acknowledged revision 7 of bundle a/b yet: x/y@1.",
		},
		"one is expected and was not heard of (THREATS 39)": {
			outcome: Outcome{Report: acceptedReport("a/b"), Standings: []Standing{
				{Bundle: "a/b", Revision: 7, Connected: 1, Lagging: []string{"x/z (not heard of since the manager started)"}},
			}},
			want: "Enforced=False Lagging: 1 authorizer has not acknowledged revision 7 of bundle a/b yet: x/z (not heard of since the manager started).",
		},
		"of many laggards in several bundles three are named, each once": {
			outcome: Outcome{Report: acceptedReport("c/d", "a/b"), Standings: []Standing{
				{Bundle: "c/d", Revision: 8, Connected: 9, Lagging: []string{"1", "2", "4"}},
				{Bundle: "a/b", Revision: 7, Connected: 9, Lagging: []string{"5", "3", "1"}},
			}},
			want: "Enforced=False Lagging: 5 authorizers have not acknowledged revision 7 of bundle a/b or that of 1 more bundle yet: 1, 2, 3 and 2 more.",
		},
		"a refusal comes before laggards": {
			outcome: Outcome{Report: acceptedReport("a/b"), Standings: []Standing{{
				Bundle: "a/b", Connected: 3, Lagging: []string{"x"},
				Refusals: []Refusal{{Authorizer: "z", Message: "no"}, {Authorizer: "y", Message: "unloadable: bad condition"}},
			}}},
			want: "Enforced=False Rejected: y refused it: unloadable: bad condition (and 1 more refusals)",
		},
		"not accepted and nowhere": {
			outcome: Outcome{Report: refusedReport()},
			want:    "Enforced=False NotAccepted: It is not accepted, so there is nothing to enforce.",
		},
		"not accepted, the last good form stands in": {
			outcome: Outcome{Report: standIn, Standings: []Standing{{Bundle: "support/tickets", Connected: 1}}},
			want:    "Enforced=False NotAccepted: This generation is not accepted; the last one that was stays in force.",
		},
		"not accepted, in force as far as it can be made out": {
			outcome: Outcome{Report: refusedReport("a/b"), Standings: []Standing{{Bundle: "a/b", Connected: 1}}},
			want:    "Enforced=False NotAccepted: It is not accepted; what can be made out of it stays in force, on the side that lets less happen.",
		},
		"nothing is known at all": {
			outcome: Outcome{},
			want:    "Enforced=False NotAccepted: It is not accepted, so there is nothing to enforce.",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { check(t, Enforced(c.outcome), c.want) })
	}
}

func TestConclude(t *testing.T) {
	good := True("Accepted", "Accepted", "fine")
	cases := map[string]struct {
		judged []metav1.Condition
		want   []string
	}{
		"all holds": {
			judged: []metav1.Condition{good, True("Enforced", "Enforced", "all")},
			want:   []string{"Accepted=True Accepted: fine", "Enforced=True Enforced: all", "Ready=True Ready: Accepted and enforced."},
		},
		"the first that does not hold is the summary": {
			judged: []metav1.Condition{good, False("WithinPolicy", "Excess", "too much"), False("Enforced", "Lagging", "x")},
			want: []string{
				"Accepted=True Accepted: fine", "WithinPolicy=False Excess: too much", "Enforced=False Lagging: x",
				"Ready=False Excess: too much",
			},
		},
		"what only a person can mend is stalled, and Ready stays last": {
			judged: []metav1.Condition{False("Accepted", "Invalid", "wrong"), False("Enforced", "NotAccepted", "nothing")},
			want: []string{
				"Accepted=False Invalid: wrong", "Enforced=False NotAccepted: nothing", "Stalled=True Invalid: wrong", "Ready=False Invalid: wrong",
			},
		},
		"what is unknown is not ready and not stalled": {
			judged: []metav1.Condition{good, Unknown("KeysFetched", "Pending", "wait")},
			want:   []string{"Accepted=True Accepted: fine", "KeysFetched=Unknown Pending: wait", "Ready=Unknown Pending: wait"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, condition := range Conclude(Ready(Outcome{}), c.judged...) {
				got = append(got, said(condition))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestReadyTellsOfWarnings(t *testing.T) {
	hint := compile.Problem{Field: "spec.subjects[0].issuer", Message: "no TrustedIssuer is called crop", Severity: compile.Warning}
	whole := compile.Problem{Message: "nobody can use it", Severity: compile.Warning}
	cases := map[string]struct {
		problems []compile.Problem
		want     string
	}{
		"none":                       {want: "Ready=True Ready: Accepted and enforced."},
		"one":                        {problems: []compile.Problem{hint}, want: "Ready=True AcceptedWithWarnings: Accepted and enforced, with 1 warning: spec.subjects[0].issuer: no TrustedIssuer is called crop"},
		"two":                        {problems: []compile.Problem{hint, whole}, want: "Ready=True AcceptedWithWarnings: Accepted and enforced, with 2 warnings: spec.subjects[0].issuer: no TrustedIssuer is called crop"},
		"one about the whole object": {problems: []compile.Problem{whole}, want: "Ready=True AcceptedWithWarnings: Accepted and enforced, with 1 warning: nobody can use it"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { check(t, Ready(Outcome{Problems: c.problems}), c.want) })
	}
}

func TestDryRun(t *testing.T) {
	at := func(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(d)} }
	cases := map[string]struct {
		enforcement v1alpha1.Enforcement
		want        string
		next        time.Time
	}{
		"enforced": {
			enforcement: v1alpha1.Enforcement{Mode: v1alpha1.EnforcementEnforce},
			want:        "Ready=True Ready: Accepted and enforced.",
		},
		"nothing said": {
			want: "Ready=True Ready: Accepted and enforced.",
		},
		"a dry run that runs": {
			enforcement: v1alpha1.Enforcement{Mode: v1alpha1.EnforcementDryRun, Until: at(time.Hour)},
			want:        "Ready=True DryRun: Dry run until 2026-06-01T11:00:00Z: what it denies is recorded and let through.",
			next:        now.Add(time.Hour),
		},
		"a dry run that is over": {
			enforcement: v1alpha1.Enforcement{Mode: v1alpha1.EnforcementDryRun, Until: at(0)},
			want:        "Ready=True Ready: Accepted and enforced.",
		},
		"a dry run without an end is none": {
			enforcement: v1alpha1.Enforcement{Mode: v1alpha1.EnforcementDryRun},
			want:        "Ready=True Ready: Accepted and enforced.",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, next := DryRun(c.enforcement, Outcome{}, now)
			check(t, got, c.want)
			if !next.Equal(c.next) {
				t.Errorf("next look at %v, want %v", next, c.next)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	earlier, later := metav1.NewTime(now.Add(-time.Hour)), metav1.NewTime(now)
	existing := []metav1.Condition{
		{Type: "Accepted", Status: "True", Reason: "Accepted", LastTransitionTime: earlier, ObservedGeneration: 1},
		{Type: "WorkloadsWithinBounds", Status: "False", Reason: "OutsideBounds", LastTransitionTime: earlier, ObservedGeneration: 1},
		{Type: "Reviewed", Status: "False", Reason: "Beyond", LastTransitionTime: earlier, ObservedGeneration: 1},
		{Type: "Stalled", Status: "True", Reason: "Invalid", LastTransitionTime: earlier, ObservedGeneration: 1},
		{Type: "Ready", Status: "False", Reason: "Invalid", LastTransitionTime: earlier, ObservedGeneration: 1},
	}
	derived := []metav1.Condition{
		True("Accepted", "Accepted", "x"), Unsaid("WorkloadsWithinBounds"), Unsaid("WithinPolicy"), True("Enforced", "Enforced", "y"), True("Ready", "Ready", "z"),
	}
	want := []metav1.Condition{
		{Type: "Accepted", Status: "True", Reason: "Accepted", Message: "x", LastTransitionTime: earlier, ObservedGeneration: 2},
		{Type: "WorkloadsWithinBounds", Status: "False", Reason: "OutsideBounds", LastTransitionTime: earlier, ObservedGeneration: 1},
		{Type: "Enforced", Status: "True", Reason: "Enforced", Message: "y", LastTransitionTime: later, ObservedGeneration: 2},
		{Type: "Reviewed", Status: "False", Reason: "Beyond", LastTransitionTime: earlier, ObservedGeneration: 1},
		{Type: "Ready", Status: "True", Reason: "Ready", Message: "z", LastTransitionTime: later, ObservedGeneration: 2},
	}
	got := Merge(existing, derived, 2, later)
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if again := Merge(got, derived, 2, metav1.NewTime(now.Add(time.Hour))); !slices.Equal(again, want) {
		t.Errorf("merging the same again gave %+v", again)
	}
}

func TestLongMessagesAreCutBetweenCharacters(t *testing.T) {
	got := Merge(nil, []metav1.Condition{False("Ready", "Invalid", strings.Repeat("ä", 5000))}, 1, metav1.NewTime(now))[0].Message
	if len(got) > 4096 || !utf8.ValidString(got) || !strings.HasSuffix(got, "ä…") {
		t.Errorf("got %d bytes, ending %q", len(got), got[len(got)-8:])
	}
}

func TestChanged(t *testing.T) {
	usual := []metav1.Condition{True("Accepted", "Accepted", "x"), False("Enforced", "Lagging", "y"), False("Ready", "Lagging", "y")}
	cases := map[string]struct {
		// before is the usual where nil.
		before, after []metav1.Condition
		want          []string
	}{
		"nothing but a message": {
			after: []metav1.Condition{True("Accepted", "Accepted", "new"), False("Enforced", "Lagging", "new"), False("Ready", "Lagging", "new")},
		},
		"the message of a warning, once and not again for Ready": {
			before: []metav1.Condition{False("WithinPolicy", "Excess", "2 of 2"), False("Ready", "Excess", "2 of 2")},
			after:  []metav1.Condition{False("WithinPolicy", "Excess", "1 of 2"), False("Ready", "Excess", "1 of 2")},
			want:   []string{"WithinPolicy"},
		},
		"a message that was too long, as it was": {
			before: []metav1.Condition{False("WithinPolicy", "Excess", strings.Repeat("x", 4093)+"…")},
			after:  []metav1.Condition{False("WithinPolicy", "Excess", strings.Repeat("x", 5000))},
		},
		"Ready repeats what is told already": {
			after: []metav1.Condition{True("Accepted", "Accepted", "x"), True("Enforced", "Enforced", "y"), True("Ready", "Ready", "z")},
			want:  []string{"Enforced"},
		},
		"what pods do is told on their workloads": {
			after: append([]metav1.Condition{False("WorkloadsWithinBounds", "OutsideBounds", "x")}, usual...),
		},
		"Ready says something of its own": {
			after: []metav1.Condition{True("Accepted", "Accepted", "x"), False("Enforced", "Lagging", "y"), True("Ready", "ReviewOverdue", "z")},
			want:  []string{"Ready"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before := c.before
			if before == nil {
				before = usual
			}
			var got []string
			for _, changed := range Changed(before, c.after) {
				got = append(got, changed.Type)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
