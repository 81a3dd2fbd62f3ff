// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"behalf.dev/behalf/internal/cli"
)

// asProgram has the test binary be kubectl-behalf, so that exit codes are those of a process.
const asProgram = "BEHALF_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

type outcome struct {
	code        int
	out, errors string
}

// kubectlBehalf runs what the program runs, in this process: schemas are compiled once for all tests.
func kubectlBehalf(t *testing.T, stdin string, arguments ...string) outcome {
	t.Helper()
	var out, errs strings.Builder
	code := run(t.Context(), arguments, cli.Streams{In: strings.NewReader(stdin), Out: &out, Err: &errs})
	return outcome{code, out.String(), errs.String()}
}

// process runs the program as a process of its own.
func process(t *testing.T, stdin string, arguments ...string) outcome {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self, arguments...)
	command.Env = append(os.Environ(), asProgram+"=yes")
	command.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err = command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{command.ProcessState.ExitCode(), out.String(), errs.String()}
}

// inFolder makes files and goes there. samples is a link to config/samples.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	samples, err := filepath.Abs("../../config/samples")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Symlink(samples, "samples"); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	own = `{subject: {issuer: corp, id: alice, groups: [customers], authTime: "2026-06-01T09:30:00Z"}, actor: support/portal,
  http: {method: GET, host: tickets.example, path: /customers/alice/tickets/42}, context: {purpose: support}}
`
	suite = `apiVersion: behalf.dev/v1alpha1
kind: DelegationTest
manifests: [samples]
cases:
- name: the portal reads the customer's own ticket
  request: &own ` + own + `
  expect: {decision: Allow}
- name: the portal acts for nobody
  request: {<<: *own, subject: {issuer: corp, id: ""}}
  expect: {decision: Deny, leg: identity, reason: subject_missing}
`
)

const now = "--now=2026-06-01T10:00:00Z"

var files = map[string]string{
	"own.yaml":     own,
	"others.json":  `{"subject": {"issuer": "corp", "id": "bob", "groups": ["customers"], "authTime": "2026-06-01T09:30:00Z"}, "actor": "support/portal", "http": {"method": "GET", "host": "tickets.example", "path": "/customers/alice/tickets/42"}, "context": {"purpose": "support"}}`,
	"slip.yaml":    strings.Replace(own, "actor", "acotr", 1),
	"suite.yaml":   suite,
	"wrong.yaml":   strings.Replace(suite, "decision: Allow", "decision: Deny", 1),
	"broken.yaml":  "apiVersion: behalf.dev/v1alpha1\nkind: DelegationPolicy\nmetadata: {name: x}\nspec: {efect: Permit}\n",
	"idle.yaml":    "apiVersion: behalf.dev/v1alpha1\nkind: DelegationRevocation\nmetadata: {name: x}\nspec: {subject: {issuer: crop, id: alice}}\n",
	"unnamed.yaml": "apiVersion: behalf.dev/v1alpha1\nkind: ServiceDelegation\nmetadata: {name: x}\nspec: {serviceAccountName: x, purpose: Sell, audiences: [{audience: https://crm.example, scopes: [crm:read]}]}\n",
}

func TestTheProcessExitsWithTheCode(t *testing.T) {
	inFolder(t, files)
	for arguments, want := range map[string]outcome{
		"check -f samples --request - " + now:          {code: 0, out: "Allow\n"},
		"test wrong.yaml " + now:                       {code: 1, out: "FAIL  wrong.yaml: 1 passed, 1 failed\n"},
		"check -f samples --request slip.yaml -o json": {code: 2, errors: "Error: nothing was decided: slip.yaml:1: acotr: unknown field"},
	} {
		got := process(t, own, strings.Fields(arguments)...)
		if got.code != want.code || !strings.HasPrefix(got.out, want.out) || !strings.HasPrefix(got.errors, want.errors) || strings.Contains(got.out, "\x1b") {
			t.Errorf("%s: %+v, want %+v", arguments, got, want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	inFolder(t, files)
	for name, c := range map[string]struct {
		arguments string
		stdin     string
		code      int
		out, errs string // what must be said; errs empty for silence
	}{
		"an Allow":                       {"check -f samples --request own.yaml " + now, "", 0, "Allow\n", ""},
		"a Deny":                         {"check -f samples --request others.json " + now, "", 1, "Deny  subject: not_entitled\n", ""},
		"a Deny by the present":          {"check -f samples --request own.yaml", "", 1, "Deny  policy: subject_too_old\n", ""},
		"several manifests":              {"check -f samples/support -f samples/issuer --request own.yaml " + now, "", 0, "Allow\n", ""},
		"manifests that trust no issuer": {"check -f samples/support --request own.yaml " + now, "", 1, "Deny  identity: token_invalid\n", "Warning: samples/support/security.yaml:8: DelegationPolicy support-portal: spec.subjects[0].issuer: no TrustedIssuer is named"},
		"a request on standard input":    {"check -f samples --request - " + now, own, 0, "Allow\n", ""},
		"manifests on standard input":    {"check -f - --request own.yaml " + now, "{apiVersion: behalf.dev/v1alpha1, kind: DelegationRevocation, metadata: {name: x}, spec: {token: x}}", 1, "Deny  identity: token_invalid\n", ""},
		"both on standard input":         {"check -f - --request -", own, 2, "", "cannot both come from standard input"},
		"a request with a slip":          {"check -f samples --request slip.yaml", "", 2, "", "Error: nothing was decided: slip.yaml:1: acotr: unknown field; did you mean actor?\n"},
		"a request that is not there":    {"check -f samples --request none.yaml", "", 2, "", "none.yaml: no such file"},
		"a manifest with a slip":         {"check -f samples -f broken.yaml --request own.yaml", "", 2, "", "broken.yaml:4: DelegationPolicy x: spec.efect: unknown field; did you mean effect?\n"},
		"manifests that are not there":   {"check -f nowhere --request own.yaml", "", 2, "", "nowhere: no such file"},
		"a manifest of no effect":        {"check -f samples -f idle.yaml --request own.yaml " + now, "", 0, "Allow\n", "Warning: idle.yaml:4: DelegationRevocation x: spec.subject.issuer: no TrustedIssuer is named \"crop\""},
		"an object without namespace":    {"check -f samples -f unnamed.yaml --request own.yaml", "", 2, "", "unnamed.yaml:3: ServiceDelegation x: metadata.namespace: is missing"},
		"a namespace for it":             {"check -f samples -f unnamed.yaml -n sales --request own.yaml " + now, "", 0, "Allow\n", "Warning: unnamed.yaml:4: "},
		"JUnit for one decision":         {"check -f samples --request own.yaml -o junit", "", 2, "", "output junit is for suites"},
		"no manifests":                   {"check --request own.yaml", "", 2, "", `required flag(s) "filename" not set`},
		"no request":                     {"check -f samples", "", 2, "", `required flag(s) "request" not set`},
		"a request beside the flag":      {"check -f samples --request own.yaml own.yaml", "", 2, "", "unknown command"},

		"a suite that passes":           {"test suite.yaml " + now, "", 0, "ok    suite.yaml: 2 passed\n2 passed, 0 failed\n", ""},
		"a suite that fails":            {"test wrong.yaml " + now, "", 1, "1 passed, 1 failed\n", ""},
		"both":                          {"test suite.yaml wrong.yaml " + now, "", 1, "3 passed, 1 failed\n", ""},
		"cases by name":                 {"test wrong.yaml --run nobody -v " + now, "", 0, "  ok    the portal acts for nobody\n1 passed, 0 failed\n", ""},
		"no case of that name":          {"test suite.yaml --run elephant", "", 2, "", "no case has a name that --run matches"},
		"an expression that is none":    {"test suite.yaml --run [", "", 2, "", "reading the expression"},
		"a suite that is none":          {"test own.yaml", "", 2, "", "own.yaml:1: kind: is not that of a DelegationTest"},
		"a suite that is not there":     {"test none.yaml", "", 2, "", "none.yaml: no such file"},
		"a suite that is not there too": {"test suite.yaml none.yaml", "", 2, "", "none.yaml: no such file"},
		"no suite":                      {"test", "", 2, "", "requires at least 1 arg"},

		"a format that there is not": {"test suite.yaml -o xml", "", 2, "", "there are json, yaml and junit"},
		"a time that is none":        {"test suite.yaml --now today", "", 2, "", `"today" is not a time as in RFC 3339`},
		"a flag that there is not":   {"test suite.yaml --at", "", 2, "", "unknown flag: --at\nSee kubectl behalf --help.\n"},
		"a command there is not":     {"chekc", "", 2, "", `unknown command "chekc"`},
		"help":                       {"--help", "", 0, "kubectl behalf [command]", ""},
		"help on test":               {"test --help", "", 0, "Exit codes: 0 where all decisions are as expected", ""},
		"the version":                {"version", "", 0, "kubectl-behalf ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := kubectlBehalf(t, c.stdin, strings.Fields(c.arguments)...)
			if got.code != c.code || !strings.Contains(got.out, c.out) || (c.out == "" && got.out != "") {
				t.Errorf("exit %d and %q, want %d and what says %q\n%s", got.code, got.out, c.code, c.out, got.errors)
			}
			if !strings.Contains(got.errors, c.errs) || (c.errs == "" && got.errors != "") {
				t.Errorf("errors %q, want what says %q", got.errors, c.errs)
			}
		})
	}
}

// The contract of DESIGN section 5: these five fields, leg and reason empty on allow.
func TestADecisionForPrograms(t *testing.T) {
	inFolder(t, files)
	for request, want := range map[string]string{
		"own.yaml":    `{"decision":"Allow","leg":"","message":"","policies":["support-portal"],"reason":""}`,
		"others.json": `{"decision":"Deny","leg":"subject","message":"corp:bob is not entitled to tickets:read here: only the customer's own tickets","policies":[],"reason":"not_entitled"}`,
	} {
		var got map[string]any
		if err := json.Unmarshal([]byte(kubectlBehalf(t, "", "check", "-f", "samples", "--request", request, now, "-o", "json").out), &got); err != nil {
			t.Fatal(err)
		}
		contract := map[string]any{}
		for _, field := range []string{"decision", "leg", "reason", "message", "policies"} {
			contract[field] = got[field]
		}
		if raw, err := json.Marshal(contract); err != nil || string(raw) != want {
			t.Errorf("%s: %s, %v; want %s", request, raw, err, want)
		}
	}
}

func TestADecisionNamesWhatItRestsOnAndAllThatStoodInTheWay(t *testing.T) {
	inFolder(t, map[string]string{
		"chain.yaml": `{subject: {issuer: corp, id: alice, groups: [customers]}, via: [shop/checkout], actor: billing/invoices,
  audience: "https://ledger.example", scope: "ledger:read", resource: {type: account, id: a-1, properties: {owner: alice}},
  token: {scopes: ["ledger:read"], expiresAt: "2026-06-01T11:00:00Z"}}`,
		"copilot.yaml": `{subject: {issuer: corp, id: sam}, actor: sales/copilot, audience: "https://crm.example", scope: "crm:delete"}`,
	})
	type view struct {
		Objects     []struct{ Kind, Namespace, Name string }
		Obligations struct{ NotAfter string }
		Obstacles   []struct{ Leg, Reason string }
	}
	for request, want := range map[string]string{
		"chain.yaml": "[{ResourceServer billing ledger} {DelegationPolicy  ledger-for-customers} {ServiceDelegation billing invoices}" +
			" {ServiceDelegation shop checkout}] {2026-06-01T11:00:00Z} []",
		"copilot.yaml": "[{ResourceServer sales crm}] {} [{subject not_entitled} {actor not_declared} {policy no_policy}]",
	} {
		var got view
		if err := json.Unmarshal([]byte(kubectlBehalf(t, "", "check", "-f", "samples", "--request", request, now, "-o", "json").out), &got); err != nil {
			t.Fatal(err)
		}
		if told := fmt.Sprint(got.Objects, got.Obligations, got.Obstacles); told != want {
			t.Errorf("%s: %s\nwant %s", request, told, want)
		}
	}
}

func TestAReportForPipelines(t *testing.T) {
	inFolder(t, files)
	got := kubectlBehalf(t, "", "test", "wrong.yaml", now, "-o", "junit")
	var report struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	if err := xml.Unmarshal([]byte(got.out), &report); err != nil {
		t.Fatal(err)
	}
	if got.code != 1 || report.Tests != 2 || report.Failures != 1 {
		t.Errorf("exit %d, %+v", got.code, report)
	}
	for _, format := range []string{"json", "yaml"} {
		if got := kubectlBehalf(t, "", "test", "wrong.yaml", now, "-o", format); got.code != 1 || !strings.Contains(got.out, "failed") {
			t.Errorf("%s: exit %d: %s", format, got.code, got.out)
		}
	}
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	inFolder(t, files)
	for _, arguments := range []string{"check -f samples --request own.yaml -o json " + now, "test wrong.yaml -o junit " + now} {
		first := kubectlBehalf(t, "", strings.Fields(arguments)...)
		if again := kubectlBehalf(t, "", strings.Fields(arguments)...); again != first {
			t.Errorf("%s:\n%+v\nthen\n%+v", arguments, first, again)
		}
	}
}
