// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/document"
	"behalf.dev/behalf/internal/offline"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference before it is committed")

var now = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

// Objects that decide in these tests.
var (
	tickets = authz.ObjectRef{Kind: "ResourceServer", Namespace: "support", Name: "tickets", Generation: 3}
	permit  = authz.ObjectRef{Kind: "DelegationPolicy", Name: "support-portal", Generation: 1}
	other   = authz.ObjectRef{Kind: "DelegationPolicy", Name: "support-night-shift", Generation: 2}
)

// asked is the request of these tests.
var asked = authz.Request{
	Subject: authz.Subject{Issuer: "corp", ID: "alice"},
	Actor:   authz.Actor{Namespace: "support", ServiceAccount: "portal"},
	Via:     []authz.Actor{{Namespace: "shop", ServiceAccount: "chat"}},
	HTTP:    &authz.HTTPRequest{Method: "DELETE", Host: "tickets.example", Path: "/tickets/42"},
}

var ticket = authz.Resource{Type: "ticket", ID: "42", Properties: map[string]any{"owner": "bob"}}

// explained is a decision with all that stood in its way.
func explained(d authz.Decision, obstacles ...authz.Denial) authz.Decision {
	authz.Explain(&d, told(obstacles), &asked, now)
	return d
}

// told are obstacles as an engine would tell them.
type told []authz.Denial

// Obstacles are what was told.
func (o told) Obstacles(*authz.Request, time.Time) []authz.Denial { return o }

var (
	notEntitled = authz.Denial{
		Leg: authz.LegSubject, Reason: authz.ReasonNotEntitled,
		Message: "corp:alice is not entitled to tickets:delete of https://tickets.example",
	}
	notDeclared = authz.Denial{
		Leg: authz.LegActor, Reason: authz.ReasonNotDeclared,
		Message: "support/portal does not declare tickets:delete of https://tickets.example in any ServiceDelegation",
	}
	forbidden = authz.Denial{
		Leg: authz.LegPolicy, Reason: authz.ReasonForbidden,
		Message: "DelegationPolicy no-deletions forbids support/portal to use tickets:delete for corp:alice",
	}
	nobody = authz.Denial{
		Leg: authz.LegIdentity, Reason: authz.ReasonSubjectMissing, Message: "no person stands behind the request",
	}
	hostile = authz.Denial{
		Leg: authz.LegSubject, Reason: authz.ReasonNotEntitled,
		Message: "corp:\x1b[2J\u202eecila\nAllow\t is not entitled",
	}
)

var decisions = map[string]checked{
	"allow": {&asked, authz.Decision{
		Outcome: authz.Allow, Audience: "https://tickets.example", Scope: "tickets:delete", Resource: ticket,
		ResourceServer: tickets, Revision: 1, Policies: []authz.ObjectRef{permit, other},
		Grant: &authz.ObjectRef{Kind: "DelegationGrant", Namespace: "support", Name: "delete-42", Generation: 2},
		Obligations: authz.Obligations{
			MaxTokenLifetime: 5 * time.Minute, NotAfter: now.Add(time.Hour), Disclose: []string{"department", "email"},
		},
	}, now},
	"deny": {&asked, explained(authz.Decision{
		Denial: notEntitled, Audience: "https://tickets.example", Scope: "tickets:delete", Resource: ticket, ResourceServer: tickets, Revision: 1,
	}, notEntitled, notDeclared), now},
	"deny-for-one-reason": {&asked, explained(authz.Decision{
		Denial: forbidden, Audience: "https://tickets.example", Scope: "tickets:delete", Resource: ticket, ResourceServer: tickets, Revision: 1,
		Policies: []authz.ObjectRef{{Kind: "DelegationPolicy", Name: "no-deletions", Generation: 1}},
	}, forbidden), now},
	"dry-run": {&asked, explained(authz.Decision{
		Outcome: authz.Allow, DryRun: &notEntitled,
		Audience: "https://tickets.example", Scope: "tickets:delete", Resource: ticket, ResourceServer: tickets, Revision: 1,
	}, notEntitled, notDeclared), now},
	"nobody": {&authz.Request{Audience: "https://tickets.example", Scope: "tickets:read"}, explained(authz.Decision{
		Denial: nobody, Audience: "https://tickets.example", Scope: "tickets:read",
	}, nobody), now},
	"hostile": {&authz.Request{Subject: authz.Subject{Issuer: "corp", ID: "\x1b[2J\u202eecila\nAllow\t"}}, explained(authz.Decision{
		Denial: hostile, Scope: "\x07",
	}, hostile, notDeclared), now},
}

func TestDecisionsAreTold(t *testing.T) {
	for name, answer := range decisions {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".txt", answer.text(plain))
			if name == "hostile" { // JSON keeps what was written
				return
			}
			golden(t, name+".json", mustRender(t, JSON, viewOf(answer.Decision, answer.At)))
		})
	}
	golden(t, "deny.color.txt", decisions["deny"].text(terminal))
	golden(t, "deny.yaml", mustRender(t, YAML, viewOf(decisions["deny"].Decision, now)))
}

func result(name string, line int, want offline.Expectation, decision string) offline.Result {
	return offline.Result{
		Case: offline.Case{Name: name, Line: line, Want: want, Request: &asked}, At: now, Got: decisions[decision].Decision,
	}
}

func reported() report {
	return report{passed: 3, failed: 5, outcomes: []offline.Outcome{
		{File: "tests/portal.yaml", Results: []offline.Result{
			result("a customer deletes nothing", 7, offline.Expectation{Leg: authz.LegSubject, Reason: authz.ReasonNotEntitled}, "deny"),
			result("with an approval", 19, offline.Expectation{Outcome: authz.Allow}, "allow"),
		}},
		{File: "tests/wrong.yaml", Results: []offline.Result{
			result("another leg", 7, offline.Expectation{Leg: authz.LegActor, Reason: authz.ReasonNotDeclared}, "deny"),
			result("too much is allowed", 14, offline.Expectation{}, "allow"),
			result("allowed by an unsaid dry run", 21, offline.Expectation{Outcome: authz.Allow}, "dry-run"),
			result("allowed by a dry run", 28, offline.Expectation{Outcome: authz.Allow, DryRun: &offline.Expectation{Leg: authz.LegSubject}}, "dry-run"),
			result("a dry run that there is not", 42, offline.Expectation{Outcome: authz.Allow, DryRun: &offline.Expectation{Leg: authz.LegSubject}}, "allow"),
			result("<&\"\x1b[2J]]>", 35, offline.Expectation{Outcome: authz.Allow}, "hostile"),
		}},
	}}
}

func TestReportsAreTold(t *testing.T) {
	r := reported()
	golden(t, "report.txt", r.text(plain, false))
	golden(t, "report.verbose.txt", r.text(plain, true))
	golden(t, "report.color.txt", r.text(terminal, true))
	golden(t, "report.json", mustRender(t, JSON, r.view()))
	junit, err := r.junit()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.junit.xml", junit)
}

func mustRender(t *testing.T, format Format, view any) []byte {
	t.Helper()
	out, err := structured(format, view)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run go test ./internal/cli -update and read what it wrote", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not as told:\n%s\nwant\n%s", file, got, want)
	}
}

func TestWarningsAreToldOnce(t *testing.T) {
	var out strings.Builder
	one := document.Fault{File: "a.yaml", Line: 1, Message: "has no effect\x07"}
	Streams{Err: &out}.warn([]*document.Fault{&one, {File: "b.yaml", Message: "neither"}, new(one)})
	if want := "Warning: a.yaml:1: has no effect\\u0007\nWarning: b.yaml: neither\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestErrorsAreToldOneToALine(t *testing.T) {
	for want, err := range map[string]error{
		"Error: nothing was decided: a\\nb\n":                         errors.New("a\nb"),
		"Error: nothing was decided, for 3 reasons:\n  a\n  b\n  c\n": errors.Join(errors.New("a"), errors.Join(errors.New("b"), errors.New("c"))),
	} {
		var out strings.Builder
		if code := (Streams{Err: &out}).fail("nothing was decided", err); code != Failed || out.String() != want {
			t.Errorf("exit %d and %q, want %q", code, out.String(), want)
		}
	}
}

// A decision that cannot be handed on must not pass for one.
func TestOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	var out strings.Builder
	if code := (Streams{Out: broken{}, Err: &out}).write([]byte("Allow\n"), nil, OK); code != Failed || !strings.Contains(out.String(), "disk full") {
		t.Errorf("exit %d and %q", code, out.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }
