// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package offline_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/offline"
)

const heading = "apiVersion: behalf.dev/v1alpha1\nkind: DelegationTest\n"

// folder writes files and goes there, so that names are short.
func folder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASuiteIsRead(t *testing.T) {
	folder(t, map[string]string{"tests/a.yaml": heading + `
manifests: [../manifests, more.yaml, /etc/manifests/]
now: "2026-06-01T10:00:00Z"
cases:
- name: one
  request: {actor: support/portal}
  expect: {decision: Allow, dryRun: {leg: policy}}
- name: two
  now: "2026-06-01T11:00:00Z"
  request: {}
  expect: {decision: Deny, leg: subject, reason: not_entitled}
`})
	suites, err := offline.ReadSuites([]string{"tests"})
	if err != nil {
		t.Fatal(err)
	}
	want := &offline.Suite{
		File: "tests/a.yaml", Manifests: []string{"manifests", "tests/more.yaml", "/etc/manifests"}, Now: at(10, 0),
		Cases: []offline.Case{
			{
				Name: "one", Line: 7, Request: &authz.Request{Actor: authz.Actor{Namespace: "support", ServiceAccount: "portal"}},
				Want: offline.Expectation{Outcome: authz.Allow, DryRun: &offline.Expectation{Leg: authz.LegPolicy}},
			},
			{
				Name: "two", Line: 10, Now: at(11, 0), Request: &authz.Request{},
				Want: offline.Expectation{Leg: authz.LegSubject, Reason: authz.ReasonNotEntitled},
			},
		},
	}
	if len(suites) != 1 || !reflect.DeepEqual(suites[0], want) {
		t.Errorf("read %+v, want %+v", suites[0], want)
	}
}

func TestSuitesAreFound(t *testing.T) {
	suite := func(name string) string {
		return heading + "manifests: [x]\ncases: [{name: " + name + ", request: {}, expect: {decision: Deny}}]\n"
	}
	folder(t, map[string]string{
		"a/1.yaml": suite("a") + "---\n" + suite("b"), "a/b/2.yml": suite("a"), "a/namespace.yaml": "apiVersion: v1\nkind: Namespace\n", "a/empty.yaml": "",
	})
	suites, err := offline.ReadSuites([]string{"a", "a/1.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range suites {
		got = append(got, s.File+" "+s.Cases[0].Name)
	}
	if want := "a/1.yaml a,a/1.yaml b,a/b/2.yml a"; strings.Join(got, ",") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestASuiteThatIsNoneIsRefused(t *testing.T) {
	expects := func(expect string) string {
		return heading + "manifests: [x]\ncases: [{name: a, request: {}, expect: " + expect + "}]\n"
	}
	for name, c := range map[string]struct{ written, says string }{
		"an unknown field": {
			heading + "manifests: [x]\ncase: []\n", "a.yaml:4: case: unknown field; did you mean cases?",
		},
		"an unknown field of a request": {
			heading + "manifests: [x]\ncases:\n- name: a\n  request:\n    subjet: {}\n", "a.yaml:7: cases[0].request.subjet: unknown field; did you mean subject?",
		},
		"an actor that is none": {
			heading + "manifests: [x]\ncases:\n- name: a\n  request:\n    actor: portal\n  expect: {decision: Deny}\n",
			`a.yaml:7: cases[0].request.actor: "portal" is no actor`,
		},
		"another version":               {strings.Replace(expects("{decision: Deny}"), "v1alpha1", "v1", 1), `a.yaml:1: apiVersion: is "behalf.dev/v1"; give behalf.dev/v1alpha1`},
		"no manifests":                  {heading + "cases: [{name: a, request: {}, expect: {decision: Deny}}]\n", "a.yaml:1: manifests: names nothing"},
		"manifests from standard input": {heading + "manifests: ['-']\ncases: [{name: a, request: {}, expect: {decision: Deny}}]\n", `a.yaml:3: manifests[0]: is "-"; give a file or a folder`},
		"no cases":                      {heading + "manifests: [x]\n", "a.yaml:1: cases: are none, so this tests nothing; add one"},
		"no cases at all":               {heading + "manifests: [x]\ncases: []\n", "a.yaml:4: cases: are none"},
		"a case without a name":         {heading + "manifests: [x]\ncases: [{request: {}, expect: {decision: Deny}}]\n", "a.yaml:4: cases[0].name: is missing"},
		"a case without a request":      {heading + "manifests: [x]\ncases: [{name: a, expect: {decision: Deny}}]\n", "a.yaml:4: cases[0].request: is missing"},
		"a case that expects nothing":   {heading + "manifests: [x]\ncases: [{name: a, request: {}}]\n", "a.yaml:4: cases[0].expect: is missing"},
		"two cases of one name": {
			heading + "manifests: [x]\ncases:\n- {name: a, request: {}, expect: {decision: Deny}}\n- {name: a, request: {}, expect: {decision: Deny}}\n",
			`a.yaml:6: cases[1].name: "a" is that of the case in line 5 too`,
		},
		"two cases of one name in two suites": {
			expects("{decision: Deny}") + "---\n" + expects("{decision: Deny}"), `a.yaml:9: "a" is the name of the case in line 4 too`,
		},
		"a decision that is none":             {expects("{decision: allow}"), `cases[0].expect.decision: is "allow"; give Allow or Deny`},
		"no decision":                         {expects("{leg: subject}"), `cases[0].expect.decision: is ""; give Allow or Deny`},
		"a reason for an Allow":               {expects("{decision: Allow, reason: revoked}"), "cases[0].expect.decision: is Allow, which has neither leg nor reason"},
		"a leg that is nearly one":            {expects("{decision: Deny, leg: subjects}"), `cases[0].expect.leg: "subjects" is no leg; did you mean subject?`},
		"a reason that is nearly one":         {expects("{decision: Deny, reason: not_entitle}"), `"not_entitle" is no reason; did you mean not_entitled?`},
		"a reason that is like none":          {expects("{decision: Deny, reason: because}"), `"because" is no reason; there are subject_missing, `},
		"a reason of a dry run that is none":  {expects("{decision: Allow, dryRun: {reason: because}}"), `cases[0].expect.dryRun.reason: "because" is no reason`},
		"another kind":                        {"apiVersion: v1\nkind: Namespace\n", "a.yaml:2: kind: is not that of a DelegationTest"},
		"a kind that stands twice":            {heading + "kind: Namespace\n", "a.yaml:3: kind: stands twice"},
		"nothing":                             {"", "a.yaml: holds no DelegationTest"},
		"what is no YAML":                     {"a: [", "a.yaml:1: cannot be read as YAML"},
		"an anchor that grows without bound":  {heading + "manifests: [x]\ncases: [{name: a, request: {context: &c {a: *c, b: *c}}}]\n", "is nested deeper than 64"}, // THREATS 43
		"a case that is taken in and no case": {heading + "manifests: [x]\ncases: [{<<: [a]}]\n", "cases[0]: << takes in objects only"},
	} {
		t.Run(name, func(t *testing.T) {
			folder(t, map[string]string{"a.yaml": c.written})
			_, err := offline.ReadSuites([]string{"a.yaml"})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v\nwant one that says %q", err, c.says)
			}
		})
	}
}

func TestAFolderWithoutSuitesIsAnError(t *testing.T) {
	folder(t, map[string]string{"a/namespace.yaml": "apiVersion: v1\nkind: Namespace\n"})
	for _, name := range []string{"a", "nowhere"} {
		if _, err := offline.ReadSuites([]string{name}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}
