// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"
)

const webhooks = "../../config/webhook/manifests.yaml"

// installed are the webhooks that judge workloads, by name.
func installed(t *testing.T) map[string]admissionregistrationv1.ValidatingWebhook {
	t.Helper()
	text, err := os.ReadFile(webhooks)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]admissionregistrationv1.ValidatingWebhook{}
	for _, document := range bytes.Split(text, []byte("\n---\n"))[1:] {
		var configuration admissionregistrationv1.ValidatingWebhookConfiguration
		if err := yaml.Unmarshal(document, &configuration); err != nil {
			t.Fatal(err)
		}
		for _, w := range configuration.Webhooks {
			if configuration.Kind == "ValidatingWebhookConfiguration" && strings.HasSuffix(w.Name, ".workloads.behalf.dev") {
				all[w.Name] = w
			}
		}
	}
	return all
}

func at(path string) place {
	return place{metadata: below(path + ".?metadata"), spec: below(path + ".?spec")}
}

// What reaches the policies is what reaches the webhooks.
func TestMatchConditionsAreThoseOfTheWebhooks(t *testing.T) {
	places := map[string]place{
		"pods.workloads.behalf.dev":         inPod,
		"templates.workloads.behalf.dev":    at(".?spec.?template"),
		"cronjobs.workloads.behalf.dev":     at(".?spec.?jobTemplate.?spec.?template"),
		"podtemplates.workloads.behalf.dev": at(".?template"),
	}
	all := installed(t)
	for name, in := range places {
		want := map[string]string{"asks-for-delegation": in.asks("behalf-exchange"), "asks-anew": in.asksAnew()}
		got := map[string]string{}
		for _, c := range all[name].MatchConditions {
			got[c.Name] = c.Expression
		}
		if len(got) != len(want) {
			t.Errorf("%s has the conditions %v", name, got)
		}
		for condition, expression := range want {
			if spelt(got[condition]) != spelt(expression) {
				t.Errorf("%s, %s: the webhook's is\n%s\nand ours is\n%s", name, condition, spelt(got[condition]), spelt(expression))
			}
		}
	}
	if got := all["bindings.workloads.behalf.dev"].MatchConditions; len(got) != 1 || spelt(got[0].Expression) != spelt(inPod.annotation("object")+".hasValue()") {
		t.Errorf("of Bindings the webhook has %v", got)
	}
}

// spelt is an expression without what is only how it is written.
func spelt(expression string) string {
	return strings.NewReplacer(" ", "", "\n", "", "'", `"`).Replace(expression)
}

// THREATS 3, 4: kinds, subresources, operations and namespaces are the webhooks'.
func TestPoliciesCoverWhatTheWebhooksCover(t *testing.T) {
	byPolicy := map[string][]string{
		PodsBounds: {"pods.workloads.behalf.dev"}, PodsNamespaces: {"pods.workloads.behalf.dev"}, Bindings: {"bindings.workloads.behalf.dev"},
	}
	for _, name := range []string{TemplatesSyntax, TemplatesBounds, TemplatesNamespaces} {
		byPolicy[name] = []string{"templates.workloads.behalf.dev", "cronjobs.workloads.behalf.dev", "podtemplates.workloads.behalf.dev"}
	}
	all, covered := installed(t), map[string]bool{}
	for _, p := range Policies(shipped) {
		names := byPolicy[p.Policy.Name]
		if len(names) == 0 {
			if p.Policy.Name != Guard {
				t.Errorf("%s covers what no webhook does", p.Policy.Name)
			}
			continue
		}
		want := map[string]bool{}
		for _, name := range names {
			covered[name] = true
			for _, r := range all[name].Rules {
				add(want, r)
			}
			if got := p.Policy.Spec.MatchConstraints; !reflect.DeepEqual(got.NamespaceSelector, all[name].NamespaceSelector) || *got.MatchPolicy != *all[name].MatchPolicy {
				t.Errorf("%s leaves out %v by %s, and %s %v by %s", p.Policy.Name,
					got.NamespaceSelector, *got.MatchPolicy, name, all[name].NamespaceSelector, *all[name].MatchPolicy)
			}
		}
		got := map[string]bool{}
		for _, r := range p.Policy.Spec.MatchConstraints.ResourceRules {
			add(got, r.RuleWithOperations)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s covers %v, and the webhooks cover %v", p.Policy.Name, got, want)
		}
	}
	for name := range all {
		if !covered[name] && name != tokens {
			t.Errorf("no policy covers %s", name)
		}
	}
}

// tokens is a webhook about requests for tokens. Those have no annotation, and whose they are is for the exchange to judge.
const tokens = "tokens.workloads.behalf.dev"

func add(to map[string]bool, r admissionregistrationv1.RuleWithOperations) {
	for _, resource := range r.Resources {
		for _, operation := range r.Operations {
			to[strings.Join([]string{r.APIGroups[0], r.APIVersions[0], resource, string(operation)}, " ")] = true
		}
	}
}
