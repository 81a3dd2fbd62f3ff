// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"testing"
	"time"
)

func TestTheZeroValueOfEveryDecisionTypeDenies(t *testing.T) {
	if (Decision{}).Allowed() {
		t.Error("the zero Decision allows")
	}
	if Outcome(0) != Deny || Outcome(0).String() != "Deny" || Allow.String() != "Allow" || Outcome(7).String() != "Deny" {
		t.Error("the zero Outcome does not deny")
	}
	if (Subject{}).Present() || (Actor{}).Present() {
		t.Error("somebody is there who is not named")
	}
	if got := (Denial{}).ForUser(); got != "You or the service acting for you may not do this." {
		t.Errorf("the zero Denial tells people %q", got)
	}
}

func TestEveryReasonTellsPeopleWhatToDo(t *testing.T) {
	for reason, want := range map[Reason]string{
		ReasonSubjectMissing:   "Sign in first.",
		ReasonTokenExpired:     "Your sign-in is no longer accepted here. Sign in again.",
		ReasonStaleBundle:      "This cannot be decided right now. Try again later.",
		ReasonGrantRequired:    "This needs an approval that is not there.",
		ReasonRequestMalformed: "The request is malformed.",
		ReasonForbidden:        "You or the service acting for you may not do this.",
		Reason("a new one"):    "You or the service acting for you may not do this.",
	} {
		if got := reason.ForUser(); got != want {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
	seen := map[Reason]bool{}
	for _, reason := range Reasons() {
		if reason.ForUser() == "" || seen[reason] {
			t.Errorf("%s says nothing, or stands twice", reason)
		}
		seen[reason] = true
	}
}

func TestTheLegsStandInTheOrderOfTheDesign(t *testing.T) {
	want := []Leg{"identity", "freshness", "resource", "revocation", "token", "subject", "actor", "chain", "policy", "grant"}
	if got := Legs(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestNamesAsPeopleReadThem(t *testing.T) {
	for got, want := range map[string]string{
		(Subject{Issuer: "corp", ID: "alice"}).String():                            "corp:alice",
		(Actor{"support", "portal"}).String():                                      "support/portal",
		(ObjectRef{Kind: "DelegationPolicy", Name: "p"}).String():                  "DelegationPolicy p",
		(ObjectRef{Kind: "ServiceDelegation", Namespace: "n", Name: "d"}).String(): "ServiceDelegation n/d",
		QualifiedScope("https://tickets.example", "tickets:read"):                  "https://tickets.example#tickets:read",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestADecisionListsItsObjectsInOneOrder(t *testing.T) {
	named := func(kind string) ObjectRef { return ObjectRef{Kind: kind, Name: "x"} }
	grant, revocation := named("DelegationGrant"), named("DelegationRevocation")
	d := Decision{
		ResourceServer: named("ResourceServer"), Policies: []ObjectRef{named("DelegationPolicy")}, Grant: &grant, Revocation: &revocation,
		Declarations: [MaxChainDepth]*Declaration{{Sources: []ObjectRef{named("ServiceDelegation")}}},
	}
	want := []ObjectRef{named("ResourceServer"), named("DelegationPolicy"), named("ServiceDelegation"), grant, revocation}
	if got := d.Objects(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if got := (Decision{}).Objects(); got != nil {
		t.Errorf("the zero Decision rests on %v", got)
	}
}

type explainer func(*Request, time.Time) []Denial

func (e explainer) Obstacles(r *Request, at time.Time) []Denial { return e(r, at) }

func TestObstaclesAreFoundForTheRequestAndTimeOfTheDecision(t *testing.T) {
	request, at := &Request{Scope: "a"}, time.Unix(7, 0)
	why := []Denial{{Leg: LegActor, Reason: ReasonNotDeclared}}
	var d Decision
	Explain(&d, explainer(func(r *Request, when time.Time) []Denial {
		if r != request || !when.Equal(at) {
			t.Errorf("asked about %v at %s", r, when)
		}
		return why
	}), request, at)
	if got := d.Obstacles(); !slices.Equal(got, why) {
		t.Errorf("got %v", got)
	}
	if got := (Decision{Outcome: Allow}).Obstacles(); got != nil {
		t.Errorf("something stands in the way of an Allow: %v", got)
	}
}

func FuzzParseActor(f *testing.F) {
	for _, seed := range []string{"support/portal", "", "/", "a/", "/b", "a/b/c", "a//b", "a\x00/b", "system:serviceaccount:a:b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		actor, err := ParseActor(text)
		if err == nil && (actor.String() != text || !actor.Present()) {
			t.Errorf("%q was read as %q", text, actor)
		}
		if err != nil && actor != (Actor{}) {
			t.Errorf("%q is refused and yet gives %q", text, actor)
		}
	})
}
