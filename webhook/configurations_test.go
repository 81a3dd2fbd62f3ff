// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"behalf.dev/behalf/internal/upkeep"
)

func shipped() Installation {
	return Installation{Namespace: DefaultNamespace, Service: DefaultService, ExchangeAudience: DefaultExchangeAudience}
}

// adapted gives the webhooks of both configurations as the API server reads them, by name; those that mutate last.
func adapted(t *testing.T, i Installation) map[string]admissionregistrationv1.ValidatingWebhook {
	t.Helper()
	objects, err := Configurations(i)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]admissionregistrationv1.ValidatingWebhook{}
	for _, object := range objects {
		var configuration admissionregistrationv1.ValidatingWebhookConfiguration // what we need of the other is spelt the same
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &configuration); err != nil {
			t.Fatal(err)
		}
		for _, webhook := range configuration.Webhooks {
			all[object.GetName()+"/"+webhook.Name] = webhook
		}
	}
	return all
}

// What the manager restores is what was installed, or the two would undo each other's work.
func TestTheShippedInstallationIsTheManifest(t *testing.T) {
	raw, err := os.ReadFile(manifests)
	if err != nil {
		t.Fatal(err)
	}
	want, err := upkeep.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Configurations(shipped())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// THREATS 10: wherever Behalf is installed, its own namespace is left out, and no other but kube-system.
func TestAnotherInstallationIsFollowed(t *testing.T) {
	cases := map[string]struct {
		change    func(*Installation)
		exclusion []string
		client    string
	}{
		"in another namespace":   {func(i *Installation) { i.Namespace = "security" }, []string{"kube-system", "security"}, "security/behalf-manager"},
		"in kube-system":         {func(i *Installation) { i.Namespace = "kube-system" }, []string{"kube-system"}, "kube-system/behalf-manager"},
		"behind another Service": {func(i *Installation) { i.Service = "gate" }, []string{"kube-system", "behalf-system"}, "behalf-system/gate"},
		"beside the cluster":     {func(i *Installation) { i.URL = "https://192.0.2.7:9443" }, []string{"kube-system", "behalf-system"}, "https://192.0.2.7:9443"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			i := shipped()
			c.change(&i)
			original := adapted(t, shipped())
			for name, webhook := range adapted(t, i) {
				path := *original[name].ClientConfig.Service.Path
				if got := clientOf(webhook.ClientConfig); got != c.client+path {
					t.Errorf("%s asks %s, want %s", name, got, c.client+path)
				}
				if webhook.NamespaceSelector != nil && !reflect.DeepEqual(webhook.NamespaceSelector.MatchExpressions[0].Values, c.exclusion) {
					t.Errorf("%s leaves out %v", name, webhook.NamespaceSelector)
				}
				if (webhook.NamespaceSelector == nil) != (original[name].NamespaceSelector == nil) {
					t.Errorf("%s has the selector %v", name, webhook.NamespaceSelector)
				}
				webhook.NamespaceSelector, webhook.ClientConfig = original[name].NamespaceSelector, original[name].ClientConfig
				if !reflect.DeepEqual(webhook, original[name]) {
					t.Errorf("%s differs in more than that: %+v", name, webhook)
				}
			}
		})
	}
}

func clientOf(config admissionregistrationv1.WebhookClientConfig) string {
	if config.URL != nil {
		return *config.URL
	}
	return fmt.Sprintf("%s/%s%s", config.Service.Namespace, config.Service.Name, *config.Service.Path)
}

// THREATS 8: the flag and the match conditions cannot disagree, and an audience is a text, whatever it says.
func TestTheAudienceStandsInEveryConditionThatLooksForIt(t *testing.T) {
	env, err := cel.NewEnv()
	if err != nil {
		t.Fatal(err)
	}
	original := adapted(t, shipped())
	for name, audience := range map[string]string{
		"a name":             "exchange",
		"a URL":              "https://exchange.example/token?x=1&y=%2f",
		"an end of a text":   "x' || true || '",
		"an escape":          `x\`,
		"an escaped end":     `x\' || true || \'`,
		"white space":        "a\tb\nc\x00d\x7f",
		"further afield":     "tausch·börse 交換 🔑",
		"a raw text's quote": `"""'''r'`,
	} {
		t.Run(name, func(t *testing.T) {
			ast, issues := env.Compile(celString(audience))
			if issues.Err() != nil {
				t.Fatal(issues.Err())
			}
			program, err := env.Program(ast)
			if err != nil {
				t.Fatal(err)
			}
			if value, _, err := program.Eval(map[string]any{}); err != nil || value.Value() != audience {
				t.Errorf("CEL reads %q, %v", value, err)
			}
			i := shipped()
			i.ExchangeAudience = audience
			found := 0
			for hook, webhook := range adapted(t, i) {
				for j, condition := range webhook.MatchConditions {
					was := original[hook].MatchConditions[j].Expression
					found += strings.Count(was, DefaultExchangeAudience)
					if strings.Contains(condition.Expression, DefaultExchangeAudience) || strings.Count(condition.Expression, celString(audience)) != strings.Count(was, DefaultExchangeAudience) {
						t.Errorf("%s: %s", hook, condition.Expression)
					}
				}
			}
			if found < 4 {
				t.Errorf("only %d places: the manifest spells the audience otherwise", found)
			}
		})
	}
}

func TestAnInstallationThatCannotBeWrittenDownIsRefused(t *testing.T) {
	for name, change := range map[string]func(*Installation){
		"without a namespace":               func(i *Installation) { i.Namespace = "" },
		"without a Service":                 func(i *Installation) { i.Service = "" },
		"without an audience":               func(i *Installation) { i.ExchangeAudience = "" },
		"with an audience that is no UTF-8": func(i *Installation) { i.ExchangeAudience = "x\xff" },
	} {
		i := shipped()
		change(&i)
		if _, err := Configurations(i); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
