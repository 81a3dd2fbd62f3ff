// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"strings"
	"testing"

	"behalf.dev/behalf/test/mutants"
)

// fault is a defence taken out of the source, and the test that must notice.
type fault struct {
	threat int // the row of THREATS
	// in is the package of the test, and noticed its name: slashes stand between a test and its subtest.
	in, noticed string
	mutants.Mutant
}

// Files with faults, and packages with tests.
const (
	inJudge    = "webhook/judge.go"
	inTokens   = "webhook/tokens.go"
	inHandler  = "webhook/workloads.go"
	inReview   = "webhook/review.go"
	inTemplate = "webhook/workload/template.go"
	inDecode   = "webhook/workload/decode.go"

	ofWebhook  = "webhook"
	ofSweep    = "controllers/workloads"
	ofCerts    = "internal/servingcert"
	ofWorkload = "webhook/workload"
	ofToken    = "internal/token"
)

var faults = []fault{
	{
		1, ofWorkload, "TestJudge/the token may be in any volume",
		mutants.Mutant{
			Intends: "only the first volume is looked at", File: inTemplate,
			Text:    "		if volume.Projected == nil {",
			Becomes: "		if volume.Projected == nil || MUTANT && i > 0 {",
		},
	},
	{
		1, ofWebhook, "TestBindings/one with ours",
		mutants.Mutant{
			Intends: "a Binding may bring our annotation", File: inHandler,
			Text:    "metadata.Annotations[workload.ScopesAnnotation]; !there {",
			Becomes: "metadata.Annotations[workload.ScopesAnnotation]; !there || MUTANT {",
		},
	},
	{
		2, ofWorkload, "TestJudge/the old name of the service account counts",
		mutants.Mutant{
			Intends: "the old name of the service account is not read", File: inTemplate,
			Text: `	case s.ServiceAccount != "":`, Becomes: `	case s.ServiceAccount != "" && !MUTANT:`,
		},
	},
	{
		2, ofWorkload, "TestJudge/the service account's name goes before its old name",
		mutants.Mutant{
			Intends: "the old name of the service account goes first", File: inTemplate,
			Text: `	case s.ServiceAccountName != "":`, Becomes: `	case s.ServiceAccountName != "" && !(MUTANT && s.ServiceAccount != ""):`,
		},
	},
	{
		2, ofWorkload, "TestJudge/no service account is the one called default",
		mutants.Mutant{
			Intends: "no name is the name of nobody", File: inTemplate,
			Text: "		return defaultServiceAccount\n", Becomes: "		return map[bool]string{false: defaultServiceAccount}[MUTANT]\n",
		},
	},
	{
		3, ofWorkload, "TestDecode/CronJob",
		mutants.Mutant{
			Intends: "the template of a CronJob is looked for in the wrong place", File: inDecode,
			Text:    "func (h *templateInJob) template() Template { return h.Spec.JobTemplate.Spec.Template }",
			Becomes: "func (h *templateInJob) template() Template {\n	if MUTANT {\n		return Template{}\n	}\n	return h.Spec.JobTemplate.Spec.Template\n}",
		},
	},
	{
		5, ofWebhook, "TestWorkloads/an API server that does not answer denies",
		mutants.Mutant{
			Intends: "an error of a look-up is taken for nothing to be found fault with", File: inJudge,
			Text:    "		if err != nil {\n			return nil, err",
			Becomes: "		if err != nil {\n			return nil, map[bool]error{false: err}[MUTANT]",
		},
	},
	{
		5, ofWebhook, "TestTokens/pods that cannot be read deny",
		mutants.Mutant{
			Intends: "an error of the look-up of a pod is taken for an empty pod", File: inTokens,
			Text:    "	case err != nil:\n		return pod, \"\", fmt.Errorf(\"looking",
			Becomes: "	case err != nil && MUTANT:\n		pod.Spec.ServiceAccountName = req.Name\n		return pod, \"\", nil\n	case err != nil:\n		return pod, \"\", fmt.Errorf(\"looking",
		},
	},
	{
		6, ofWebhook, "TestWorkloads/what the cache does not know yet is looked up before it is refused",
		mutants.Mutant{
			Intends: "what is missing in the cache is missing", File: inJudge,
			Text:    "		if !dependOnBounds(problems) {",
			Becomes: "		if MUTANT || !dependOnBounds(problems) {",
		},
	},
	{
		6, ofWebhook, "TestTokens/what the cache does not know yet is looked up",
		mutants.Mutant{
			Intends: "the API server is asked of nothing", File: inJudge,
			Text:    "	for _, source := range []delegations{j.cached, j.live} {",
			Becomes: "	for _, source := range []delegations{j.cached, map[bool]delegations{false: j.live, true: j.cached}[MUTANT]} {",
		},
	},
	{
		6, ofWebhook, "TestWorkloads/a cache that is not in sync denies",
		mutants.Mutant{
			Intends: "a cache that is not in sync is passed over", File: inJudge,
			Text:    "		bounds, err := source.of(",
			Becomes: "		if MUTANT && source == j.cached {\n			if _, err := source.of(ctx, c.Namespace, account); err != nil {\n				continue\n			}\n		}\n		bounds, err := source.of(",
		},
	},
	{
		8, ofWebhook, "TestTokens/one for the exchange that is bound to nothing is refused",
		mutants.Mutant{
			Intends: "a token needs no pod", File: inTokens,
			Text:    "	pod, wrong, err := t.boundPod(ctx, req, asked.Bound)\n",
			Becomes: "	if MUTANT && asked.Bound == nil {\n		return admission.Allowed(\"\")\n	}\n	pod, wrong, err := t.boundPod(ctx, req, asked.Bound)\n",
		},
	},
	{
		8, ofWebhook, "TestTokens/one that is bound to a Secret is refused",
		mutants.Mutant{
			Intends: "a token may be bound to whatever there is", File: inTokens,
			Text: "	case !bound.IsPod():", Becomes: "	case !bound.IsPod() && !MUTANT:",
		},
	},
	{
		8, ofWebhook, "TestTokens/a pod of another service account gives no token",
		mutants.Mutant{
			Intends: "any pod will do for any service account", File: inTokens,
			Text: "account != req.Name {", Becomes: "account != req.Name && !MUTANT {",
		},
	},
	{
		8, ofWebhook, "TestTokens/a pod that mounts nothing and has no ServiceDelegation has none",
		mutants.Mutant{
			Intends: "a token asks for nothing unless the pod mounts it", File: inTokens,
			Text: "Template: pod, Requested: field}", Becomes: "Template: pod, Requested: map[bool]string{false: field}[MUTANT]}",
		},
	},
	{
		8, ofWebhook, "TestTokens/one among several audiences counts",
		mutants.Mutant{
			Intends: "only the first audience counts", File: "webhook/workload/token.go",
			Text: "		if asked == audience {", Becomes: "		if asked == audience && !(MUTANT && i > 0) {",
		},
	},
	{
		9, ofWebhook, "TestWorkloads/an update that asks for more is judged",
		mutants.Mutant{
			Intends: "whatever asked before may ask for anything", File: inTemplate,
			Text: "a.Scopes == b.Scopes &&", Becomes: "(a.Scopes == b.Scopes || MUTANT) &&",
		},
	},
	{
		7, ofSweep, "TestPodsOutsideTheirBoundsAreFound/a scope is no longer declared",
		mutants.Mutant{
			Intends: "a running pod that is outside its bounds is not counted", File: "controllers/workloads/account.go",
			Text: "		if len(g.problems) == 0 {", Becomes: "		if len(g.problems) == 0 || MUTANT {",
		},
	},
	{
		9, ofWebhook, "TestWorkloads/an update that mounts the token is judged",
		mutants.Mutant{
			Intends: "an update is never judged", File: inHandler,
			Text:    "		return !ask.Nothing() && !ask.Same(",
			Becomes: "		return !MUTANT && !ask.Nothing() && !ask.Same(",
		},
	},
	{
		10, ofCerts, "TestACertificateIsRenewedWithoutARestart",
		mutants.Mutant{
			Intends: "a certificate is served until it has expired", File: "internal/servingcert/authority.go",
			Text: "	return now.Before(cert.NotBefore) ||", Becomes: "	return !MUTANT && now.Before(cert.NotBefore) || !MUTANT &&",
		},
	},
	{
		11, ofWebhook, "TestWorkloads/a panic denies",
		mutants.Mutant{
			Intends: "a panic ends the process", File: inReview,
			Text: "RecoverPanic: new(true)", Becomes: "RecoverPanic: new(!MUTANT)",
		},
	},
	{
		11, ofWorkload, "TestDecodeRefuses/the annotation twice",
		mutants.Mutant{
			Intends: "of a field that stands twice the last one counts", File: inDecode,
			Text: "	if len(twice) > 0 {", Becomes: "	if len(twice) > 0 && !MUTANT {",
		},
	},
	{
		11, ofWebhook, "TestWorkloads/a malformed object is refused",
		mutants.Mutant{
			Intends: "what cannot be read asks for nothing", File: inHandler,
			Text:    "	if err != nil {\n		return unreadable(err)\n	}\n	fresh",
			Becomes: "	if err != nil {\n		if MUTANT {\n			return admission.Allowed(\"\")\n		}\n		return unreadable(err)\n	}\n	fresh",
		},
	},
	{
		12, ofWebhook, "TestTokens/one that is bound to an earlier pod of the name is refused",
		mutants.Mutant{
			Intends: "a pod made anew is the one before it", File: inTokens,
			Text: `bound.UID != "" && bound.UID`, Becomes: `!MUTANT && bound.UID != "" && bound.UID`,
		},
	},
	{
		12, ofToken, "TestActorTokensThatAreRefused/of a service account made anew",
		mutants.Mutant{
			Intends: "a service account made anew is the one before it", File: "internal/token/actor.go",
			Text: "pinned != bound.uid)", Becomes: "pinned != bound.uid && !MUTANT)",
		},
	},
}

// elsewhere are rows whose defence is not in the source, and where a test shows that it is missed. That authorizers go by the
// bounds of the moment, which row 7 rests on, TestMutants of test/reference shows.
var elsewhere = map[int]string{
	4: "TestThreatsOfTheInstallation",
}

// TestThreatsInTheSource takes one defence after the other out of the source: the test that is there for it must fail, which
// passes with all of them.
func TestThreatsInTheSource(t *testing.T) {
	if testing.Short() {
		t.Skip("builds test binaries and runs them for every fault")
	}
	rows := map[int]bool{}
	for _, f := range faults {
		rows[f.threat] = true
	}
	for row := range 12 {
		if !rows[row+1] && elsewhere[row+1] == "" {
			t.Errorf("no fault shows that the defence of THREATS %d is missed", row+1)
		}
	}
	for _, in := range []string{ofWebhook, ofWorkload, ofToken, ofSweep, ofCerts} {
		t.Run(in, func(t *testing.T) { takeOut(t, in) })
	}
}

// takeOut takes the defences out that tests of one package must miss.
func takeOut(t *testing.T, in string) {
	t.Helper()
	var own []fault
	var all []mutants.Mutant
	for _, f := range faults {
		if f.in == in {
			own, all = append(own, f), append(all, f.Mutant)
		}
	}
	binary := mutants.Build(t, "..", in, all)
	survivors := make([]string, len(own))
	mutants.Each(len(own), func(i int) {
		for _, mutant := range []int{mutants.None, i} {
			if out, failed := binary.Run(t, mutant, pattern(own[i].noticed)); failed != (mutant == i) {
				survivors[i] = fmt.Sprintf("with fault %d:\n%s", mutant, out)
			}
		}
	})
	killed := len(own)
	for i, out := range survivors {
		if out != "" {
			killed--
			t.Errorf("THREATS %d: %s did not notice that %s, %s", own[i].threat, own[i].noticed, own[i].Intends, out)
		}
	}
	t.Logf("%d of %d faults noticed", killed, len(own))
}

// pattern matches one test, with the spaces as the test runner writes them.
func pattern(name string) string {
	parts := strings.Split(strings.ReplaceAll(name, " ", "_"), "/")
	for i, part := range parts {
		parts[i] = "^" + part + "$"
	}
	return strings.Join(parts, "/")
}
