// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"behalf.dev/behalf/internal/upkeep"
	"behalf.dev/behalf/webhook/backstop"
)

func key(o *unstructured.Unstructured) string { return o.GetKind() + " " + o.GetName() }

// lookedAfter are the objects that the manager looks after.
func lookedAfter(t *testing.T, o Options) []*unstructured.Unstructured {
	t.Helper()
	objects, err := o.admissionObjects(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []*unstructured.Unstructured
	for _, object := range objects {
		all = append(all, object.Manifest)
	}
	return all
}

func readObjects(t *testing.T, pattern string) []*unstructured.Unstructured {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	var all []*unstructured.Unstructured
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := upkeep.Read(raw)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, objects...)
	}
	return all
}

// THREATS 10: a policy that is installed and not looked after would be lost for good when it is deleted.
func TestEveryAdmissionObjectThatIsInstalledIsLookedAfter(t *testing.T) {
	var installed []string
	for _, pattern := range []string{"../../config/rbac/*.yaml", "../../config/rbac/*/*.yaml", "../../config/webhook/*.yaml"} {
		for _, o := range readObjects(t, pattern) {
			if o.GroupVersionKind().Group == "admissionregistration.k8s.io" {
				installed = append(installed, key(o))
			}
		}
	}
	if len(installed) < 4 {
		t.Errorf("installed are %v alone", installed)
	}
	for _, p := range backstop.Policies(backstop.Options{}) { // which the manager installs itself
		installed = append(installed, "ValidatingAdmissionPolicy "+p.Policy.Name, "ValidatingAdmissionPolicyBinding "+p.Binding.Name)
	}
	var kept []string
	for _, o := range lookedAfter(t, good()) {
		kept = append(kept, key(o))
	}
	slices.Sort(installed)
	slices.Sort(kept)
	if !slices.Equal(installed, kept) {
		t.Errorf("installed are %v, looked after are %v: name the missing ones in config/rbac/owners/owners.go", installed, kept)
	}
}

// The manager may do what it takes with these objects, and nothing with others of their kinds.
func TestTheManagersRoleNamesWhatIsLookedAfterAndNothingElse(t *testing.T) {
	named := map[string][]string{} // resource and name, to verbs
	for _, o := range readObjects(t, "../../config/rbac/role.yaml") {
		var role rbacv1.ClusterRole
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
			t.Fatal(err)
		}
		for _, rule := range role.Rules {
			if !slices.Contains(rule.APIGroups, "admissionregistration.k8s.io") {
				continue
			}
			if len(rule.ResourceNames) == 0 {
				t.Errorf("%v of every name: %v", rule.Resources, rule.Verbs)
			}
			for _, resource := range rule.Resources {
				for _, name := range rule.ResourceNames {
					named[resource+" "+name] = rule.Verbs
				}
			}
		}
	}
	resources := map[string]string{
		"ValidatingWebhookConfiguration": "validatingwebhookconfigurations", "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
		"ValidatingAdmissionPolicy": "validatingadmissionpolicies", "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
	}
	for _, o := range lookedAfter(t, good()) {
		verbs := slices.Sorted(slices.Values(named[resources[o.GetKind()]+" "+o.GetName()]))
		if strings.Join(verbs, " ") != "create get list patch update watch" {
			t.Errorf("%s: config/rbac/role.yaml gives %v; name it in controllers/bundle/rbac.go", key(o), verbs)
		}
		delete(named, resources[o.GetKind()]+" "+o.GetName())
	}
	if len(named) > 0 {
		t.Errorf("nobody looks after %v", named)
	}
}

func TestAReplicaThatAnswersNoWebhooksLooksAfterNone(t *testing.T) {
	o := good()
	o.WebhookAddress = Off
	objects := lookedAfter(t, o)
	for _, object := range objects {
		if object.Object["webhooks"] != nil {
			t.Errorf("it looks after %s", key(object))
		}
	}
	for _, name := range []string{"behalf-grant-approval", backstop.Guard} {
		if !slices.ContainsFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetName() == name }) {
			t.Errorf("nor after policy %s, which needs no replica", name)
		}
	}
}

// A guard that names nobody would keep the manager itself from writing bounds.
func TestTheManagerIsNobodyUntilTheAPIServerSays(t *testing.T) {
	tests := map[string]struct {
		answers func(review *authenticationv1.SelfSubjectReview) error
		want    string
	}{
		"when it does not answer": {
			func(*authenticationv1.SelfSubjectReview) error { return errors.New("no") },
			"asking the API server for the manager's own name: no",
		},
		"when it gives no name": {
			func(*authenticationv1.SelfSubjectReview) error { return nil },
			"the API server gives the manager no name",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := interceptor.NewClient(fake.NewClientBuilder().Build(), interceptor.Funcs{
				Create: func(_ context.Context, _ client.WithWatch, o client.Object, _ ...client.CreateOption) error {
					review, ok := o.(*authenticationv1.SelfSubjectReview)
					if !ok {
						t.Fatalf("it creates %T", o)
					}
					return tt.answers(review)
				},
			})
			if name, err := whoAmI(t.Context(), c); name != "" || err == nil || err.Error() != tt.want {
				t.Errorf("got %q, %v", name, err)
			}
		})
	}
}
