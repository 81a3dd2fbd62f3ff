// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"behalf.dev/behalf/api/v1alpha1"
)

// owners is the folder with the roles and the policies that ask for Behalf's own verbs.
const owners = "../config/rbac/owners"

// brokenAuthorizer comes before RBAC and fails for whoever's name says so: asked for a verb of ours, or whether somebody owns
// a service.
const brokenAuthorizer = `
apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers:
- type: Webhook
  name: broken
  webhook:
    timeout: 3s
    authorizedTTL: 1s
    unauthorizedTTL: 1s
    subjectAccessReviewVersion: v1
    matchConditionSubjectAccessReviewVersion: v1
    failurePolicy: %s
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: %s}
    matchConditions:
    - expression: >-
        request.user.startsWith('unsure-') && has(request.resourceAttributes) &&
        (request.resourceAttributes.verb in ['delegate', 'revoke', 'approve'] && request.user.endsWith('-verb') ||
        request.resourceAttributes.resource in ['servicedelegations', 'serviceaccounts', 'pods'] && request.user.endsWith('-owner'))
- type: RBAC
  name: rbac
`

// withBrokenAuthorizer has the API server ask an authorizer that nobody answers for.
func withBrokenAuthorizer(t *testing.T, failurePolicy string) func(*envtest.APIServer) {
	t.Helper()
	folder := t.TempDir()
	nobody, config := filepath.Join(folder, "nobody"), filepath.Join(folder, "authorizers")
	for path, text := range map[string]string{
		nobody: "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{name: x, cluster: {server: 'https://127.0.0.1:1'}}]\n" +
			"contexts: [{name: x, context: {cluster: x, user: x}}]\nusers: [{name: x, user: {}}]\n",
		config: fmt.Sprintf(brokenAuthorizer, failurePolicy, nobody),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(server *envtest.APIServer) {
		server.Configure().Disable("authorization-mode").Set("authorization-config", config)
	}
}

// installOwners applies the roles and policies as they are shipped.
func (s *apiServer) installOwners(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(owners + "/*.yaml")
	s.must(t, err)
	installed := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		s.must(t, err)
		for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
			u := &unstructured.Unstructured{}
			s.must(t, yaml.Unmarshal(document, &u.Object))
			if u.GetName() == "" { // a comment, or the kustomization
				continue
			}
			s.must(t, s.Create(t.Context(), u))
			installed++
		}
	}
	if installed < 20 {
		t.Fatalf("%d objects in %s", installed, owners)
	}
}

// as is a client of somebody who holds these roles in finance and support, those about revocations in the cluster, and no
// other right.
func (s *apiServer) as(t *testing.T, user string, roles ...string) client.Client {
	t.Helper()
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}
	for _, role := range roles {
		ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}
		if strings.Contains(role, "revoke") {
			s.must(t, s.Create(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{GenerateName: "b-"}, RoleRef: ref, Subjects: subjects}))
			continue
		}
		for _, namespace := range []string{"finance", "support"} {
			s.must(t, s.Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{GenerateName: "b-", Namespace: namespace}, RoleRef: ref, Subjects: subjects}))
		}
	}
	cfg := rest.CopyConfig(s.env.Config)
	cfg.QPS = -1
	cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	c, err := client.New(cfg, client.Options{Scheme: s.scheme, Mapper: s.RESTMapper()})
	s.must(t, err)
	return c
}

// newRole makes a role of the test's own.
func (s *apiServer) newRole(t *testing.T, name string, rules ...rbacv1.PolicyRule) string {
	t.Helper()
	s.must(t, s.Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}))
	return name
}

// awaitSaying waits until what is tried is answered so, with no error where says is empty: roles, bindings and policies take
// a moment.
func (s *apiServer) awaitSaying(t *testing.T, says string, try func() error) {
	t.Helper()
	s.eventually(t, "the answer "+says, func() error {
		err := try()
		switch {
		case says == "":
			return err
		case err != nil && strings.Contains(err.Error(), says):
			return nil
		default:
			return errors.Join(errNotYet, err)
		}
	})
}

// saying wants an error that says so, or none where says is empty.
func saying(t *testing.T, says string, err error) {
	t.Helper()
	if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
		t.Errorf("got %v, want %q", err, says)
	}
}

const (
	saysOwnRequest = "whoever asks for a grant does not approve it: ask with state Requested, and have somebody else approve"
	saysOwner      = "of actor finance/workflow, or that cannot be told for now"
)

// TestAuthority has everything at work together: schema, policies, webhooks and a manager, and people with exactly the roles
// that are shipped. What each of the policies asks alone is in test/schema.
func TestAuthority(t *testing.T) {
	s := startAPIServer(t, withBrokenAuthorizer(t, "NoOpinion"))
	s.installOwners(t)
	stop := s.startManager(t)
	t.Run("who approves what", s.testApprovals)
	t.Run("an authorizer that gives no answer", s.testBrokenAuthorizer)
	t.Run("another version of the kinds", s.testOtherVersion)
	stop()
	t.Run("nobody asks or approves without the webhooks", s.testNoManagerToStamp)
}

// TestAuthorityOfAFailingAuthorizer has the API server take a failure for a no at once.
func TestAuthorityOfAFailingAuthorizer(t *testing.T) {
	s := startAPIServer(t, withBrokenAuthorizer(t, "Deny"))
	s.installOwners(t)
	s.startManager(t)
	t.Run("an authorizer that gives no answer", s.testBrokenAuthorizer)
}

// Both may ask and may approve, which is a role of the test's own: what is shipped keeps them apart.
func (s *apiServer) askerAndApprover(t *testing.T, name string) client.Client {
	t.Helper()
	role := s.newRole(t, "asks-"+name, rbacv1.PolicyRule{APIGroups: []string{"behalf.dev"}, Resources: []string{"delegationgrants"}, Verbs: []string{"create", "delete"}})
	return s.as(t, name, role, "behalf-grant-approver")
}

// THREATS 42: nobody approves what they asked for, what is for them, or what is done by a service of their own.
func (s *apiServer) testApprovals(t *testing.T) {
	people := map[string]client.Client{
		"dave":                                   s.as(t, "dave", "behalf-service-owner-edit"),
		"carol":                                  s.as(t, "carol", "behalf-grant-approver"),
		"both":                                   s.askerAndApprover(t, "both"),
		"owner":                                  s.as(t, "owner", "behalf-grant-approver", "behalf-service-owner-edit"),
		"oidc:Alice":                             s.as(t, "oidc:Alice", "behalf-grant-approver"),
		"system:serviceaccount:finance:workflow": s.as(t, "system:serviceaccount:finance:workflow", "behalf-grant-approver"),
		"system:serviceaccount:finance:approvals": s.as(t, "system:serviceaccount:finance:approvals", "behalf-grant-approver"),
	}
	// Whoever was bound last may approve before long, and the policies are in force.
	s.awaitSaying(t, "is for whoever may approve delegationgrants", func() error {
		return people["dave"].Create(t.Context(), newGrant("probe", v1alpha1.GrantDenied, nil), client.DryRunAll)
	})
	probe := newGrant("probe", "", nil)
	s.must(t, people["dave"].Create(t.Context(), probe))
	for name, c := range people {
		if name != "dave" {
			s.awaitSaying(t, "", func() error { return c.Get(t.Context(), client.ObjectKeyFromObject(probe), probe.DeepCopy()) })
		}
	}

	approves := func(ctx context.Context, c client.Client, g *v1alpha1.DelegationGrant) error {
		g.Spec.State = v1alpha1.GrantApproved
		return c.Update(ctx, g)
	}
	denies := func(ctx context.Context, c client.Client, g *v1alpha1.DelegationGrant) error {
		g.Spec.State = v1alpha1.GrantDenied
		return c.Update(ctx, g)
	}
	patches := func(kind types.PatchType, patch string, options ...client.PatchOption) func(context.Context, client.Client, *v1alpha1.DelegationGrant) error {
		return func(ctx context.Context, c client.Client, g *v1alpha1.DelegationGrant) error {
			return c.Patch(ctx, g, client.RawPatch(kind, []byte(patch)), options...)
		}
	}
	anew := func(change func(*v1alpha1.DelegationGrant)) func(context.Context, client.Client, *v1alpha1.DelegationGrant) error {
		return func(ctx context.Context, c client.Client, g *v1alpha1.DelegationGrant) error {
			own := newGrant(g.Name+"-anew", v1alpha1.GrantApproved, nil)
			change(own)
			return c.Create(ctx, own)
		}
	}
	const byAnother = `"requester":{"username":"erin"}`
	for sentence, try := range map[string]struct {
		asked, who string
		write      func(context.Context, client.Client, *v1alpha1.DelegationGrant) error
		says       string // empty: approved or denied by whoever wrote
	}{
		"an approver approves what another asked for":     {"dave", "carol", approves, ""},
		"who both asks and approves, for another":         {"dave", "both", approves, ""},
		"a service account approves":                      {"dave", "system:serviceaccount:finance:approvals", approves, ""},
		"whoever asked approves":                          {"both", "both", approves, saysOwnRequest},
		"whoever asked denies":                            {"both", "both", denies, ""},
		"by a merge patch":                                {"both", "both", patches(types.MergePatchType, `{"spec":{"state":"Approved"}}`), saysOwnRequest},
		"by a merge patch, as another":                    {"both", "both", patches(types.MergePatchType, `{"spec":{"state":"Approved","approver":{"username":"carol"}}}`), saysOwnRequest},
		"by a merge patch, asked for by another":          {"both", "both", patches(types.MergePatchType, `{"spec":{"state":"Approved",`+byAnother+`}}`), saysOwnRequest},
		"by a merge patch, asked for by nobody":           {"both", "both", patches(types.MergePatchType, `{"spec":{"state":"Approved","requester":null}}`), saysOwnRequest},
		"by a JSON patch":                                 {"both", "both", patches(types.JSONPatchType, `[{"op":"remove","path":"/spec/requester"},{"op":"replace","path":"/spec/state","value":"Approved"}]`), saysOwnRequest},
		"in a dry run":                                    {"both", "both", patches(types.MergePatchType, `{"spec":{"state":"Approved"}}`, client.DryRunAll), saysOwnRequest},
		"by a server-side apply":                          {"both", "both", appliesApproved, saysOwnRequest},
		"in one step":                                     {"dave", "both", anew(func(*v1alpha1.DelegationGrant) {}), saysOwnRequest},
		"in one step, as if another had asked":            {"dave", "both", anew(func(g *v1alpha1.DelegationGrant) { g.Spec.Requester = &v1alpha1.Requester{Username: "erin"} }), saysOwnRequest},
		"in one step, under a name that is still to come": {"dave", "both", anew(func(g *v1alpha1.DelegationGrant) { g.Name, g.GenerateName = "", "g-" }), saysOwnRequest},
		"in one step, by a server-side apply": {"dave", "both", func(ctx context.Context, c client.Client, g *v1alpha1.DelegationGrant) error {
			g.Name += "-anew"
			return appliesApproved(ctx, c, g)
		}, saysOwnRequest},
		"in the place of what another asked for": {"dave", "both", func(ctx context.Context, c client.Client, g *v1alpha1.DelegationGrant) error {
			if err := c.Delete(ctx, g); err != nil {
				return err
			}
			return c.Create(ctx, newGrant(g.Name, v1alpha1.GrantApproved, nil))
		}, saysOwnRequest},
		"the subject approves":           {"dave", "oidc:Alice", approves, `you, oidc:Alice, could be the subject "alice"`},
		"the subject denies":             {"dave", "oidc:Alice", denies, ""},
		"the actor approves":             {"dave", "system:serviceaccount:finance:workflow", approves, "you are the actor finance/workflow"},
		"an owner of the actor approves": {"dave", "owner", approves, saysOwner},
		"an owner of the actor denies":   {"dave", "owner", denies, ""},
		"whoever asks, without the verb": {"dave", "dave", approves, `cannot update resource "delegationgrants"`},
	} {
		t.Run(sentence, func(t *testing.T) {
			g := newGrant("", "", nil)
			g.GenerateName = "g-"
			g.Spec.Requester = &v1alpha1.Requester{Username: "forged"}
			s.must(t, people[try.asked].Create(t.Context(), g))
			if g.Spec.Requester == nil || string(g.Spec.Requester.Username) != try.asked {
				t.Fatalf("asked for by %+v, want %s", g.Spec.Requester, try.asked)
			}
			err := try.write(t.Context(), people[try.who], g.DeepCopy())
			saying(t, try.says, err)
			if try.says != "" {
				return
			}
			s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(g), g))
			if g.Spec.Approver == nil || string(g.Spec.Approver.Username) != try.who || string(g.Spec.Requester.Username) != try.asked {
				t.Errorf("requester %+v, approver %+v", g.Spec.Requester, g.Spec.Approver)
			}
		})
	}
	t.Run("a pipeline that applies its request again and again leaves out who asked", func(t *testing.T) {
		pipeline := s.as(t, "pipeline", s.newRole(t, "applies-grants", rbacv1.PolicyRule{
			APIGroups: []string{"behalf.dev"}, Resources: []string{"delegationgrants"}, Verbs: []string{"get", "create", "update", "patch"},
		}))
		request, err := manifestOf("DelegationGrant", newGrant("of-the-pipeline", "", nil))
		s.must(t, err)
		s.awaitSaying(t, "", func() error {
			return pipeline.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(request.DeepCopy()), client.FieldOwner("pipeline"))
		})
		s.must(t, pipeline.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(request.DeepCopy()), client.FieldOwner("pipeline")))
		g := newGrant("of-the-pipeline", "", nil)
		s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(g), g))
		g.Spec.Requester = nil
		s.must(t, pipeline.Update(t.Context(), g))
		if g.Spec.Requester == nil || g.Spec.Requester.Username != "pipeline" {
			t.Errorf("asked for by %+v", g.Spec.Requester)
		}
		s.must(t, approves(t.Context(), people["carol"], g))
	})
}

// manifestOf is an object that nobody has applied yet, as a file has it.
func manifestOf(kind string, o client.Object) (*unstructured.Unstructured, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, err
	}
	delete(fields, "status")
	u := &unstructured.Unstructured{Object: fields}
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	return u, nil
}

func appliesApproved(ctx context.Context, c client.Client, g *v1alpha1.DelegationGrant) error {
	u, err := manifestOf("DelegationGrant", newGrant(g.Name, v1alpha1.GrantApproved, nil))
	if err != nil {
		return err
	}
	return c.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner("self"), client.ForceOwnership)
}

func handingOn(name string) *v1alpha1.ServiceDelegation {
	d := declared("tickets:read")[0]
	d.Name, d.Spec.Purpose = name, "Test"
	d.Spec.Onward = []v1alpha1.Onward{{
		To:        v1alpha1.ServiceAccountReference{Namespace: "billing", ServiceAccount: "invoices"},
		Audiences: []v1alpha1.AudienceScopes{{Audience: tickets, Scopes: []v1alpha1.ScopeName{"tickets:read"}}},
	}}
	return d
}

func revoking(name string) *v1alpha1.DelegationRevocation {
	return &v1alpha1.DelegationRevocation{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.DelegationRevocationSpec{Token: "jti-1"}}
}

// THREATS 5, 42: where an authorizer fails, nobody holds a verb by its word, and everybody may be an owner.
func (s *apiServer) testBrokenAuthorizer(t *testing.T) {
	asker := s.as(t, "asker", "behalf-service-owner-edit")
	g := newGrant("unsure", "", nil)
	s.awaitSaying(t, "", func() error { return asker.Create(t.Context(), g) })
	t.Run("whoever may be an owner approves nothing", func(t *testing.T) {
		for user, says := range map[string]string{"sure-owner": "", "unsure-approver-owner": saysOwner} {
			approver := s.as(t, user, "behalf-grant-approver")
			s.awaitSaying(t, "", func() error { return approver.Get(t.Context(), client.ObjectKeyFromObject(g), g) })
			g.Spec.State = v1alpha1.GrantApproved
			saying(t, says, approver.Update(t.Context(), g, client.DryRunAll))
		}
	})
	t.Run("whose approval cannot be asked about approves nothing", func(t *testing.T) {
		approver := s.as(t, "unsure-approver-verb", s.newRole(t, "updates-grants-and-approves-none", rbacv1.PolicyRule{
			APIGroups: []string{"behalf.dev"}, Resources: []string{"delegationgrants"}, Verbs: []string{"get", "update"},
		}))
		s.awaitSaying(t, "", func() error { return approver.Get(t.Context(), client.ObjectKeyFromObject(g), g) })
		g.Spec.State = v1alpha1.GrantApproved
		saying(t, "is for whoever may approve delegationgrants", approver.Update(t.Context(), g, client.DryRunAll))
	})
	t.Run("whose verb cannot be asked about hands nothing on, and revokes nothing", func(t *testing.T) {
		unsure := s.as(t, "unsure-writer-verb", "behalf-service-owner-edit", s.newRole(t, "creates-but-does-not-revoke", rbacv1.PolicyRule{
			APIGroups: []string{"behalf.dev"}, Resources: []string{"delegationrevocations"}, Verbs: []string{"create"},
		}))
		s.awaitSaying(t, "is for whoever may delegate the service account portal", func() error {
			return unsure.Create(t.Context(), handingOn("unsure"), client.DryRunAll)
		})
		s.awaitSaying(t, "is for whoever may revoke delegationrevocations", func() error {
			return unsure.Create(t.Context(), revoking("unsure"), client.DryRunAll)
		})
	})
}

// THREATS 3, 42: what is asked of one version of a kind is asked of every other.
func (s *apiServer) testOtherVersion(t *testing.T) {
	s.must(t, apiextensionsv1.AddToScheme(s.scheme))
	for _, plural := range []string{"delegationgrants", "servicedelegations", "delegationrevocations"} {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		s.must(t, s.Get(t.Context(), client.ObjectKey{Name: plural + ".behalf.dev"}, crd))
		other := crd.Spec.Versions[0].DeepCopy()
		other.Name, other.Storage = "v1beta1", false
		crd.Spec.Versions = append(crd.Spec.Versions, *other)
		s.must(t, s.Update(t.Context(), crd))
	}
	inOther := func(kind string, o client.Object) *unstructured.Unstructured {
		u, err := manifestOf(kind, o)
		s.must(t, err)
		u.SetAPIVersion("behalf.dev/v1beta1")
		return u
	}
	both := s.askerAndApprover(t, "both-in-another-version")
	carol := s.as(t, "carol-in-another-version", "behalf-grant-approver")
	declarer := s.as(t, "declarer", "behalf-service-owner-edit", s.newRole(t, "creates-in-another-version-does-not-revoke", rbacv1.PolicyRule{
		APIGroups: []string{"behalf.dev"}, Resources: []string{"delegationrevocations"}, Verbs: []string{"create"},
	}))
	asked := inOther("DelegationGrant", newGrant("asked-in-another-version", "", nil))
	s.awaitSaying(t, "", func() error { return both.Create(t.Context(), asked.DeepCopy()) })
	s.awaitSaying(t, "", func() error { return carol.Get(t.Context(), client.ObjectKeyFromObject(asked), asked) })
	s.must(t, unstructured.SetNestedField(asked.Object, "Approved", "spec", "state"))
	saying(t, saysOwnRequest, both.Update(t.Context(), asked.DeepCopy()))
	s.must(t, carol.Update(t.Context(), asked))
	if who, _, _ := unstructured.NestedString(asked.Object, "spec", "approver", "username"); who != "carol-in-another-version" {
		t.Errorf("approved by %q", who)
	}
	s.awaitSaying(t, "is for whoever may delegate the service account portal", func() error {
		return declarer.Create(t.Context(), inOther("ServiceDelegation", handingOn("in-another-version")))
	})
	s.awaitSaying(t, "is for whoever may revoke delegationrevocations", func() error {
		return declarer.Create(t.Context(), inOther("DelegationRevocation", revoking("in-another-version")))
	})
}

// THREATS 10, 42: without a manager nobody asks for a grant, and the verbs that the API server asks about are asked as before.
func (s *apiServer) testNoManagerToStamp(t *testing.T) {
	asker := s.as(t, "asker-alone", "behalf-service-owner-edit")
	s.awaitSaying(t, "failed calling webhook", func() error { return asker.Create(t.Context(), newGrant("alone", "", nil), client.DryRunAll) })
	saying(t, "is for whoever may delegate the service account portal", asker.Create(t.Context(), handingOn("alone")))
	writer := s.as(t, "writer-alone", s.newRole(t, "creates-and-deletes-but-does-not-revoke", rbacv1.PolicyRule{
		APIGroups: []string{"behalf.dev"}, Resources: []string{"delegationrevocations"}, Verbs: []string{"create", "delete"},
	}))
	incident := s.as(t, "incident-alone", "behalf-incident-response-revoke")
	s.awaitSaying(t, "is for whoever may revoke delegationrevocations", func() error { return writer.Create(t.Context(), revoking("alone")) })
	s.awaitSaying(t, "", func() error { return incident.Create(t.Context(), revoking("alone")) })
	saying(t, "is for whoever may revoke delegationrevocations", writer.Delete(t.Context(), revoking("alone")))
}
