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

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apitypes "k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"
)

// as is a client of a user with no rights but these.
func as(t *testing.T, user string, rights ...right) client.Client {
	t.Helper()
	bind(t, user, rights...)
	config := rest.CopyConfig(cluster.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	c, err := newClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// impersonating is a client of a user, with a certificate of their own, who makes requests as another.
func impersonating(t *testing.T, user, other string) client.Client {
	t.Helper()
	authenticated, err := cluster.environment.AddUser(envtest.User{Name: user}, cluster.config)
	if err != nil {
		t.Fatal(err)
	}
	config := rest.CopyConfig(authenticated.Config())
	config.Impersonate = rest.ImpersonationConfig{UserName: other, Groups: []string{"system:authenticated"}}
	c, err := client.New(config, client.Options{Mapper: cluster.client.RESTMapper()}) // whoever is refused could not discover kinds
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// everything but Behalf's own verbs, on everything: what a pipeline or a backup is often given.
var everything = rbacv1.PolicyRule{
	APIGroups: []string{"*"}, Resources: []string{"*"},
	Verbs: []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"},
}

// newRole makes a cluster role of the tests' own and gives its name.
func newRole(t *testing.T, name string, rules ...rbacv1.PolicyRule) string {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
	if err := cluster.client.Create(t.Context(), role); err != nil {
		t.Fatal(err)
	}
	return name
}

// awaitRefusal waits until a policy is in force.
func awaitRefusal(t *testing.T, says string, try func() error) {
	t.Helper()
	var err error
	waitUntil(t, "the refusal: "+says, func() bool {
		err = try()
		return isRefusal(err, says)
	})
}

// isRefusal counts an expression that failed too, which the API server calls invalid.
func isRefusal(err error, says string) bool {
	return (apierrors.IsForbidden(err) || apierrors.IsInvalid(err)) && strings.Contains(err.Error(), says)
}

// judgeRefusal wants a refusal with these words, or none where there are no words.
func judgeRefusal(t *testing.T, says string, err error) {
	t.Helper()
	if says == "" && err != nil || says != "" && !isRefusal(err, says) {
		t.Errorf("want a refusal that says %q, got %v", says, err)
	}
}

// writing is one way to write an object that stands.
type writing func(ctx context.Context, c client.Client, stored *unstructured.Unstructured) error

func creates(t *testing.T, kind, changes string, options ...client.CreateOption) writing {
	t.Helper()
	return func(ctx context.Context, c client.Client, _ *unstructured.Unstructured) error {
		return c.Create(ctx, object(t, kind, changes), options...)
	}
}

func updates(t *testing.T, changes string, options ...client.UpdateOption) writing {
	t.Helper()
	return func(ctx context.Context, c client.Client, stored *unstructured.Unstructured) error {
		stored.Object["spec"] = object(t, stored.GetKind(), changes).Object["spec"]
		return c.Update(ctx, stored, options...)
	}
}

// updatesLabels too, as if labels were all that changed.
func updatesLabels(t *testing.T, changes string) writing {
	t.Helper()
	return func(ctx context.Context, c client.Client, stored *unstructured.Unstructured) error {
		stored.SetLabels(map[string]string{"reviewed": "yes"})
		return updates(t, changes)(ctx, c, stored)
	}
}

func merges(patch string) writing { return patches(apitypes.MergePatchType, patch) }

func patches(kind apitypes.PatchType, patch string) writing {
	return func(ctx context.Context, c client.Client, stored *unstructured.Unstructured) error {
		return c.Patch(ctx, stored, client.RawPatch(kind, []byte(patch)))
	}
}

// applies server-side, under the name of the object that stands and what is to follow it.
func applies(t *testing.T, suffix, changes string) writing {
	t.Helper()
	return func(ctx context.Context, c client.Client, stored *unstructured.Unstructured) error {
		u := object(t, stored.GetKind(), changes)
		u.SetGenerateName("")
		u.SetName(stored.GetName() + suffix)
		return c.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner("pipeline"), client.ForceOwnership)
	}
}

func deletes(ctx context.Context, c client.Client, stored *unstructured.Unstructured) error {
	return c.Delete(ctx, stored)
}

func deletesAndCreates(t *testing.T, changes string) writing {
	t.Helper()
	return func(ctx context.Context, c client.Client, stored *unstructured.Unstructured) error {
		again := object(t, stored.GetKind(), changes)
		again.SetName(stored.GetName())
		if err := c.Delete(ctx, stored); err != nil {
			return err
		}
		return c.Create(ctx, again)
	}
}

const (
	toInvoices = `{to: {namespace: billing, serviceAccount: invoices}, audiences: [{audience: https://ledger.example, scopes: [ledger:read, ledger:list]}]}`
	toMailer   = `{to: {namespace: mail, serviceAccount: mailer}, audiences: [{audience: https://mail.example, scopes: [mail:send]}]}`
	handsOn    = `onward: [` + toInvoices + `, ` + toMailer + `]`
	writesToo  = `onward: [{to: {namespace: billing, serviceAccount: invoices}, audiences: [{audience: https://ledger.example, scopes: [ledger:read, ledger:list, ledger:write]}]}, ` + toMailer + `]`
)

// notDelegated is how whoever may not hand on for a service account is refused.
func notDelegated(account, in string) string {
	return "is for whoever may delegate the service account " + account + " in namespace " + in +
		": leave onward as it was, or have the role behalf-service-owner-delegate bound there"
}

// THREATS 42: whoever may write ServiceDelegations and not delegate the service account hands nothing on that was not handed
// on before, however it is written, and may do all else.
func TestOnlyWhoDelegatesTheServiceAccountHandsOn(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	const kind, user = "ServiceDelegation", "declarer"
	portal := notDelegated("portal", namespace)
	declarer := as(t, user, right{"behalf-service-owner-edit", namespace}, right{"view", namespace})
	awaitRight(t, user, "create", "behalf.dev", "servicedelegations", namespace)
	awaitRight(t, user, "get", "behalf.dev", "servicedelegations", namespace)
	awaitRefusal(t, portal, func() error { return declarer.Create(t.Context(), object(t, kind, handsOn), client.DryRunAll) })

	for sentence, try := range map[string]struct {
		write writing
		says  string // empty: it is let through
	}{
		"making one that hands on":                   {creates(t, kind, handsOn), portal},
		"in a dry run":                               {creates(t, kind, handsOn, client.DryRunAll), portal}, // THREATS 11
		"without audiences of its own":               {creates(t, kind, `{audiences: null, `+handsOn+`}`), portal},
		"saying what another ServiceDelegation says": {creates(t, kind, `{purpose: the same again, `+handsOn+`}`), portal},
		"for a service account that is not there":    {creates(t, kind, `{serviceAccountName: nobody, `+handsOn+`}`), notDelegated("nobody", namespace)},
		"applying one anew":                          {applies(t, "-anew", handsOn), portal},
		"deleting one and making it again":           {deletesAndCreates(t, handsOn), portal},
		"one more service":                           {updates(t, `onward: [`+toInvoices+`, `+toMailer+`, `+strings.Replace(toMailer, "mailer", "archive", 1)+`]`), portal},
		"another service":                            {updates(t, strings.Replace(handsOn, "invoices", "archive", 1)), portal},
		"a namesake in another namespace":            {updates(t, strings.Replace(handsOn, "billing", "elsewhere", 1)), portal},
		"one more scope":                             {updates(t, writesToo), portal},
		"one more scope, in a dry run":               {updates(t, writesToo, client.DryRunAll), portal},
		"another scope":                              {updates(t, strings.Replace(handsOn, "ledger:list", "ledger:write", 1)), portal},
		"another audience":                           {updates(t, strings.Replace(handsOn, "ledger.example", "payments.example", 1)), portal},
		"what one service had for another":           {updates(t, `onward: [`+strings.Replace(toInvoices, "billing, serviceAccount: invoices", "mail, serviceAccount: mailer", 1)+`]`), portal},
		"one more scope in an entry of its own":      {updates(t, `onward: [`+toInvoices+`, `+strings.Replace(toInvoices, "ledger:list", "ledger:write", 1)+`]`), portal},
		"another service account, onward as it was":  {updates(t, `{serviceAccountName: other, `+handsOn+`}`), notDelegated("other", namespace)},
		"one more scope while labels change":         {updatesLabels(t, writesToo), portal},
		"a merge patch":                              {merges(`{"spec":{"onward":[{"to":{"namespace":"mail","serviceAccount":"archive"},"audiences":[{"audience":"https://mail.example","scopes":["mail:send"]}]}]}}`), portal},
		"a merge patch of the account alone":         {merges(`{"spec":{"serviceAccountName":"other"}}`), notDelegated("other", namespace)},
		"a JSON patch":                               {patches(apitypes.JSONPatchType, `[{"op":"add","path":"/spec/onward/0/audiences/0/scopes/-","value":"ledger:write"}]`), portal},
		"a server-side apply":                        {applies(t, "", writesToo), portal},
		"making one that hands nothing on":           {creates(t, kind, ``), ""},
		"labels":                                     {merges(`{"metadata":{"labels":{"reviewed":"yes"}}}`), ""},
		"the purpose, and audiences of its own":      {updates(t, `{purpose: another, audiences: [{audience: https://ledger.example, scopes: [ledger:write]}], `+handsOn+`}`), ""},
		"one service less":                           {updates(t, `onward: [`+toMailer+`]`), ""},
		"one scope less":                             {updates(t, strings.Replace(handsOn, "ledger:read, ", "", 1)), ""},
		"nothing handed on any more":                 {updates(t, ``), ""},
		"nothing handed on any more, by another":     {updates(t, `serviceAccountName: other`), ""},
		"the same in another order":                  {updates(t, `onward: [`+toMailer+`, `+strings.Replace(toInvoices, "ledger:read, ledger:list", "ledger:list, ledger:read", 1)+`]`), ""},
		"the same in more entries":                   {updates(t, `onward: [`+strings.Replace(toInvoices, "ledger:read, ", "", 1)+`, `+strings.Replace(toInvoices, ", ledger:list", "", 1)+`, `+toMailer+`]`), ""},
		"applying the same":                          {applies(t, "", handsOn), ""},
		"deleting it":                                {deletes, ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			stored := object(t, kind, handsOn)
			if err := cluster.client.Create(t.Context(), stored); err != nil {
				t.Fatal(err)
			}
			judgeRefusal(t, try.says, try.write(t.Context(), declarer, stored))
		})
	}
}

// THREATS 42: the verb counts for the service account and the namespace that it was given for, and for whoever the request is
// made as.
func TestWhoMayDelegate(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	const kind = "ServiceDelegation"
	ctx := t.Context()
	onlyPortal := newRole(t, "delegates-portal", rbacv1.PolicyRule{
		APIGroups: []string{""}, Resources: []string{"serviceaccounts"}, ResourceNames: []string{"portal"}, Verbs: []string{"delegate"},
	})
	impersonates := newRole(t, "impersonates-a-declarer", rbacv1.PolicyRule{
		APIGroups: []string{""}, Resources: []string{"users", "groups"}, ResourceNames: []string{"delegate-declarer", "system:authenticated"}, Verbs: []string{"impersonate"},
	})
	writesStatus := newRole(t, "writes-status-and-all", everything)
	const pipeline = "system:serviceaccount:pipelines:deployer"
	clients := map[string]client.Client{
		"an editor":               as(t, "delegate-editor", right{"edit", namespace}, right{"behalf-service-owner-edit", "elsewhere"}, right{impersonates, ""}),
		"who delegates portal":    as(t, "delegate-portal", right{"behalf-service-owner-edit", namespace}, right{onlyPortal, namespace}),
		"who only delegates":      as(t, "delegate-only", right{"behalf-service-owner-delegate", namespace}),
		"who may all but that":    as(t, "delegate-operator", right{writesStatus, ""}),
		"a declarer":              as(t, "delegate-declarer", right{"behalf-service-owner-edit", namespace}, right{"view", namespace}),
		"a pipeline":              as(t, pipeline, right{"behalf-service-owner-edit", namespace}, right{"behalf-service-owner-delegate", namespace}),
		"who delegates elsewhere": as(t, "delegate-elsewhere", right{"behalf-service-owner-edit", namespace}, right{"behalf-service-owner-delegate", "elsewhere"}),
	}
	awaitRight(t, "delegate-editor", "create", "behalf.dev", "servicedelegations", namespace)
	awaitRight(t, "delegate-editor", "delegate", "", "serviceaccounts", namespace)
	for _, user := range []string{"delegate-portal", "delegate-declarer", "delegate-elsewhere", pipeline, "delegate-operator"} {
		awaitRight(t, user, "create", "behalf.dev", "servicedelegations", namespace)
	}
	awaitRight(t, pipeline, "delegate", "", "serviceaccounts", namespace)
	awaitRight(t, "delegate-only", "delegate", "", "serviceaccounts", namespace)
	awaitRefusal(t, notDelegated("portal", namespace), func() error {
		return clients["a declarer"].Create(ctx, object(t, kind, handsOn), client.DryRunAll)
	})
	waitUntil(t, "the verb on one service account", func() bool {
		return clients["who delegates portal"].Create(ctx, object(t, kind, handsOn), client.DryRunAll) == nil
	})

	for sentence, try := range map[string]struct {
		who, changes, in string
		says             string
	}{
		"an editor hands on":                                      {"an editor", handsOn, namespace, ""},
		"a pipeline whose service account has the role":           {"a pipeline", handsOn, namespace, ""},
		"whoever may delegate portal hands on for it":             {"who delegates portal", handsOn, namespace, ""},
		"and for no other":                                        {"who delegates portal", `{serviceAccountName: other, ` + handsOn + `}`, namespace, notDelegated("other", namespace)},
		"the verb of one namespace is none in the next":           {"an editor", handsOn, "elsewhere", notDelegated("portal", "elsewhere")},
		"nor the other way round":                                 {"who delegates elsewhere", handsOn, namespace, notDelegated("portal", namespace)},
		"every verb of the API server's own is not this one":      {"who may all but that", handsOn, namespace, notDelegated("portal", namespace)},
		"the verb alone does not let anybody write":               {"who only delegates", handsOn, namespace, `User "delegate-only" cannot create resource "servicedelegations"`},
		"who may all but that declares, and hands nothing on":     {"who may all but that", ``, namespace, ""},
		"a declarer of one namespace writes nothing in the next":  {"a declarer", handsOn, "elsewhere", `User "delegate-declarer" cannot create resource "servicedelegations"`},
		"an editor of one namespace declares in the next as well": {"an editor", ``, "elsewhere", ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			u := object(t, kind, try.changes)
			u.SetNamespace(try.in)
			judgeRefusal(t, try.says, clients[try.who].Create(ctx, u))
		})
	}

	t.Run("impersonating somebody lends nothing to them", func(t *testing.T) {
		t.Parallel()
		judgeRefusal(t, notDelegated("portal", namespace), impersonating(t, "delegate-editor", "delegate-declarer").Create(ctx, object(t, kind, handsOn)))
		judgeRefusal(t, `User "delegate-declarer" cannot impersonate`, impersonating(t, "delegate-declarer", "delegate-editor").Create(ctx, object(t, kind, handsOn)))
	})
	t.Run("a write of status changes no spec", func(t *testing.T) {
		t.Parallel()
		stored := object(t, kind, ``)
		if err := cluster.client.Create(ctx, stored); err != nil {
			t.Fatal(err)
		}
		stored.Object["spec"] = object(t, kind, handsOn).Object["spec"]
		if err := clients["who may all but that"].Status().Update(ctx, stored); err != nil {
			t.Fatal(err)
		}
		patch := client.RawPatch(apitypes.MergePatchType, []byte(`{"spec":{"serviceAccountName":"other"}}`))
		if err := clients["who may all but that"].Status().Patch(ctx, stored, patch); err != nil {
			t.Fatal(err)
		}
		if err := cluster.client.Get(ctx, client.ObjectKeyFromObject(stored), stored); err != nil {
			t.Fatal(err)
		}
		if spec := fmt.Sprint(stored.Object["spec"]); strings.Contains(spec, "onward") || strings.Contains(spec, "other") {
			t.Errorf("the spec is now %s", spec)
		}
	})
}

// The API server stops an expression that costs too much, and refuses what it was about. What is asked here is who pays for it:
// nobody who holds the verb, and nobody who changes a few entries of a declaration as large as it may be.
func TestTheLargestDeclarationsAreCompared(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	const kind = "ServiceDelegation"
	ctx := t.Context()
	editor, declarer := as(t, "large-editor", right{"edit", namespace}), as(t, "large-declarer", right{"behalf-service-owner-edit", namespace})
	awaitRight(t, "large-editor", "delegate", "", "serviceaccounts", namespace)
	awaitRight(t, "large-declarer", "create", "behalf.dev", "servicedelegations", namespace)
	awaitRefusal(t, notDelegated("portal", namespace), func() error { return declarer.Create(ctx, object(t, kind, handsOn), client.DryRunAll) })

	// As many entries, audiences and scopes as there may be in all, but for one scope in each of the first few entries, or in
	// all there is. They go to one service, so that an entry must be looked for in every other.
	const allThereIs = 17
	spec := func(less int) fieldsOf {
		return fieldsOf{"serviceAccountName": "portal", "purpose": "Test", "onward": entries(16, func(i int) fieldsOf {
			return fieldsOf{"to": fieldsOf{"namespace": "billing", "serviceAccount": "invoices"}, "audiences": entries(16, func(j int) fieldsOf {
				scopes := 31
				if less == allThereIs || i < less && j == 0 {
					scopes--
				}
				return fieldsOf{"audience": string(rune('a' + j)), "scopes": entries(scopes, func(k int) string { return fmt.Sprintf("%c%c", 'A'+i, '0'+k) })}
			})}
		})}
	}
	for sentence, try := range map[string]struct {
		who           client.Client
		before, after int
		says          string
	}{
		"whoever holds the verb makes one":          {editor, -1, 0, ""},
		"whoever holds the verb widens every entry": {editor, 16, 0, ""},
		"whoever lacks it narrows one entry":        {declarer, 0, 1, ""},
		"whoever lacks it widens one entry":         {declarer, 1, 0, notDelegated("portal", namespace)},
		"whoever lacks it narrows every entry":      {declarer, 0, 16, ""},
		"whoever lacks it narrows all there is":     {declarer, 0, allThereIs, "cost limit exceeded"},
		"whoever lacks it widens every entry":       {declarer, 16, 0, notDelegated("portal", namespace)},
		"whoever lacks it makes one":                {declarer, -1, 0, notDelegated("portal", namespace)},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			u := object(t, kind, ``)
			if try.before < 0 {
				u.Object["spec"] = spec(try.after)
				judgeRefusal(t, try.says, try.who.Create(ctx, u))
				return
			}
			u.Object["spec"] = spec(try.before)
			if err := editor.Create(ctx, u); err != nil {
				t.Fatal(err)
			}
			u.Object["spec"] = spec(try.after)
			judgeRefusal(t, try.says, try.who.Update(ctx, u))
		})
	}
}

// THREATS 3, 4: what every policy that asks for a verb of ours must say, whatever it asks: of all versions, everywhere, of
// everybody.
func TestThePoliciesExceptNobody(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(roles + "/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	policies, bindings := map[string]admissionregistrationv1.ValidatingAdmissionPolicySpec{}, map[string]admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(text), "\n---\n") {
			var policy admissionregistrationv1.ValidatingAdmissionPolicy
			if err := yaml.UnmarshalStrict([]byte(document), &policy); err == nil && policy.Kind == "ValidatingAdmissionPolicy" {
				policies[policy.Name] = policy.Spec
			}
			var binding admissionregistrationv1.ValidatingAdmissionPolicyBinding
			if err := yaml.UnmarshalStrict([]byte(document), &binding); err == nil && binding.Kind == "ValidatingAdmissionPolicyBinding" {
				bindings[binding.Spec.PolicyName] = binding.Spec
			}
		}
	}
	for name, resource := range map[string]string{
		"behalf-grant-approval": "delegationgrants", "behalf-onward-delegation": "servicedelegations", "behalf-revocation": "delegationrevocations",
	} {
		of := policies[name].MatchConstraints
		if of == nil || len(of.ResourceRules) != 1 || *of.MatchPolicy != admissionregistrationv1.Equivalent || *policies[name].FailurePolicy != admissionregistrationv1.Fail {
			t.Fatalf("%s: %+v", name, policies[name])
		}
		rule := of.ResourceRules[0]
		if !slices.Equal(rule.APIVersions, []string{"*"}) || !slices.Equal(rule.Resources, []string{resource}) || rule.ResourceNames != nil || rule.Scope != nil {
			t.Errorf("%s is about %+v", name, rule)
		}
		if of.NamespaceSelector != nil || of.ObjectSelector != nil || of.ExcludeResourceRules != nil || policies[name].ParamKind != nil {
			t.Errorf("%s leaves something out: %+v", name, of)
		}
		for _, condition := range policies[name].MatchConditions {
			if strings.Contains(condition.Expression, "request.") {
				t.Errorf("%s leaves somebody out: %s", name, condition.Expression)
			}
		}
		binding, bound := bindings[name]
		if !bound || binding.MatchResources != nil || !slices.Equal(binding.ValidationActions, []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny}) {
			t.Errorf("%s is bound so: %+v", name, binding)
		}
		delete(policies, name)
	}
	if len(policies) > 0 {
		t.Errorf("not looked at: %v", policies)
	}
}

// notRevoking is how whoever may not revoke is refused.
const notRevoking = "is for whoever may revoke delegationrevocations, to make, change and delete: " +
	"have the role behalf-incident-response bound, or behalf-security-edit to lift a revocation"

// THREATS 42: nobody makes, changes or lifts a revocation without the verb revoke, whatever else they may do.
func TestOnlyWhoRevokesRevokesAndLifts(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	const (
		kind    = "DelegationRevocation"
		gc      = "system:serviceaccount:kube-system:generic-garbage-collector"
		noRight = "cannot %s resource \"delegationrevocations\""
	)
	ctx := t.Context()
	clients := map[string]client.Client{
		"incident response": as(t, "revokes-incident", right{"behalf-incident-response", ""}),
		"security":          as(t, "revokes-security", right{"behalf-security-edit", ""}),
		"security's admin":  as(t, "revokes-security-admin", right{"behalf-security-admin", ""}),
		"an operator":       as(t, "revokes-operator", right{newRole(t, "revokes-all-but-that", everything), ""}),
		"garbage collector": as(t, gc),
	}
	for user, verb := range map[string]string{
		"revokes-incident": "revoke", "revokes-security": "revoke", "revokes-security-admin": "deletecollection", "revokes-operator": "delete", gc: "delete",
	} {
		awaitRight(t, user, verb, "behalf.dev", "delegationrevocations", "")
	}
	awaitRefusal(t, notRevoking, func() error { return clients["an operator"].Create(ctx, object(t, kind, ``), client.DryRunAll) })
	refusedTo := func(verb string) string { return fmt.Sprintf(noRight, verb) }
	const until = `{issuedBefore: "2026-06-01T09:45:00Z", token: jti-1}`
	removesAll := func(ctx context.Context, c client.Client, stored *unstructured.Unstructured) error {
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(stored.GroupVersionKind())
		return c.DeleteAllOf(ctx, u, client.MatchingLabels{"only": stored.GetName()})
	}

	for sentence, try := range map[string]struct {
		who   string
		write writing
		says  string // empty: it is let through
	}{
		"incident response revokes":                      {"incident response", creates(t, kind, ``), ""},
		"incident response lifts nothing":                {"incident response", deletes, refusedTo("delete")},
		"incident response narrows nothing":              {"incident response", updates(t, until), refusedTo("update")},
		"incident response applies nothing that stands":  {"incident response", applies(t, "", until), refusedTo("patch")},
		"security revokes":                               {"security", creates(t, kind, ``), ""},
		"security narrows":                               {"security", updates(t, until), ""},
		"security lifts":                                 {"security", deletes, ""},
		"security's admin lifts many":                    {"security's admin", removesAll, ""},
		"an operator revokes":                            {"an operator", creates(t, kind, ``), notRevoking},
		"an operator revokes in a dry run":               {"an operator", creates(t, kind, ``, client.DryRunAll), notRevoking}, // THREATS 11
		"an operator revokes by a server-side apply":     {"an operator", applies(t, "-anew", ``), notRevoking},
		"an operator narrows":                            {"an operator", updates(t, until), notRevoking},
		"an operator narrows by a merge patch":           {"an operator", merges(`{"spec":{"issuedBefore":"2026-06-01T09:45:00Z"}}`), notRevoking},
		"an operator narrows by a server-side apply":     {"an operator", applies(t, "", until), notRevoking},
		"an operator narrows while labels change":        {"an operator", updatesLabels(t, until), notRevoking},
		"an operator lifts":                              {"an operator", deletes, notRevoking},
		"an operator lifts and makes it again":           {"an operator", deletesAndCreates(t, until), notRevoking},
		"an operator lifts many":                         {"an operator", removesAll, notRevoking},
		"an operator labels":                             {"an operator", merges(`{"metadata":{"labels":{"incident":"7"}}}`), ""},
		"an operator has it fall with an owner":          {"an operator", merges(`{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Namespace","name":"gone","uid":"u"}]}}`), ""},
		"but nothing is lifted with an owner that falls": {"garbage collector", deletes, notRevoking},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			stored := object(t, kind, ``)
			stored.SetGenerateName("")
			stored.SetName("r-" + strings.ReplaceAll(strings.ReplaceAll(sentence, " ", "-"), "'", ""))
			stored.SetLabels(map[string]string{"only": stored.GetName()})
			if err := cluster.client.Create(t.Context(), stored); err != nil {
				t.Fatal(err)
			}
			judgeRefusal(t, try.says, try.write(t.Context(), clients[try.who], stored))
		})
	}
}

const (
	notApproving = "is for whoever may approve delegationgrants in namespace support: ask with state Requested, or have the role behalf-grant-approver bound there"
	notApprovers = "is for whoever may approve delegationgrants in the actor's namespace elsewhere too: make the grant there, or have the role behalf-grant-approver bound there"
	ofYourOwn    = " of actor support/portal, or that cannot be told for now, and nobody approves what is done through a service of their own: " +
		"have somebody approve who may neither change its ServiceDelegations nor run as it"
	approved = `{requester: {username: dave}, state: Approved, approver: {username: carol}}`
	denied   = `{requester: {username: dave}, state: Denied, approver: {username: carol}}`
)

// THREATS 42: who may approve what was asked for, and for whose services.
func TestOnlyAnApproverApprovesGrants(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	const kind = "DelegationGrant"
	ctx := t.Context()
	verbOn := func(name, group, resource, verb string) string {
		return newRole(t, "owns-by-"+name, rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: []string{verb}})
	}
	approver := right{"behalf-grant-approver", namespace}
	everywhere := right{"behalf-grant-approver", ""}
	clients := map[string]client.Client{
		"an editor":            as(t, "grants-editor", right{"edit", namespace}),
		"an admin":             as(t, "grants-admin", right{"admin", namespace}),
		"an approver":          as(t, "grants-approver", approver, right{"view", namespace}),
		"an operator":          as(t, "grants-operator", right{newRole(t, "grants-all-but-that", everything), ""}),
		"a cluster's approver": as(t, "grants-everywhere", everywhere),
		"system:masters":       cluster.client,
	}
	owners := map[string]struct{ role, says string }{
		"edits the namespace":                    {"edit", "you may create or update servicedelegations"},
		"creates its ServiceDelegations":         {verbOn("create", "behalf.dev", "servicedelegations", "create"), "you may create or update servicedelegations"},
		"updates its ServiceDelegations":         {verbOn("update", "behalf.dev", "servicedelegations", "update"), "you may create or update servicedelegations"},
		"patches its ServiceDelegations":         {verbOn("patch", "behalf.dev", "servicedelegations", "patch"), "you may patch servicedelegations or delegate the service account"},
		"delegates its service account":          {"behalf-service-owner-delegate", "you may patch servicedelegations or delegate the service account"},
		"impersonates its service account":       {verbOn("impersonate", "", "serviceaccounts", "impersonate"), "you may impersonate the service account or create its tokens"},
		"makes tokens for its service account":   {verbOn("token", "", "serviceaccounts/token", "create"), "you may impersonate the service account or create its tokens"},
		"makes pods, which may run as the actor": {verbOn("pods", "", "pods", "create"), "you may create pods in the namespace"},
	}
	for sentence, owner := range owners {
		user := "grants-owner-" + strings.ReplaceAll(sentence, " ", "-")
		clients[sentence] = as(t, user, approver, right{owner.role, namespace})
	}

	// The API server takes a moment to learn of the policy and of the roles.
	awaitRefusal(t, notApproving, func() error { return clients["an editor"].Create(ctx, object(t, kind, approved), client.DryRunAll) })
	awaitRight(t, "grants-approver", "approve", "behalf.dev", "delegationgrants", namespace)
	awaitRight(t, "grants-everywhere", "approve", "behalf.dev", "delegationgrants", "elsewhere")
	awaitRight(t, "grants-operator", "update", "behalf.dev", "delegationgrants", namespace)
	awaitRight(t, "grants-admin", "delete", "behalf.dev", "delegationgrants", namespace)
	asked := func(t *testing.T, of string) *unstructured.Unstructured {
		t.Helper()
		grant := object(t, kind, `{requester: {username: dave}, actor: {namespace: `+of+`, serviceAccount: portal}}`)
		if err := cluster.client.Create(t.Context(), grant); err != nil {
			t.Fatal(err)
		}
		return grant
	}

	for sentence, try := range map[string]struct {
		who   string
		write writing
		says  string // empty: it is let through
	}{
		"an editor asks for a grant":                      {"an editor", creates(t, kind, ``), ""},
		"an editor says outright that he asks":            {"an editor", creates(t, kind, `state: Requested`), ""},
		"an editor makes an approved grant":               {"an editor", creates(t, kind, approved), notApproving},
		"an editor denies a grant in advance":             {"an editor", creates(t, kind, denied), notApproving},
		"an editor changes a grant that stands":           {"an editor", updates(t, approved), `cannot update resource "delegationgrants"`},
		"an editor removes the record of an approval":     {"an editor", deletes, `cannot delete resource "delegationgrants"`},
		"an admin makes an approved grant":                {"an admin", creates(t, kind, approved), notApproving},
		"an admin removes a grant":                        {"an admin", deletes, ""},
		"an approver approves what was asked for":         {"an approver", updates(t, approved), ""},
		"an approver approves by a merge patch":           {"an approver", merges(`{"spec":{"state":"Approved","approver":{"username":"carol"}}}`), ""},
		"an approver makes a grant":                       {"an approver", creates(t, kind, approved), `cannot create resource "delegationgrants"`},
		"who may all but that approves":                   {"an operator", updates(t, approved), notApproving},
		"who may all but that approves in a dry run":      {"an operator", updates(t, approved, client.DryRunAll), notApproving}, // THREATS 11
		"who may all but that approves by a merge patch":  {"an operator", merges(`{"spec":{"state":"Approved"}}`), notApproving},
		"who may all but that approves by an apply":       {"an operator", applies(t, "", approved), notApproving},
		"who may all but that makes one":                  {"an operator", applies(t, "-anew", approved), notApproving},
		"who may all but that replaces one":               {"an operator", deletesAndCreates(t, approved), notApproving},
		"who may all but that labels":                     {"an operator", merges(`{"metadata":{"labels":{"reviewed":"yes"}}}`), ""},
		"system:masters approves, and owns every service": {"system:masters", updates(t, approved), "you may create or update servicedelegations" + ofYourOwn},
		"system:masters denies":                           {"system:masters", updates(t, denied), ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			judgeRefusal(t, try.says, try.write(t.Context(), clients[try.who], asked(t, namespace)))
		})
	}
	for sentence, owner := range owners {
		t.Run("an approver approves for a service of their own: who "+sentence, func(t *testing.T) {
			t.Parallel()
			awaitRefusal(t, owner.says+ofYourOwn, func() error {
				return updates(t, approved, client.DryRunAll)(ctx, clients[sentence], asked(t, namespace))
			})
			judgeRefusal(t, "", updates(t, denied)(ctx, clients[sentence], asked(t, namespace)))
		})
	}
	t.Run("a write of status approves nothing", func(t *testing.T) {
		grant := asked(t, namespace)
		patch := client.RawPatch(apitypes.MergePatchType, []byte(`{"spec":{"state":"Approved","approver":{"username":"carol"}}}`))
		if err := clients["an operator"].Status().Patch(ctx, grant, patch); err != nil {
			t.Fatal(err)
		}
		if state, _, err := unstructured.NestedString(grant.Object, "spec", "state"); err != nil || state != "Requested" {
			t.Errorf("the state is %q (%v)", state, err)
		}
	})
	t.Run("a grant that stands elsewhere than its actor is approved by whoever may approve in both places", func(t *testing.T) {
		elsewhere := `{actor: {namespace: elsewhere, serviceAccount: portal}, ` + approved[1:]
		judgeRefusal(t, notApprovers, updates(t, elsewhere)(ctx, clients["an approver"], asked(t, "elsewhere")))
		judgeRefusal(t, "", updates(t, elsewhere)(ctx, clients["a cluster's approver"], asked(t, "elsewhere")))
	})
}
