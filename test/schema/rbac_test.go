// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// Every verb of the API server, and those of Behalf's own that are about its kinds.
var verbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "approve", "revoke"}

const (
	read  = "get list watch"
	write = " create update patch delete"
	all   = " deletecollection"
)

// A person holds one role, in the namespace support or in the cluster, and may do with each kind what is written here.
var people = []struct {
	sentence string
	role     string
	cluster  bool
	may      map[string]string // with serviceaccounts, whether it may delegate them
}{
	{"nobody in particular may do nothing", "", false, map[string]string{}},
	{"a viewer of the namespace reads what its teams say", "view", false, map[string]string{
		"resourceservers": read, "servicedelegations": read, "delegationgrants": read,
	}},
	{"an editor of the namespace changes what its teams say, hands on, and asks for grants", "edit", false, map[string]string{
		"resourceservers": read + write, "servicedelegations": read + write, "delegationgrants": read + " create", "serviceaccounts": "delegate",
	}},
	{"an admin of the namespace also clears up, and approves nothing", "admin", false, map[string]string{
		"resourceservers": read + write + all, "servicedelegations": read + write + all, "delegationgrants": read + " create delete" + all,
		"serviceaccounts": "delegate",
	}},
	{"the API's team alone changes resource servers alone", "behalf-api-owner-edit", false, map[string]string{
		"resourceservers": strings.TrimSpace(write),
	}},
	{"whoever hands on for services changes nothing", "behalf-service-owner-delegate", false, map[string]string{"serviceaccounts": "delegate"}},
	{"the service's team alone changes service delegations alone, and asks for grants", "behalf-service-owner-edit", false, map[string]string{
		"servicedelegations": strings.TrimSpace(write), "delegationgrants": "create",
	}},
	{"an approver changes grants and asks for none", "behalf-grant-approver", false, map[string]string{
		"delegationgrants": read + " update patch approve",
	}},
	{"a reviewer of security reads everything", "behalf-security-view", true, map[string]string{
		"delegationpolicies": read, "trustedissuers": read, "delegationrevocations": read,
		"resourceservers": read, "servicedelegations": read, "delegationgrants": read,
	}},
	{"security changes what is security's, and reads the rest", "behalf-security-edit", true, map[string]string{
		"delegationpolicies": read + write, "trustedissuers": read + write, "delegationrevocations": read + write + " revoke",
		"resourceservers": read, "servicedelegations": read, "delegationgrants": read,
	}},
	{"security's admin also clears up", "behalf-security-admin", true, map[string]string{
		"delegationpolicies": read + write + all, "trustedissuers": read + write + all, "delegationrevocations": read + write + all + " revoke",
		"resourceservers": read, "servicedelegations": read, "delegationgrants": read,
	}},
	{"incident response revokes and lifts nothing", "behalf-incident-response", true, map[string]string{
		"delegationpolicies": read, "trustedissuers": read, "delegationrevocations": read + " create revoke",
		"resourceservers": read, "servicedelegations": read, "delegationgrants": read,
	}},
}

var resources = []string{
	"resourceservers", "servicedelegations", "delegationgrants", "delegationpolicies", "trustedissuers", "delegationrevocations",
}

func TestTheOwnersAreKeptApart(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	for i, person := range people {
		t.Run(person.sentence, func(t *testing.T) {
			t.Parallel()
			name := fmt.Sprintf("person-%d", i)
			switch {
			case person.cluster:
				bind(t, name, right{person.role, ""})
			case person.role != "":
				bind(t, name, right{person.role, namespace})
			}
			for _, resource := range resources {
				want := strings.Fields(person.may[resource])
				got := allowed(t, name, namespace, resource, "", want)
				slices.SortFunc(want, byVerb)
				if !slices.Equal(got, want) {
					t.Errorf("%s: may %q, want %q", resource, got, want)
				}
				if !person.cluster {
					if got := allowed(t, name, "elsewhere", resource, "", nil); len(got) > 0 {
						t.Errorf("%s of another namespace: may %q", resource, got)
					}
				}
				got = allowed(t, name, namespace, resource, "status", nil)
				if len(got) > 0 {
					t.Errorf("%s/status, which is the manager's: may %q", resource, got)
				}
			}
			want := person.may["serviceaccounts"] == "delegate"
			if want {
				awaitRight(t, name, "delegate", "", "serviceaccounts", namespace)
			}
			for _, in := range []string{namespace, "elsewhere"} {
				if got := may(t, name, "delegate", "", "serviceaccounts", in); got != (want && in == namespace) {
					t.Errorf("service accounts of %s: may delegate is %v", in, got)
				}
			}
		})
	}
}

func byVerb(a, b string) int { return slices.Index(verbs, a) - slices.Index(verbs, b) }

// allowed asks the API server. Roles are filled by a controller, so what is waited for may take a moment.
func allowed(t *testing.T, user, namespace, resource, subresource string, waitFor []string) []string {
	t.Helper()
	var got []string
	ask := func(ctx context.Context) (bool, error) {
		got = nil
		for _, verb := range verbs {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: user,
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Group: "behalf.dev", Version: "v1alpha1", Resource: resource, Subresource: subresource, Namespace: namespace, Verb: verb,
				},
			}}
			if err := cluster.client.Create(ctx, review); err != nil {
				return false, err
			}
			if review.Status.Allowed {
				got = append(got, verb)
			}
		}
		return len(got) >= len(waitFor), nil
	}
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 20*time.Second, true, ask)
	if err != nil && !wait.Interrupted(err) {
		t.Fatal(err)
	}
	return got
}

// A right is a role, in one namespace or, where that is empty, in the cluster.
type right struct{ role, namespace string }

// bind gives a user rights, and waits for nothing: the API server's own watch brings them.
func bind(t *testing.T, user string, rights ...right) {
	t.Helper()
	for _, r := range rights {
		meta := metav1.ObjectMeta{GenerateName: "b-", Namespace: r.namespace}
		subject := []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}}
		ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: r.role}
		var binding client.Object = &rbacv1.RoleBinding{ObjectMeta: meta, Subjects: subject, RoleRef: ref}
		if r.namespace == "" {
			binding = &rbacv1.ClusterRoleBinding{ObjectMeta: meta, Subjects: subject, RoleRef: ref}
		}
		if err := cluster.client.Create(t.Context(), binding); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNoOwnersRoleWritesStatusOrReachesBeyondBehalf(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(roles + "/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(data), "\n---\n") {
			var role rbacv1.ClusterRole
			if err := yaml.Unmarshal([]byte(document), &role); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if role.Kind != "ClusterRole" {
				continue
			}
			found++
			if role.AggregationRule != nil && role.Rules != nil {
				t.Errorf("%s: rules stands beside aggregationRule: applying it again would empty the role for a moment", role.Name)
			}
			for _, rule := range role.Rules {
				if role.Name == "behalf-service-owner-delegate" {
					if !slices.Equal(rule.Resources, []string{"serviceaccounts"}) || !slices.Equal(rule.Verbs, []string{"delegate"}) {
						t.Errorf("%s: %q on %q, want delegate on serviceaccounts alone", role.Name, rule.Verbs, rule.Resources)
					}
					continue
				}
				if !slices.Equal(rule.APIGroups, []string{"behalf.dev"}) {
					t.Errorf("%s: groups %q, want behalf.dev alone", role.Name, rule.APIGroups)
				}
				for _, resource := range rule.Resources {
					if !slices.Contains(resources, resource) {
						t.Errorf("%s: resource %q is none of the six kinds themselves", role.Name, resource)
					}
				}
				if slices.Contains(rule.Verbs, "*") {
					t.Errorf("%s: '*' takes verbs in that nobody has thought of", role.Name)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no role found")
	}
}

// may asks the API server once.
func may(t *testing.T, user, verb, group, resource, in string) bool {
	t.Helper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               user,
		ResourceAttributes: &authorizationv1.ResourceAttributes{Group: group, Resource: resource, Verb: verb, Namespace: in},
	}}
	if err := cluster.client.Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}

// awaitRight waits for a binding or an aggregated role to be in force.
func awaitRight(t *testing.T, user, verb, group, resource, in string) {
	t.Helper()
	waitUntil(t, user+" to be able to "+verb+" "+resource, func() bool { return may(t, user, verb, group, resource, in) })
}

func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		return done(), nil
	})
	if err != nil {
		t.Fatalf("waited in vain for %s", what)
	}
}
