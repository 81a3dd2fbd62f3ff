// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"testing"

	"behalf.dev/behalf/test/mutants"
)

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

// faults are defences taken out of the source.
var faults = []mutants.Fault{
	{
		Threat: 1, In: ofWorkload, Noticed: "TestJudge/the token may be in any volume",
		Mutant: mutants.Mutant{
			Intends: "only the first volume is looked at", File: inTemplate,
			Text:    "		if volume.Projected == nil {",
			Becomes: "		if volume.Projected == nil || MUTANT && i > 0 {",
		},
	},
	{
		Threat: 1, In: ofWebhook, Noticed: "TestBindings/one with ours",
		Mutant: mutants.Mutant{
			Intends: "a Binding may bring our annotation", File: inHandler,
			Text:    "metadata.Annotations[workload.ScopesAnnotation]; !there {",
			Becomes: "metadata.Annotations[workload.ScopesAnnotation]; !there || MUTANT {",
		},
	},
	{
		Threat: 2, In: ofWorkload, Noticed: "TestJudge/the old name of the service account counts",
		Mutant: mutants.Mutant{
			Intends: "the old name of the service account is not read", File: inTemplate,
			Text: `	case s.ServiceAccount != "":`, Becomes: `	case s.ServiceAccount != "" && !MUTANT:`,
		},
	},
	{
		Threat: 2, In: ofWorkload, Noticed: "TestJudge/the service account's name goes before its old name",
		Mutant: mutants.Mutant{
			Intends: "the old name of the service account goes first", File: inTemplate,
			Text: `	case s.ServiceAccountName != "":`, Becomes: `	case s.ServiceAccountName != "" && !(MUTANT && s.ServiceAccount != ""):`,
		},
	},
	{
		Threat: 2, In: ofWorkload, Noticed: "TestJudge/no service account is the one called default",
		Mutant: mutants.Mutant{
			Intends: "no name is the name of nobody", File: inTemplate,
			Text: "		return defaultServiceAccount\n", Becomes: "		return map[bool]string{false: defaultServiceAccount}[MUTANT]\n",
		},
	},
	{
		Threat: 3, In: ofWorkload, Noticed: "TestDecode/CronJob",
		Mutant: mutants.Mutant{
			Intends: "the template of a CronJob is looked for in the wrong place", File: inDecode,
			Text:    "func (h *templateInJob) template() Template { return h.Spec.JobTemplate.Spec.Template }",
			Becomes: "func (h *templateInJob) template() Template {\n	if MUTANT {\n		return Template{}\n	}\n	return h.Spec.JobTemplate.Spec.Template\n}",
		},
	},
	{
		Threat: 5, In: ofWebhook, Noticed: "TestWorkloads/an API server that does not answer denies",
		Mutant: mutants.Mutant{
			Intends: "an error of a look-up is taken for nothing to be found fault with", File: inJudge,
			Text:    "		if err != nil {\n			return nil, err",
			Becomes: "		if err != nil {\n			return nil, map[bool]error{false: err}[MUTANT]",
		},
	},
	{
		Threat: 5, In: ofWebhook, Noticed: "TestTokens/pods that cannot be read deny",
		Mutant: mutants.Mutant{
			Intends: "an error of the look-up of a pod is taken for an empty pod", File: inTokens,
			Text:    "	case err != nil:\n		return pod, \"\", fmt.Errorf(\"looking",
			Becomes: "	case err != nil && MUTANT:\n		pod.Spec.ServiceAccountName = req.Name\n		return pod, \"\", nil\n	case err != nil:\n		return pod, \"\", fmt.Errorf(\"looking",
		},
	},
	{
		Threat: 6, In: ofWebhook, Noticed: "TestWorkloads/what the cache does not know yet is looked up before it is refused",
		Mutant: mutants.Mutant{
			Intends: "what is missing in the cache is missing", File: inJudge,
			Text:    "		if !dependOnBounds(problems) {",
			Becomes: "		if MUTANT || !dependOnBounds(problems) {",
		},
	},
	{
		Threat: 6, In: ofWebhook, Noticed: "TestTokens/what the cache does not know yet is looked up",
		Mutant: mutants.Mutant{
			Intends: "the API server is asked of nothing", File: inJudge,
			Text:    "	for _, source := range []delegations{j.cached, j.live} {",
			Becomes: "	for _, source := range []delegations{j.cached, map[bool]delegations{false: j.live, true: j.cached}[MUTANT]} {",
		},
	},
	{
		Threat: 6, In: ofWebhook, Noticed: "TestWorkloads/a cache that is not in sync denies",
		Mutant: mutants.Mutant{
			Intends: "a cache that is not in sync is passed over", File: inJudge,
			Text:    "		bounds, err := source.of(",
			Becomes: "		if MUTANT && source == j.cached {\n			if _, err := source.of(ctx, c.Namespace, account); err != nil {\n				continue\n			}\n		}\n		bounds, err := source.of(",
		},
	},
	{
		Threat: 8, In: ofWebhook, Noticed: "TestTokens/one for the exchange that is bound to nothing is refused",
		Mutant: mutants.Mutant{
			Intends: "a token needs no pod", File: inTokens,
			Text:    "	pod, wrong, err := t.boundPod(ctx, req, asked.Bound)\n",
			Becomes: "	if MUTANT && asked.Bound == nil {\n		return admission.Allowed(\"\")\n	}\n	pod, wrong, err := t.boundPod(ctx, req, asked.Bound)\n",
		},
	},
	{
		Threat: 8, In: ofWebhook, Noticed: "TestTokens/one that is bound to a Secret is refused",
		Mutant: mutants.Mutant{
			Intends: "a token may be bound to whatever there is", File: inTokens,
			Text: "	case !bound.IsPod():", Becomes: "	case !bound.IsPod() && !MUTANT:",
		},
	},
	{
		Threat: 8, In: ofWebhook, Noticed: "TestTokens/a pod of another service account gives no token",
		Mutant: mutants.Mutant{
			Intends: "any pod will do for any service account", File: inTokens,
			Text: "account != req.Name {", Becomes: "account != req.Name && !MUTANT {",
		},
	},
	{
		Threat: 8, In: ofWebhook, Noticed: "TestTokens/a pod that mounts nothing and has no ServiceDelegation has none",
		Mutant: mutants.Mutant{
			Intends: "a token asks for nothing unless the pod mounts it", File: inTokens,
			Text: "Template: pod, Requested: field}", Becomes: "Template: pod, Requested: map[bool]string{false: field}[MUTANT]}",
		},
	},
	{
		Threat: 8, In: ofWebhook, Noticed: "TestTokens/one among several audiences counts",
		Mutant: mutants.Mutant{
			Intends: "only the first audience counts", File: "webhook/workload/token.go",
			Text: "		if asked == audience {", Becomes: "		if asked == audience && !(MUTANT && i > 0) {",
		},
	},
	{
		Threat: 9, In: ofWebhook, Noticed: "TestWorkloads/an update that asks for more is judged",
		Mutant: mutants.Mutant{
			Intends: "whatever asked before may ask for anything", File: inTemplate,
			Text: "a.Scopes == b.Scopes &&", Becomes: "(a.Scopes == b.Scopes || MUTANT) &&",
		},
	},
	{
		Threat: 7, In: ofSweep, Noticed: "TestPodsOutsideTheirBoundsAreFound/a scope is no longer declared",
		Mutant: mutants.Mutant{
			Intends: "a running pod that is outside its bounds is not counted", File: "controllers/workloads/account.go",
			Text: "		if len(g.problems) == 0 {", Becomes: "		if len(g.problems) == 0 || MUTANT {",
		},
	},
	{
		Threat: 9, In: ofWebhook, Noticed: "TestWorkloads/an update that mounts the token is judged",
		Mutant: mutants.Mutant{
			Intends: "an update is never judged", File: inHandler,
			Text:    "		return !ask.Nothing() && !ask.Same(",
			Becomes: "		return !MUTANT && !ask.Nothing() && !ask.Same(",
		},
	},
	{
		Threat: 10, In: ofCerts, Noticed: "TestACertificateIsRenewedWithoutARestart",
		Mutant: mutants.Mutant{
			Intends: "a certificate is served until it has expired", File: "internal/servingcert/authority.go",
			Text: "	return now.Before(cert.NotBefore) ||", Becomes: "	return !MUTANT && now.Before(cert.NotBefore) || !MUTANT &&",
		},
	},
	{
		Threat: 11, In: ofWebhook, Noticed: "TestWorkloads/a panic denies",
		Mutant: mutants.Mutant{
			Intends: "a panic ends the process", File: inReview,
			Text: "RecoverPanic: new(true)", Becomes: "RecoverPanic: new(!MUTANT)",
		},
	},
	{
		Threat: 11, In: ofWorkload, Noticed: "TestDecodeRefuses/the annotation twice",
		Mutant: mutants.Mutant{
			Intends: "of a field that stands twice the last one counts", File: inDecode,
			Text: "	if len(twice) > 0 {", Becomes: "	if len(twice) > 0 && !MUTANT {",
		},
	},
	{
		Threat: 11, In: ofWebhook, Noticed: "TestWorkloads/a malformed object is refused",
		Mutant: mutants.Mutant{
			Intends: "what cannot be read asks for nothing", File: inHandler,
			Text:    "	if err != nil {\n		return unreadable(err)\n	}\n	fresh",
			Becomes: "	if err != nil {\n		if MUTANT {\n			return admission.Allowed(\"\")\n		}\n		return unreadable(err)\n	}\n	fresh",
		},
	},
	{
		Threat: 12, In: ofWebhook, Noticed: "TestTokens/one that is bound to an earlier pod of the name is refused",
		Mutant: mutants.Mutant{
			Intends: "a pod made anew is the one before it", File: inTokens,
			Text: `bound.UID != "" && bound.UID`, Becomes: `!MUTANT && bound.UID != "" && bound.UID`,
		},
	},
	{
		Threat: 12, In: ofToken, Noticed: "TestActorTokensThatAreRefused/of a service account made anew",
		Mutant: mutants.Mutant{
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
		rows[f.Threat] = true
	}
	for row := range 12 {
		if !rows[row+1] && elsewhere[row+1] == "" {
			t.Errorf("no fault shows that the defence of THREATS %d is missed", row+1)
		}
	}
	mutants.TakeOut(t, "..", faults)
}
