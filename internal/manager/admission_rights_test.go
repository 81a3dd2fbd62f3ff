// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"behalf.dev/behalf/internal/upkeep"
	"behalf.dev/behalf/webhook/backstop"
)

func key(o *unstructured.Unstructured) string { return o.GetKind() + " " + o.GetName() }

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
	objects, err := good().admissionObjects()
	if err != nil {
		t.Fatal(err)
	}
	var lookedAfter []string
	for _, o := range objects {
		lookedAfter = append(lookedAfter, key(o.Manifest))
	}
	slices.Sort(installed)
	slices.Sort(lookedAfter)
	if len(installed) < 4 || !slices.Equal(installed, lookedAfter) {
		t.Errorf("installed are %v, looked after are %v: name the missing ones in config/rbac/owners/owners.go", installed, lookedAfter)
	}
}

// The manager may do what it takes with these objects, and no more than read others of their kinds.
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
			if len(rule.ResourceNames) == 0 && !slices.Equal(rule.Verbs, []string{"get", "list", "watch"}) {
				t.Errorf("%v of every name: %v", rule.Resources, rule.Verbs)
			}
			for _, resource := range rule.Resources {
				for _, name := range rule.ResourceNames {
					named[resource+" "+name] = rule.Verbs
				}
			}
		}
	}
	objects, err := good().admissionObjects()
	if err != nil {
		t.Fatal(err)
	}
	resources := map[string]string{
		"ValidatingWebhookConfiguration": "validatingwebhookconfigurations", "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
		"ValidatingAdmissionPolicy": "validatingadmissionpolicies", "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
	}
	for _, object := range objects {
		o := object.Manifest
		verbs := slices.Sorted(slices.Values(named[resources[o.GetKind()]+" "+o.GetName()]))
		if strings.Join(verbs, " ") != "create get list patch update watch" {
			t.Errorf("%s: config/rbac/role.yaml gives %v; name it in controllers/bundle/rbac.go", key(o), verbs)
		}
		delete(named, resources[o.GetKind()]+" "+o.GetName())
	}
	for _, p := range backstop.Policies(backstop.Options{}) { // which controllers/bounds looks after, and reads from a cache
		for _, one := range []string{"validatingadmissionpolicies " + p.Policy.Name, "validatingadmissionpolicybindings " + p.Binding.Name} {
			if verbs := strings.Join(named[one], " "); verbs != "create patch update" {
				t.Errorf("%s: config/rbac/role.yaml gives %v; name it in controllers/bounds/controller.go", one, verbs)
			}
			delete(named, one)
		}
	}
	if len(named) > 0 {
		t.Errorf("nobody looks after %v", named)
	}
}

func TestAReplicaThatAnswersNoWebhooksLooksAfterNone(t *testing.T) {
	o := good()
	o.WebhookAddress = Off
	objects, err := o.admissionObjects()
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if object.Manifest.Object["webhooks"] != nil {
			t.Errorf("it looks after %s", key(object.Manifest))
		}
	}
	if len(objects) == 0 {
		t.Error("nor after policies, which need no replica")
	}
}
