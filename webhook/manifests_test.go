// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const manifests = "../config/webhook/manifests.yaml"

// configurations are the two that are installed.
func configurations(t *testing.T) (validating admissionregistrationv1.ValidatingWebhookConfiguration, mutating admissionregistrationv1.MutatingWebhookConfiguration) {
	t.Helper()
	text, err := os.ReadFile(manifests)
	if err != nil {
		t.Fatal(err)
	}
	documents := bytes.Split(text, []byte("\n---\n"))
	if len(documents) != 3 { // the comment at the top is the first
		t.Fatalf("%d documents, want 3", len(documents))
	}
	if err := yaml.UnmarshalStrict(documents[1], &validating); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(documents[2], &mutating); err != nil {
		t.Fatal(err)
	}
	return validating, mutating
}

// THREATS 3, 4, 10: what every webhook must say, whatever it is for.
func TestManifestsSayWhatTheyMust(t *testing.T) {
	validating, mutating := configurations(t)
	if validating.Name != "behalf-validating" || mutating.Name != "behalf-mutating" {
		t.Errorf("they are called %s and %s", validating.Name, mutating.Name)
	}
	hooks := validating.Webhooks
	for _, m := range mutating.Webhooks {
		if m.ReinvocationPolicy == nil || *m.ReinvocationPolicy != admissionregistrationv1.IfNeededReinvocationPolicy {
			t.Errorf("%s is not asked again after others", m.Name)
		}
		hooks = append(hooks, admissionregistrationv1.ValidatingWebhook{
			Name: m.Name, ClientConfig: m.ClientConfig, Rules: m.Rules, FailurePolicy: m.FailurePolicy, MatchPolicy: m.MatchPolicy,
			NamespaceSelector: m.NamespaceSelector, ObjectSelector: m.ObjectSelector, SideEffects: m.SideEffects,
			TimeoutSeconds: m.TimeoutSeconds, AdmissionReviewVersions: m.AdmissionReviewVersions, MatchConditions: m.MatchConditions,
		})
	}
	paths := map[string]bool{}
	for _, h := range hooks {
		paths[*h.ClientConfig.Service.Path] = true
		if h.ClientConfig.Service.Name != "behalf-manager" || h.ClientConfig.Service.Namespace != "behalf-system" {
			t.Errorf("%s asks %+v", h.Name, h.ClientConfig.Service)
		}
		if *h.FailurePolicy != admissionregistrationv1.Fail || *h.MatchPolicy != admissionregistrationv1.Equivalent ||
			*h.SideEffects != admissionregistrationv1.SideEffectClassNone || *h.TimeoutSeconds != 5 {
			t.Errorf("%s: failurePolicy %s, matchPolicy %s, sideEffects %s, timeoutSeconds %d",
				h.Name, *h.FailurePolicy, *h.MatchPolicy, *h.SideEffects, *h.TimeoutSeconds)
		}
		if h.ObjectSelector != nil || !reflect.DeepEqual(h.NamespaceSelector, wantSelector(h.Name)) {
			t.Errorf("%s leaves out objects %v and namespaces %v", h.Name, h.ObjectSelector, h.NamespaceSelector)
		}
		if len(h.MatchConditions) == 0 {
			t.Errorf("%s is asked about everything", h.Name)
		}
	}
	if want := map[string]bool{PathWorkloads: true, PathTokens: true, PathObjects: true, PathGrants: true, PathGrantApprover: true}; !reflect.DeepEqual(paths, want) {
		t.Errorf("paths are %v, want %v", paths, want)
	}
}

// wantSelector leaves two namespaces out where workloads are judged, and none anywhere else.
func wantSelector(name string) *metav1.LabelSelector {
	if !strings.HasSuffix(name, ".workloads.behalf.dev") {
		return nil
	}
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
		Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"kube-system", "behalf-system"},
	}}}
}

// THREATS 1, 3, 9: the resources and operations that the API server asks about.
func TestManifestsCover(t *testing.T) {
	validating, mutating := configurations(t)
	got := map[string][]string{}
	add := func(hook string, rules []admissionregistrationv1.RuleWithOperations) {
		for _, r := range rules {
			for _, resource := range r.Resources {
				for _, op := range r.Operations {
					got[hook] = append(got[hook], strings.TrimPrefix(r.APIGroups[0]+"/", "/")+r.APIVersions[0]+" "+resource+" "+string(op))
				}
			}
		}
		slices.Sort(got[hook])
	}
	for _, h := range validating.Webhooks {
		add(h.Name, h.Rules)
	}
	for _, h := range mutating.Webhooks {
		add("mutating "+h.Name, h.Rules)
	}
	grants := []string{"behalf.dev/v1alpha1 delegationgrants CREATE", "behalf.dev/v1alpha1 delegationgrants UPDATE"}
	want := map[string][]string{
		"pods.workloads.behalf.dev": {"v1 pods CREATE", "v1 pods UPDATE", "v1 pods/status UPDATE"},
		"templates.workloads.behalf.dev": {
			"apps/v1 daemonsets CREATE", "apps/v1 daemonsets UPDATE", "apps/v1 deployments CREATE", "apps/v1 deployments UPDATE",
			"apps/v1 replicasets CREATE", "apps/v1 replicasets UPDATE", "apps/v1 statefulsets CREATE", "apps/v1 statefulsets UPDATE",
			"batch/v1 jobs CREATE", "batch/v1 jobs UPDATE", "v1 replicationcontrollers CREATE", "v1 replicationcontrollers UPDATE",
		},
		"cronjobs.workloads.behalf.dev":     {"batch/v1 cronjobs CREATE", "batch/v1 cronjobs UPDATE"},
		"podtemplates.workloads.behalf.dev": {"v1 podtemplates CREATE", "v1 podtemplates UPDATE"},
		"bindings.workloads.behalf.dev":     {"v1 bindings CREATE", "v1 pods/binding CREATE"},
		"tokens.workloads.behalf.dev":       {"v1 serviceaccounts/token CREATE"},
		"objects.behalf.dev": {
			"behalf.dev/v1alpha1 delegationpolicies CREATE", "behalf.dev/v1alpha1 delegationpolicies UPDATE",
			"behalf.dev/v1alpha1 resourceservers CREATE", "behalf.dev/v1alpha1 resourceservers UPDATE",
			"behalf.dev/v1alpha1 servicedelegations CREATE", "behalf.dev/v1alpha1 servicedelegations UPDATE",
			"behalf.dev/v1alpha1 trustedissuers CREATE", "behalf.dev/v1alpha1 trustedissuers UPDATE",
		},
		"approvers.grants.behalf.dev":          grants,
		"mutating approvers.grants.behalf.dev": grants,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The audience stands in several places, and must be the same in all of them.
func TestManifestsKnowTheExchange(t *testing.T) {
	validating, _ := configurations(t)
	literal := regexp.MustCompile(`'([^']*)'`)
	for _, h := range validating.Webhooks {
		var audiences []string
		for _, c := range h.MatchConditions {
			for _, found := range literal.FindAllStringSubmatch(c.Expression, -1) {
				if found[1] != "" { // that of a token for the API server
					audiences = append(audiences, found[1])
				}
			}
		}
		asks := strings.HasSuffix(h.Name, ".workloads.behalf.dev") && h.Name != "bindings.workloads.behalf.dev"
		if want := map[bool][]string{true: {DefaultExchangeAudience}}[asks]; !slices.Equal(audiences, want) {
			t.Errorf("%s looks for tokens for %q, want %q", h.Name, audiences, want)
		}
	}
}
