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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// Every verb of the API server, and approve, which is Behalf's own.
var verbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "approve"}

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
	may      map[string]string
}{
	{"nobody in particular may do nothing", "", false, map[string]string{}},
	{"a viewer of the namespace reads what its teams say", "view", false, map[string]string{
		"resourceservers": read, "servicedelegations": read, "delegationgrants": read,
	}},
	{"an editor of the namespace changes what its teams say, and asks for grants", "edit", false, map[string]string{
		"resourceservers": read + write, "servicedelegations": read + write, "delegationgrants": read + " create",
	}},
	{"an admin of the namespace also clears up, and approves nothing", "admin", false, map[string]string{
		"resourceservers": read + write + all, "servicedelegations": read + write + all, "delegationgrants": read + " create delete" + all,
	}},
	{"the API's team alone changes resource servers alone", "behalf-api-owner-edit", false, map[string]string{
		"resourceservers": strings.TrimSpace(write),
	}},
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
		"delegationpolicies": read + write, "trustedissuers": read + write, "delegationrevocations": read + write,
		"resourceservers": read, "servicedelegations": read, "delegationgrants": read,
	}},
	{"security's admin also clears up", "behalf-security-admin", true, map[string]string{
		"delegationpolicies": read + write + all, "trustedissuers": read + write + all, "delegationrevocations": read + write + all,
		"resourceservers": read, "servicedelegations": read, "delegationgrants": read,
	}},
	{"incident response revokes and lifts nothing", "behalf-incident-response", true, map[string]string{
		"delegationpolicies": read, "trustedissuers": read, "delegationrevocations": read + " create",
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
			bind(t, name, person.role, person.cluster)
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

// bind gives a user a role, and waits for nothing: the API server's own watch brings it.
func bind(t *testing.T, user, role string, inCluster bool) {
	t.Helper()
	if role == "" {
		return
	}
	meta := metav1.ObjectMeta{GenerateName: "b-"}
	subject := []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}
	var binding client.Object = &rbacv1.ClusterRoleBinding{ObjectMeta: meta, Subjects: subject, RoleRef: ref}
	if !inCluster {
		meta.Namespace = namespace
		binding = &rbacv1.RoleBinding{ObjectMeta: meta, Subjects: subject, RoleRef: ref}
	}
	if err := cluster.client.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
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

func TestOnlyAnApproverApprovesGrants(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	const refusal = "is for whoever may approve delegationgrants in namespace support: ask with state Requested, or have the role behalf-grant-approver bound there"
	const approved = `{requester: {username: dave}, state: Approved, approver: {username: carol}}`
	editor, admin, approver := as(t, "grants-editor", "edit"), as(t, "grants-admin", "admin"), as(t, "grants-approver", "behalf-grant-approver")
	ctx := t.Context()

	// The API server takes a moment to learn of the policy and of the roles.
	waitUntil(t, "an editor to be refused an approved grant by the policy", func() bool {
		err := editor.Create(ctx, object(t, "DelegationGrant", approved), client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), refusal)
	})
	waitUntil(t, "an admin to be able to ask for a grant", func() bool {
		return admin.Create(ctx, object(t, "DelegationGrant", ""), client.DryRunAll) == nil
	})

	for sentence, try := range map[string]struct {
		who     client.Client
		changes string
		refused bool
	}{
		"an editor asks for a grant":             {editor, ``, false},
		"an editor says outright that he asks":   {editor, `state: Requested`, false},
		"an editor approves his own grant":       {editor, approved, true},
		"an editor denies a grant in advance":    {editor, `state: Denied`, true},
		"an admin of the namespace approves one": {admin, approved, true},
		"system:masters approves one":            {cluster.client, approved, false},
	} {
		err := try.who.Create(ctx, object(t, "DelegationGrant", try.changes), client.DryRunAll)
		if refused := apierrors.IsForbidden(err) && strings.Contains(err.Error(), "spec.state: ") && strings.Contains(err.Error(), refusal); refused != try.refused || !refused && err != nil {
			t.Errorf("%s: refused is %v, want %v: %v", sentence, refused, try.refused, err)
		}
	}

	grant := object(t, "DelegationGrant", `requester: {username: dave}`)
	if err := editor.Create(ctx, grant); err != nil {
		t.Fatal(err)
	}
	grant.Object["spec"] = object(t, "DelegationGrant", approved).Object["spec"]
	if err := editor.Update(ctx, grant.DeepCopy()); !apierrors.IsForbidden(err) {
		t.Errorf("an editor changes a grant that stands: %v", err)
	}
	if err := approver.Update(ctx, grant); err != nil {
		t.Errorf("an approver approves what was asked for: %v", err)
	}
	if err := approver.Create(ctx, object(t, "DelegationGrant", approved)); !apierrors.IsForbidden(err) {
		t.Errorf("an approver makes a grant of his own: %v", err)
	}
	if err := editor.Delete(ctx, grant); !apierrors.IsForbidden(err) {
		t.Errorf("an editor removes the record of an approval: %v", err)
	}
	if err := admin.Delete(ctx, grant); err != nil {
		t.Errorf("an admin removes a grant: %v", err)
	}
}

// as is a client of a user who holds one role in the namespace.
func as(t *testing.T, user, role string) client.Client {
	t.Helper()
	bind(t, user, role, false)
	config := rest.CopyConfig(cluster.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	c, err := newClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
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
