// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package offline_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/manifest"
	"behalf.dev/behalf/internal/offline"
)

// manifests of one resource server, one service and one issuer.
const manifests = `
apiVersion: behalf.dev/v1alpha1
kind: TrustedIssuer
metadata: {name: corp}
spec: {url: https://idp.example, audiences: [behalf], algorithms: [ES256], keys: {type: Discovery}, scopes: {type: Unbounded}}
---
apiVersion: behalf.dev/v1alpha1
kind: ResourceServer
metadata: {name: tickets, namespace: support}
spec:
  audience: https://tickets.example
  scopes: [{name: tickets:read, entitlements: [{subjects: {issuer: corp, all: true}}]}]
---
apiVersion: behalf.dev/v1alpha1
kind: DelegationPolicy
metadata: {name: portal}
spec:
  effect: Permit
  actors: [{namespace: support, all: true}]
  subjects: [{issuer: corp, all: true}]
  audiences: [{audience: https://tickets.example, scopes: [tickets:read]}]
  limits: {maxSubjectAgeSeconds: 3600}
---
apiVersion: behalf.dev/v1alpha1
kind: ServiceDelegation
metadata: {name: portal, namespace: support}
spec: {serviceAccountName: portal, purpose: Show tickets, audiences: [{audience: https://tickets.example, scopes: [tickets:read]}]}
`

const question = `
subject: {issuer: corp, id: alice, authTime: "2026-06-01T09:30:00Z"}
actor: support/portal
audience: https://tickets.example
scope: tickets:read
`

func load(t *testing.T, text string) (*offline.World, error) {
	t.Helper()
	folder(t, map[string]string{"x.yaml": text})
	return offline.Load(t.Context(), manifest.Options{Files: []string{"x.yaml"}})
}

func world(t *testing.T, text string) *offline.World {
	t.Helper()
	w, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func request(t *testing.T, text string) *authz.Request {
	t.Helper()
	r, err := offline.ReadRequest("request.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type answer struct {
	outcome authz.Outcome
	leg     authz.Leg
	reason  authz.Reason
}

func answerOf(d authz.Decision) answer { return answer{d.Outcome, d.Leg, d.Reason} }

func TestAWorldDecides(t *testing.T) {
	w := world(t, manifests)
	for name, c := range map[string]struct {
		ask  string
		at   time.Time
		want answer
	}{
		"what is permitted": {question, at(10, 0), answer{outcome: authz.Allow}},
		"by the clock that is given": {
			question, at(11, 0), answer{authz.Deny, authz.LegPolicy, authz.ReasonSubjectTooOld},
		},
		"at the last time that can be written": {
			question, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), answer{authz.Deny, authz.LegPolicy, authz.ReasonSubjectTooOld},
		},
		"long before the sign-in": {
			question, time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), answer{authz.Deny, authz.LegPolicy, authz.ReasonSubjectTooOld},
		},
		"a person of an issuer that no manifest trusts": {
			strings.Replace(question, "issuer: corp", "issuer: crop", 1), at(10, 0), answer{authz.Deny, authz.LegIdentity, authz.ReasonTokenInvalid},
		},
		"a person of no issuer": {
			strings.Replace(question, "issuer: corp, ", "", 1), at(10, 0), answer{authz.Deny, authz.LegIdentity, authz.ReasonRequestMalformed},
		},
		"nobody": {
			"actor: support/portal\n", at(10, 0), answer{authz.Deny, authz.LegIdentity, authz.ReasonSubjectMissing},
		},
	} {
		t.Run(name, func(t *testing.T) {
			asked := request(t, c.ask)
			if got := answerOf(w.Decide(asked, c.at)); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if !reflect.DeepEqual(asked, request(t, c.ask)) {
				t.Error("the request was changed")
			}
		})
	}
}

func TestADecisionNamesWhatDecided(t *testing.T) {
	d := world(t, manifests).Decide(request(t, question), at(10, 0))
	if d.Revision != offline.Revision || d.ResourceServer != (authz.ObjectRef{Kind: "ResourceServer", Namespace: "support", Name: "tickets", Generation: 1}) {
		t.Errorf("decided by %+v in revision %d", d.ResourceServer, d.Revision)
	}
	if len(d.Policies) != 1 || d.Policies[0] != (authz.ObjectRef{Kind: "DelegationPolicy", Name: "portal", Generation: 1}) {
		t.Errorf("policies %+v", d.Policies)
	}
}

func TestWhatTheCompilerDoesNotAcceptIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ from, to, says string }{
		"a condition that does not compile": {
			"  effect: Permit\n", "  effect: Permit\n  conditions: [{expression: subject.nothing == 1}]\n",
			"x.yaml:19: DelegationPolicy portal: spec.conditions[0].expression: ",
		},
		"an audience that two claim": {
			"kind: TrustedIssuer\n", "kind: ResourceServer\nmetadata: {name: twin, namespace: support}\nspec: {audience: https://tickets.example, scopes: [{name: a}]}\n---\napiVersion: behalf.dev/v1alpha1\nkind: TrustedIssuer\n",
			"x.yaml:5: ResourceServer support/twin: spec.audience: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, strings.Replace(manifests, c.from, c.to, 1))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v\nwant one that says %q", err, c.says)
			}
		})
	}
}

func TestWhatHasNoEffectIsAWarning(t *testing.T) {
	w := world(t, strings.Replace(manifests, "scopes: [tickets:read]}]\n  limits", "scopes: [tickets:read]}, {audience: https://nowhere.example, scopes: [a]}]\n  limits", 1))
	if len(w.Warnings) != 1 || !strings.HasPrefix(w.Warnings[0].Error(), "x.yaml:21: DelegationPolicy portal: spec.audiences[1].audience: no ResourceServer has the audience") {
		t.Errorf("warnings %v", w.Warnings)
	}
}

func TestASuiteIsRun(t *testing.T) {
	folder(t, map[string]string{"x.yaml": manifests, "a.yaml": heading + `
manifests: [x.yaml]
now: "2026-06-01T10:00:00Z"
cases:
- {name: by the clock of the suite, request: &q {subject: {issuer: corp, id: alice, authTime: "2026-06-01T09:30:00Z"}, actor: support/portal, audience: "https://tickets.example", scope: "tickets:read"}, expect: {decision: Allow}}
- {name: by its own clock, now: "2026-06-01T11:00:00Z", request: *q, expect: {decision: Deny, leg: policy, reason: subject_too_old}}
- {name: not as expected, request: *q, expect: {decision: Deny}}
---
` + heading + `
manifests: [x.yaml]
cases:
- name: by the clock that is given
  request: {subject: {issuer: corp, id: alice, authTime: "2026-06-01T09:30:00Z"}, actor: support/portal, audience: "https://tickets.example", scope: "tickets:read"}
  expect: {decision: Deny, reason: subject_too_old}
`})
	suites, err := offline.ReadSuites([]string{"a.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]string{
		"":        "true true false true",
		"clock":   "true true true",
		"^by its": "true",
		"nobody":  "",
	} {
		r := offline.Runner{Now: at(12, 0), Only: regexp.MustCompile(pattern)}
		if _, err := r.Prepare(t.Context(), suites); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, suite := range suites {
			outcome := r.Run(suite)
			for i := range outcome.Results {
				got = append(got, map[bool]string{true: "true", false: "false"}[outcome.Results[i].Passed()])
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("of the cases that match %q: %v, want %s", pattern, got, want)
		}
	}
}

func TestManifestsOfASuiteThatAreWrong(t *testing.T) {
	folder(t, map[string]string{"a.yaml": heading + "manifests: [x.yaml]\ncases: [{name: a, request: {}, expect: {decision: Deny}}]\n"})
	suites, err := offline.ReadSuites([]string{"a.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	r := offline.Runner{}
	if _, err := r.Prepare(t.Context(), suites); err == nil || !strings.Contains(err.Error(), "x.yaml: no such file") {
		t.Errorf("error = %v", err)
	}
}

func TestWhatIsAsExpected(t *testing.T) {
	denied := authz.Decision{Denial: authz.Denial{Leg: authz.LegSubject, Reason: authz.ReasonNotEntitled}}
	allowed := authz.Decision{Outcome: authz.Allow}
	inDryRun := authz.Decision{Outcome: authz.Allow, DryRun: &authz.Denial{Leg: authz.LegPolicy, Reason: authz.ReasonForbidden}}
	dryRun := func(leg authz.Leg, reason authz.Reason) offline.Expectation {
		return offline.Expectation{Outcome: authz.Allow, DryRun: &offline.Expectation{Leg: leg, Reason: reason}}
	}
	for name, c := range map[string]struct {
		want offline.Expectation
		got  authz.Decision
		as   bool
	}{
		"an Allow":                             {offline.Expectation{Outcome: authz.Allow}, allowed, true},
		"an Allow for a Deny":                  {offline.Expectation{}, allowed, false},
		"a Deny for an Allow":                  {offline.Expectation{Outcome: authz.Allow}, denied, false},
		"a Deny by any leg":                    {offline.Expectation{}, denied, true},
		"a Deny by this leg":                   {offline.Expectation{Leg: authz.LegSubject}, denied, true},
		"a Deny by another leg":                {offline.Expectation{Leg: authz.LegActor}, denied, false},
		"a Deny for this reason":               {offline.Expectation{Reason: authz.ReasonNotEntitled}, denied, true},
		"a Deny for another reason":            {offline.Expectation{Leg: authz.LegSubject, Reason: authz.ReasonConditionError}, denied, false},
		"an Allow by a dry run that is said":   {dryRun(authz.LegPolicy, authz.ReasonForbidden), inDryRun, true},
		"an Allow by some dry run":             {dryRun("", ""), inDryRun, true},
		"an Allow by another dry run":          {dryRun(authz.LegPolicy, authz.ReasonNoPolicy), inDryRun, false},
		"an Allow by a dry run that is unsaid": {offline.Expectation{Outcome: authz.Allow}, inDryRun, false},
		"a dry run that there is not":          {dryRun(authz.LegPolicy, authz.ReasonForbidden), allowed, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := offline.Result{Case: offline.Case{Want: c.want}, Got: c.got}
			if r.Passed() != c.as {
				t.Errorf("%v, want %v", r.Passed(), c.as)
			}
		})
	}
}
