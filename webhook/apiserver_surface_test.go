// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// TestEveryAPI asks an API server with all APIs and features switched on, those of no default too. THREATS 1, 3
func TestEveryAPI(t *testing.T) {
	s := startAPIServer(t, func(server *envtest.APIServer) {
		server.Configure().Set("runtime-config", "api/all=true").Set("feature-gates", "AllAlpha=true,AllBeta=true")
	})
	stop := s.startManager(t)
	t.Run("everything that the API server serves", s.testSurface)
	stop()
	t.Run("our own kinds", s.testOursAreAsked)
	served := map[string]bool{}
	for _, e := range s.served(t) {
		served[e.resource] = true
	}
	for resource := range surface {
		if !served[resource] {
			t.Errorf("%s has a row, and no API server serves it", resource)
		}
	}
}

// endpoint is a verb of a resource or subresource in some version.
type endpoint struct {
	resource, verb string // the resource with its group, but for the core's
	version        string
	kind           schema.GroupVersionKind
}

// served is all that the API server says that it serves.
func (s *apiServer) served(t *testing.T) []endpoint {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(s.env.Config)
	s.must(t, err)
	_, lists, err := client.ServerGroupsAndResources()
	s.must(t, err)
	var all []endpoint
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		s.must(t, err)
		for i := range list.APIResources {
			r := &list.APIResources[i]
			kind := gv.WithKind(r.Kind)
			if r.Version != "" {
				kind = schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
			}
			for _, verb := range r.Verbs {
				all = append(all, endpoint{strings.TrimPrefix(gv.Group+"/"+r.Name, "/"), verb, gv.Version, kind})
			}
		}
	}
	if len(all) < 300 {
		t.Fatalf("only %d verbs are served", len(all))
	}
	return all
}

// THREATS 1, 3, 9: whatever the API server serves is judged, or cannot matter and has its reason written down.
func (s *apiServer) testSurface(t *testing.T) {
	validating, _ := configurations(t)
	schemas := s.schemas(t)
	wanted := map[string]map[string]bool{} // verbs of rows that nobody was found to serve
	for resource, r := range surface {
		wanted[resource] = map[string]bool{}
		for verb := range strings.FieldsSeq(r.verbs) {
			wanted[resource][verb] = true
		}
	}
	count := map[string]int{}
	seen := map[string]bool{}
	for _, e := range s.served(t) {
		r, known := surface[e.resource]
		seen[e.resource] = true
		delete(wanted[e.resource], e.verb)
		switch {
		case known && slices.Contains(strings.Fields(r.verbs), e.verb):
			count[map[bool]string{true: "judged", false: "with a reason"}[r.judged != ""]]++
			checkRow(t, e, r, validating.Webhooks)
			checkSchema(t, e, r, schemas)
		case everywhere[e.verb] == "":
			t.Errorf("nobody says whether %s of %s in %s is judged, or why it need not be", e.verb, e.resource, e.version)
		default:
			count["reading or deleting"]++
		}
	}
	for resource, verbs := range wanted {
		if seen[resource] && len(verbs) > 0 {
			t.Errorf("%s has a row for the verbs %v, which no API server serves", resource, slices.Sorted(maps.Keys(verbs)))
		}
	}
	t.Logf("verbs of resources in all versions: %v", count)
	for resource := range seen {
		if r := surface[resource]; r.shown != nil {
			t.Run(resource, func(t *testing.T) { r.shown(s, t) })
		}
	}
}

// checkRow holds a row against the configuration that is installed.
func checkRow(t *testing.T, e endpoint, r row, hooks []admissionregistrationv1.ValidatingWebhook) {
	t.Helper()
	if (r.judged == "") == (r.why == "") {
		t.Fatalf("%s is either judged, or has a reason why it is not", e.resource)
	}
	if strings.HasSuffix(r.judged, ".workloads") && r.shown == nil {
		t.Errorf("nothing shows that %s is judged", e.resource)
	}
	for _, operation := range operations(e) {
		var judges []string
		for i := range hooks {
			if covers(&hooks[i], e, operation) {
				judges = append(judges, strings.TrimSuffix(hooks[i].Name, ".behalf.dev"))
			}
		}
		var want []string
		if r.judged != "" {
			want = []string{r.judged}
		}
		if !slices.Equal(judges, want) {
			t.Errorf("%s of %s in %s, as %s, is judged by %v, and its row says %v", e.verb, e.resource, e.version, operation, judges, want)
		}
	}
}

// operations as which admission knows a verb: an apply is a patch, and may create.
func operations(e endpoint) []admissionregistrationv1.OperationType {
	switch {
	case strings.HasSuffix(e.resource, "/proxy") || slices.Contains([]string{"pods/exec", "pods/attach", "pods/portforward"}, e.resource):
		return []admissionregistrationv1.OperationType{admissionregistrationv1.Connect}
	case e.verb == "create":
		return []admissionregistrationv1.OperationType{admissionregistrationv1.Create}
	case e.verb == "patch" && !strings.Contains(ungrouped(e.resource), "/"):
		return []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update}
	case e.verb == "patch" || e.verb == "update":
		return []admissionregistrationv1.OperationType{admissionregistrationv1.Update}
	default:
		return nil
	}
}

// ungrouped is a resource without its group.
func ungrouped(resource string) string {
	group, rest, grouped := strings.Cut(resource, "/")
	if grouped && (strings.Contains(group, ".") || slices.Contains([]string{"apps", "autoscaling", "batch", "policy"}, group)) {
		return rest
	}
	return resource
}

// covers says whether a webhook is asked. matchPolicy Equivalent brings it every version of what its rules name.
func covers(hook *admissionregistrationv1.ValidatingWebhook, e endpoint, operation admissionregistrationv1.OperationType) bool {
	name := ungrouped(e.resource)
	group := strings.TrimSuffix(strings.TrimSuffix(e.resource, name), "/")
	for _, r := range hook.Rules {
		version := slices.Contains(r.APIVersions, e.version) || *hook.MatchPolicy == admissionregistrationv1.Equivalent
		if version && slices.Contains(r.APIGroups, group) && slices.Contains(r.Resources, name) && slices.Contains(r.Operations, operation) {
			return true
		}
	}
	return false
}

// schemas are what the API server says of the form of every kind: the names of the schemas to which each leads.
func (s *apiServer) schemas(t *testing.T) map[schema.GroupVersionKind]map[string]bool {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(s.env.Config)
	s.must(t, err)
	paths, err := client.OpenAPIV3().Paths()
	s.must(t, err)
	all := map[schema.GroupVersionKind]map[string]bool{}
	for _, path := range paths {
		raw, err := path.Schema("application/json")
		s.must(t, err)
		var document struct {
			Components struct{ Schemas map[string]json.RawMessage }
		}
		s.must(t, json.Unmarshal(raw, &document))
		for name, text := range document.Components.Schemas {
			var of struct {
				Kinds []metav1.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
			}
			s.must(t, json.Unmarshal(text, &of))
			for _, kind := range of.Kinds {
				all[schema.GroupVersionKind(kind)] = reached(name, document.Components.Schemas)
			}
		}
	}
	return all
}

// reached are the schemas to which one leads, itself among them, and "anything" where it leaves something open.
func reached(name string, schemas map[string]json.RawMessage) map[string]bool {
	found := map[string]bool{}
	var walk func(string)
	walk = func(name string) {
		if found[name] {
			return
		}
		found[name] = true
		text := string(schemas[name])
		if strings.Contains(text, `"x-kubernetes-preserve-unknown-fields":true`) {
			found["anything"] = true
		}
		for _, reference := range strings.Split(text, `"#/components/schemas/`)[1:] {
			end := strings.IndexByte(reference, '"')
			walk(reference[:end])
		}
	}
	walk(name)
	return found
}

// checkSchema holds what rows say of a schema against what the API server says of it.
func checkSchema(t *testing.T, e endpoint, r row, schemas map[schema.GroupVersionKind]map[string]bool) {
	t.Helper()
	if !strings.HasPrefix(r.why, noPod) && r.why != noPodStatus {
		return
	}
	reached := schemas[e.kind]
	if len(reached) == 0 {
		t.Errorf("the API server gives no schema of %s, which is served as %s", e.kind, e.resource)
	}
	for _, open := range []string{
		"io.k8s.api.core.v1.PodSpec", "io.k8s.api.core.v1.PodTemplateSpec", "io.k8s.apimachinery.pkg.runtime.RawExtension",
		"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON", "anything",
	} {
		if reached[open] {
			t.Errorf("%s, which is served as %s in %s, leads to %s", e.kind, e.resource, e.version, open)
		}
	}
}
