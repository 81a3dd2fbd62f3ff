// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// hook is a webhook of ours as it is installed.
type hook = admissionregistrationv1.ValidatingWebhook

// annotating has a pod ask for more than anybody was given.
var annotating = client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"behalf.dev/scopes":"delete"}}}`))

// gap is a defence taken out of what is installed, and what somebody then gets, who did not before. (Or no longer gets, where
// it is a defence against locking the cluster.)
type gap struct {
	threat  int // the row of THREATS
	intends string
	opens   func(hooks []hook)
	try     func(ctx context.Context, s *apiServer) error
	// admitted says that it is admitted while the defence is in, and refused without.
	admitted bool
}

// gaps while there is a manager.
var gaps = append([]gap{
	{
		threat: 1, intends: "a Binding is nobody's business",
		opens: withoutRule("bindings.workloads", "pods/binding"),
		try: func(ctx context.Context, s *apiServer) error {
			bind := &corev1.Binding{ObjectMeta: in("support", "threatened"), Target: corev1.ObjectReference{Kind: "Node", Name: "node"}}
			bind.Annotations = map[string]string{"behalf.dev/scopes": "delete"}
			return s.clients.CoreV1().Pods("support").Bind(ctx, bind, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		},
	},
	{
		threat: 1, intends: "a Binding through the namespace is nobody's business",
		opens: withoutRule("bindings.workloads", "bindings"),
		try: func(ctx context.Context, s *apiServer) error {
			bind := &corev1.Binding{ObjectMeta: in("support", "threatened"), Target: corev1.ObjectReference{Kind: "Node", Name: "node"}}
			bind.Annotations = map[string]string{"behalf.dev/scopes": "delete"}
			return s.clients.CoreV1().RESTClient().Post().Namespace("support").Resource("bindings").
				VersionedParams(&metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}, metav1.ParameterCodec).Body(bind).Do(ctx).Error()
		},
	},
	{
		threat: 2, intends: "an update to another service account is what was asked for before",
		opens: withoutCondition("templates.workloads", `object.?spec.?template.?spec.?serviceAccountName != oldObject.?spec.?template.?spec.?serviceAccountName ||`, ""),
		try: func(ctx context.Context, s *apiServer) error {
			o := makers["Deployment"].make(in("support", "threatened"), plain())
			// Under its old name, as nobody has it in a template by now but who means to hide it.
			patch := `{"spec":{"template":{"spec":{"serviceAccountName":null,"serviceAccount":"default"}}}}`
			return s.Patch(ctx, o, client.RawPatch(types.MergePatchType, []byte(patch)), client.DryRunAll)
		},
	},
	{
		threat: 3, intends: "only the version in the rules is judged",
		opens: each(func(h *hook) { h.MatchPolicy = new(admissionregistrationv1.Exact) }),
		try: func(ctx context.Context, s *apiServer) error {
			o := &unstructured.Unstructured{}
			if err := s.scheme.Convert(entitling(newServer("threatened", "https://threatened.example"), "1 +"), o, nil); err != nil {
				return err
			}
			o.SetAPIVersion("behalf.dev/v1alpha2")
			return s.Create(ctx, o, client.DryRunAll)
		},
	},
	{
		threat: 4, intends: "a label on the namespace exempts",
		opens: each(func(h *hook) {
			h.NamespaceSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "admission.behalf.dev/ignore", Operator: metav1.LabelSelectorOpDoesNotExist},
			}}
		}),
		try: creates("Pod", in("exempt", "threatened")),
	},
	{
		threat: 4, intends: "a label on the object exempts",
		opens: each(func(h *hook) {
			h.ObjectSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "app", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"x"}},
			}}
		}),
		try: creates("Pod", in("support", "threatened-labelled")),
	},
	{
		threat: 4, intends: "administrators are exempt",
		opens: onlyIf("!('system:masters' in request.userInfo.groups)"),
		try:   creates("Pod", in("support", "threatened-by-admin")),
	},
	{
		threat: 4, intends: "a kubelet is exempt",
		opens: onlyIf("!('system:nodes' in request.userInfo.groups)"),
		try: func(ctx context.Context, s *apiServer) error {
			asked := &authenticationv1.TokenRequest{}
			asked.Spec.Audiences = []string{DefaultExchangeAudience}
			return s.asKubelet.SubResource("token").Create(ctx, &corev1.ServiceAccount{ObjectMeta: in("support", "portal")}, asked)
		},
	},
	{
		threat: 4, intends: "what is being deleted is exempt",
		opens: onlyIf("!has(object.metadata.deletionTimestamp)"),
		try: func(ctx context.Context, s *apiServer) error {
			o := makers["Pod"].make(in("support", "threatened-leaving"), plain())
			return s.Patch(ctx, o, annotating, client.DryRunAll)
		},
	},
	{
		threat: 4, intends: "a name exempts",
		opens: onlyIf("!object.metadata.?name.orValue('').startsWith('kube-')"),
		try:   creates("Pod", in("support", "kube-threatened")),
	},
	{
		threat: 8, intends: "tokens are nobody's business",
		opens: withoutRule("tokens.workloads", "serviceaccounts/token"),
		try:   asksForToken(DefaultExchangeAudience),
	},
	{
		threat: 8, intends: "only the first audience of a token counts",
		opens: withoutCondition("tokens.workloads", ".exists(a, a == 'behalf-exchange')", "[?0].orValue('') == 'behalf-exchange'"),
		try:   asksForToken("sts.amazonaws.com", DefaultExchangeAudience),
	},
	{
		threat: 9, intends: "a write of status is nobody's business",
		opens: withoutRule("pods.workloads", "pods/status"),
		try: func(ctx context.Context, s *apiServer) error {
			o := makers["Pod"].make(in("support", "threatened"), plain())
			return s.Status().Patch(ctx, o, annotating,
				&client.SubResourcePatchOptions{PatchOptions: client.PatchOptions{DryRun: []string{metav1.DryRunAll}}})
		},
	},
	{
		threat: 9, intends: "an update of a pod is nobody's business",
		opens: each(func(h *hook) {
			for i := range h.Rules {
				h.Rules[i].Operations = []admissionregistrationv1.OperationType{admissionregistrationv1.Create}
			}
		}),
		try: func(ctx context.Context, s *apiServer) error {
			o := makers["Pod"].make(in("support", "threatened"), plain())
			return s.Patch(ctx, o, annotating, client.DryRunAll)
		},
	},
	{
		threat: 9, intends: "an update that changes the annotation alone is what was asked for before",
		opens: withoutCondition("pods.workloads", `object.metadata.?annotations[?"behalf.dev/scopes"] != oldObject.metadata.?annotations[?"behalf.dev/scopes"] ||`, ""),
		try: func(ctx context.Context, s *apiServer) error {
			o := makers["Pod"].make(in("support", "threatened"), plain())
			return s.Patch(ctx, o, annotating, client.DryRunAll)
		},
	},
	{
		threat: 11, intends: "a dry run is not judged",
		opens: onlyIf("!request.?dryRun.orValue(false)"),
		try:   creates("Pod", in("support", "threatened-dry")),
	},
	{
		threat: 11, intends: "an object whose name is generated is not judged",
		opens: onlyIf("!has(object.metadata.generateName)"),
		try:   creates("Pod", metav1.ObjectMeta{Namespace: "support", GenerateName: "threatened-"}),
	},
}, gapsOfKinds()...)

// gapsOfKinds are one for each kind that makes pods, and for the Pod itself.
func gapsOfKinds() []gap {
	var all []gap
	for kind, where := range map[string][2]string{
		"Pod":                   {"pods.workloads", "pods"},
		"PodTemplate":           {"podtemplates.workloads", "podtemplates"},
		"ReplicationController": {"templates.workloads", "replicationcontrollers"},
		"Deployment":            {"templates.workloads", "deployments"},
		"ReplicaSet":            {"templates.workloads", "replicasets"},
		"StatefulSet":           {"templates.workloads", "statefulsets"},
		"DaemonSet":             {"templates.workloads", "daemonsets"},
		"Job":                   {"templates.workloads", "jobs"},
		"CronJob":               {"cronjobs.workloads", "cronjobs"},
	} {
		all = append(all, gap{
			threat: 3, intends: "objects of kind " + kind + " are nobody's business",
			opens: withoutRule(where[0], where[1]), try: creates(kind, in("support", "threatened-kind")),
		})
	}
	return all
}

// gapsWithoutManager are those while there is none.
var gapsWithoutManager = []gap{
	{
		threat: 10, intends: "without an answer the answer is yes",
		opens: each(func(h *hook) { h.FailurePolicy = new(admissionregistrationv1.Ignore) }),
		try:   creates("Pod", in("support", "threatened-alone")),
	},
	{
		threat: 10, intends: "the system's own pods wait for a manager", admitted: true,
		opens: each(func(h *hook) { h.NamespaceSelector = nil }),
		try:   creates("Pod", in("kube-system", "threatened-alone")),
	},
	{
		threat: 10, intends: "the manager's own pods wait for a manager", admitted: true,
		opens: each(func(h *hook) {
			if len(h.NamespaceSelector.MatchExpressions) > 0 {
				h.NamespaceSelector.MatchExpressions[0].Values = []string{"kube-system"}
			}
		}),
		try: creates("Pod", in("behalf-system", "threatened-alone")),
	},
	{
		threat: 10, intends: "what asks for nothing waits for a manager", admitted: true,
		opens: each(func(h *hook) { h.MatchConditions = nil }),
		try: func(ctx context.Context, s *apiServer) error {
			return s.Create(ctx, makers["Pod"].make(in("support", "threatened-plain"), plain()), client.DryRunAll)
		},
	},
	{
		threat: 10, intends: "what runs waits for a manager", admitted: true,
		opens: each(func(h *hook) {
			h.MatchConditions = slices.DeleteFunc(h.MatchConditions, func(c admissionregistrationv1.MatchCondition) bool { return c.Name == "asks-anew" })
		}),
		try: func(ctx context.Context, s *apiServer) error {
			o := makers["Deployment"].make(in("support", "threatened"), plain())
			return s.Patch(ctx, o, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":7}}`)), client.DryRunAll)
		},
	},
	{
		threat: 10, intends: "every token waits for a manager", admitted: true,
		opens: withoutCondition("tokens.workloads", "a == 'behalf-exchange'", "true"),
		try:   asksForToken("sts.amazonaws.com"),
	},
}

// each opens every webhook that judges workloads or what they ask for, and ours, too.
func each(open func(*hook)) func([]hook) {
	return func(hooks []hook) {
		for i := range hooks {
			open(&hooks[i])
		}
	}
}

func onlyIf(expression string) func([]hook) {
	return each(func(h *hook) {
		h.MatchConditions = append(h.MatchConditions, admissionregistrationv1.MatchCondition{Name: "exempt", Expression: expression})
	})
}

// named opens one webhook, which must be there.
func named(name string, open func(*hook)) func([]hook) {
	return func(hooks []hook) {
		i := slices.IndexFunc(hooks, func(h hook) bool { return h.Name == name+".behalf.dev" })
		open(&hooks[i])
	}
}

func withoutRule(name, resource string) func([]hook) {
	return named(name, func(h *hook) {
		for i := range h.Rules {
			h.Rules[i].Resources = slices.DeleteFunc(h.Rules[i].Resources, func(r string) bool { return r == resource })
		}
		h.Rules = slices.DeleteFunc(h.Rules, func(r admissionregistrationv1.RuleWithOperations) bool { return len(r.Resources) == 0 })
		if len(h.Rules) == 0 { // a webhook must have one
			h.Rules = []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{"nobody.example"}, APIVersions: []string{"v1"}, Resources: []string{"nothings"}},
			}}
		}
	})
}

// withoutCondition replaces a part of the match conditions, which must be there.
func withoutCondition(name, part, by string) func([]hook) {
	return named(name, func(h *hook) {
		for i, c := range h.MatchConditions {
			if strings.Contains(c.Expression, part) {
				h.MatchConditions[i].Expression = strings.Replace(c.Expression, part, by, 1)
				return
			}
		}
		panic(fmt.Sprintf("%s has no condition with %q; adapt the gap", name, part))
	})
}

// creates something that asks for more than anybody was given.
func creates(kind string, m metav1.ObjectMeta) func(context.Context, *apiServer) error {
	return func(ctx context.Context, s *apiServer) error {
		return s.Create(ctx, makers[kind].make(m, asking("delete")), client.DryRunAll)
	}
}

func asksForToken(audiences ...string) func(context.Context, *apiServer) error {
	return func(ctx context.Context, s *apiServer) error {
		asked := &authenticationv1.TokenRequest{}
		asked.Spec.Audiences = audiences
		return s.SubResource("token").Create(ctx, &corev1.ServiceAccount{ObjectMeta: in("support", "portal")}, asked)
	}
}

// TestThreatsOfTheInstallation takes one defence after the other out of what is installed: each attempt that is refused with
// all of them must succeed without its own.
func TestThreatsOfTheInstallation(t *testing.T) {
	s := startAPIServer(t)
	stop := s.startManager(t)
	s.setThreatened(t)
	for _, g := range gaps {
		t.Run(fmt.Sprintf("THREATS %d: %s", g.threat, g.intends), func(t *testing.T) { s.testGap(t, g) })
	}
	stop()
	for _, g := range gapsWithoutManager {
		t.Run(fmt.Sprintf("THREATS %d: %s", g.threat, g.intends), func(t *testing.T) { s.testGap(t, g) })
	}
}

// setThreatened makes what the attempts are about, and serves a second version of one of our kinds.
func (s *apiServer) setThreatened(t *testing.T) {
	t.Helper()
	s.must(t, s.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "exempt", Labels: map[string]string{"admission.behalf.dev/ignore": "true"}}}))
	s.makeServiceAccounts(t, "exempt")
	s.declare(t, "read")
	s.must(t, s.Create(t.Context(), makers["Pod"].make(in("support", "threatened"), plain())))
	s.must(t, s.Create(t.Context(), makers["Deployment"].make(in("support", "threatened"), asking("read"))))
	leaving := in("support", "threatened-leaving")
	leaving.Finalizers = []string{"behalf.dev/test"}
	pod := makers["Pod"].make(leaving, plain())
	s.must(t, s.Create(t.Context(), pod))
	s.must(t, s.Delete(t.Context(), pod, client.GracePeriodSeconds(0)))
	crd := &apiextensionsv1.CustomResourceDefinition{}
	s.must(t, s.Get(t.Context(), client.ObjectKey{Name: "resourceservers.behalf.dev"}, crd))
	second := *crd.Spec.Versions[0].DeepCopy()
	second.Name, second.Storage = "v1alpha2", false
	crd.Spec.Versions = append(crd.Spec.Versions, second)
	s.must(t, s.Update(t.Context(), crd))
}

func (s *apiServer) testGap(t *testing.T, g gap) {
	t.Helper()
	key := client.ObjectKey{Name: "behalf-validating"}
	config := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	s.must(t, s.Get(t.Context(), key, config))
	shipped := config.DeepCopy().Webhooks
	t.Cleanup(func() {
		config.Webhooks = shipped
		s.must(t, s.Update(context.WithoutCancel(t.Context()), config))
	})
	settled := func(what string, refused bool) {
		t.Helper()
		s.eventually(t, what, func() error {
			err := g.try(t.Context(), s)
			if ours := err != nil && strings.Contains(err.Error(), `webhook "`); ours != refused || !refused && err != nil {
				return fmt.Errorf("the attempt gave: %w", errors.Join(errNotYet, err))
			}
			return nil
		})
	}
	settled("the defence holds", !g.admitted)
	g.opens(config.Webhooks)
	s.must(t, s.Update(t.Context(), config))
	settled("without the defence it does not hold", g.admitted)
}
