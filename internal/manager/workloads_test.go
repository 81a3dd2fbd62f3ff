// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/manager"
	"behalf.dev/behalf/internal/upkeep"
	"behalf.dev/behalf/webhook/backstop"
	"behalf.dev/behalf/webhook/workload"
)

// asksFor is a pod of the portal that asks for scopes. Neither webhook nor policy is installed here: it is let in whatever it
// asks for.
func asksFor(name, scopes string, made ...metav1.OwnerReference) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: team, Name: name, OwnerReferences: made, Annotations: map[string]string{workload.ScopesAnnotation: scopes},
		},
		Spec: corev1.PodSpec{
			ServiceAccountName: portal,
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{Name: "c", Image: "i", SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}}},
		},
	}
}

// runs creates pods, and takes them away when the test is over.
func runs(ctx context.Context, pods ...*corev1.Pod) {
	GinkgoHelper()
	for _, pod := range pods {
		Expect(admin.Create(ctx, pod)).To(Succeed())
		DeferCleanup(goes, pod)
	}
}

func goes(ctx context.Context, pod *corev1.Pod) {
	GinkgoHelper()
	Expect(client.IgnoreNotFound(admin.Delete(ctx, pod, client.GracePeriodSeconds(0)))).To(Succeed())
}

// workloadsOf gives what the condition says of the present generation.
func workloadsOf(sd *v1alpha1.ServiceDelegation) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(sd), sd); err != nil {
			return "", err
		}
		for _, c := range sd.Status.Conditions {
			if c.Type == v1alpha1.ConditionWorkloadsWithinBounds && c.ObservedGeneration == sd.Generation {
				return fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message), nil
			}
		}
		return "", nil
	}
}

// ofWorkloads begins the names of events of workloads.
const ofWorkloads = "behalf-workload-"

// flagged gives the events of workloads, by their names.
func flagged(ctx context.Context) ([]string, error) {
	var list eventsv1.EventList
	err := admin.List(ctx, &list, client.InNamespace(team))
	var lines []string
	for _, e := range list.Items {
		if strings.HasPrefix(e.Name, ofWorkloads) {
			lines = append(lines, fmt.Sprintf("%s %s %s", e.Reason, e.Regarding.Kind, e.Regarding.Name))
		}
	}
	slices.Sort(lines)
	return lines, err
}

func forgetEvents(ctx context.Context) {
	Expect(admin.DeleteAllOf(ctx, &eventsv1.Event{}, client.InNamespace(team))).To(Succeed())
}

// lettingIn is a manager that leaves admission to others.
func lettingIn(o *manager.Options) { o.AdmissionObjects = upkeep.Unmanaged }

// withoutPolicies takes away what managers of other tests left behind, and waits until the API server goes by it no more.
func withoutPolicies(ctx context.Context) {
	GinkgoHelper()
	for _, p := range backstop.Policies(backstop.Options{Namespace: system}) {
		for _, object := range []client.Object{p.Binding, p.Policy} {
			Expect(client.IgnoreNotFound(admin.Delete(ctx, object))).To(Succeed())
		}
	}
	Eventually(func(ctx context.Context) error {
		return admin.Create(ctx, asksFor("probe", "anything"), client.DryRunAll)
	}).WithContext(ctx).Should(Succeed())
}

func outside(reason workload.Reason) func() float64 {
	return func() float64 { return figure("behalf_workloads_outside_bounds", string(reason)) }
}

const allWithin = "True WithinBounds: No running pod of the service account asks for more than it is given."

// THREATS 7
var _ = Describe("Running workloads", func() {
	BeforeEach(forgetEvents)
	BeforeEach(withoutPolicies)

	It("are flagged when their ServiceDelegation narrows, on it, on their Deployment and in metrics, and no longer when it widens", func(ctx context.Context) {
		start(ctx, lettingIn)
		sd := declaration()
		sd.Spec.Audiences[0].Scopes = []v1alpha1.ScopeName{readScope, "tickets:comment"}
		rs := tickets()
		rs.Spec.Scopes = append(rs.Spec.Scopes, v1alpha1.Scope{Name: "tickets:comment", Entitlements: rs.Spec.Scopes[0].Entitlements})
		create(ctx, issuer(), permit(), sd, rs)
		deployment := made(ctx, &appsv1.Deployment{}, "web")
		replicas := made(ctx, &appsv1.ReplicaSet{}, "web-7d9f", controls("apps/v1", "Deployment", deployment))
		by := controls("apps/v1", "ReplicaSet", replicas)
		runs(ctx, asksFor("web-2", "tickets:comment", by), asksFor("web-1", "tickets:comment tickets:read", by), asksFor("good", readScope))
		Eventually(workloadsOf(sd)).WithContext(ctx).Should(Equal(allWithin))
		Expect(flagged(ctx)).To(BeEmpty())

		change(ctx, sd, func(sd *v1alpha1.ServiceDelegation) { sd.Spec.Audiences[0].Scopes = []v1alpha1.ScopeName{readScope} })
		Eventually(workloadsOf(sd)).WithContext(ctx).Should(Equal("False OutsideBounds: 2 running pods ask for more than the service account is given: web-1, web-2. " +
			"The first: metadata.annotations[behalf.dev/scopes]: scope tickets:comment is not declared for service account support/portal for any audience: " +
			"add it, with the audience that it belongs to, under spec.audiences of ServiceDelegation support/portal, or ask without it " +
			"(declared: https://tickets.example#tickets:read)."))
		Eventually(outside(workload.NotDeclared)).Should(Equal(2.0))
		Eventually(flagged).WithContext(ctx).Should(Equal([]string{"OutsideBounds Deployment web"}))
		Eventually(func() float64 { return figure("behalf_workloads_flagging_duration_seconds") }).Should(BeNumerically(">", 0))

		change(ctx, sd, func(sd *v1alpha1.ServiceDelegation) {
			sd.Spec.Audiences[0].Scopes = append(sd.Spec.Audiences[0].Scopes, "tickets:comment")
		})
		Eventually(workloadsOf(sd)).WithContext(ctx).Should(Equal(allWithin))
		Eventually(outside(workload.NotDeclared)).Should(Equal(0.0))
	})

	It("are flagged in other words when a policy narrows, and Ready says what it said of the declaration", func(ctx context.Context) {
		m := start(ctx, lettingIn)
		sd, policy := declaration(), permit()
		create(ctx, issuer(), policy, sd, tickets())
		connect(ctx, m, "a")
		runs(ctx, asksFor("web", readScope))
		becomes(ctx, sd, declarationGood)

		change(ctx, policy, func(p *v1alpha1.DelegationPolicy) { p.Spec.Audiences[0].Scopes = []v1alpha1.ScopePattern{"other:*"} })
		Eventually(workloadsOf(sd)).WithContext(ctx).Should(Equal("False OutsidePolicy: 1 running pod asks for more than the service account is given: web. " +
			"The first: metadata.annotations[behalf.dev/scopes]: scope tickets:read of audience https://tickets.example is declared for service account support/portal and has no effect: " +
			"no DelegationPolicy permits it to support/portal; ask the security team for one, or withdraw the scope."))
		Eventually(flagged).WithContext(ctx).Should(Equal([]string{"OutsidePolicy Pod web"}))
		Expect(outside(workload.NoEffect)()).To(Equal(1.0))

		By("mending the policy, and letting in a pod that asks for more: the declaration is as ready as before")
		change(ctx, policy, func(p *v1alpha1.DelegationPolicy) { p.Spec = permit().Spec })
		becomes(ctx, sd, declarationGood)
		runs(ctx, asksFor("worse", "tickets:delete"))
		becomes(ctx, sd, "Accepted=True(Accepted) WithinPolicy=True(WithinPolicy) WorkloadsWithinBounds=False(OutsideBounds) Enforced=True(Enforced) Ready=True(Ready)")
	})

	It("are told of by event and metric alone where the last ServiceDelegation is gone", func(ctx context.Context) {
		start(ctx, lettingIn)
		sd := declaration()
		create(ctx, sd)
		runs(ctx, asksFor("web", readScope))
		Eventually(workloadsOf(sd)).WithContext(ctx).Should(HavePrefix("False OutsidePolicy")) // nobody has the audience
		Expect(admin.Delete(ctx, sd)).To(Succeed())
		Eventually(outside(workload.NoServiceDelegation)).Should(Equal(1.0))
		Eventually(flagged).WithContext(ctx).Should(ContainElement("OutsideBounds Pod web"))
	})

	It("are found though they are older than the manager, in every namespace, until they have come to their end", func(ctx context.Context) {
		const finalizer = "test.behalf.dev/hold"
		held := asksFor("held", "tickets:delete")
		held.Finalizers = []string{finalizer}
		ended := asksFor("ended", "tickets:delete")
		runs(ctx, held, ended)
		ended.Status.Phase = corev1.PodSucceeded
		Expect(admin.Status().Update(ctx, ended)).To(Succeed())
		Expect(admin.Delete(ctx, held, client.GracePeriodSeconds(0))).To(Succeed())
		for _, namespace := range []string{metav1.NamespaceSystem, system} { // which the webhooks pass over (THREATS 4)
			Expect(client.IgnoreAlreadyExists(admin.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: portal}}))).To(Succeed())
			passed := asksFor("passed", readScope)
			passed.Namespace = namespace
			runs(ctx, passed)
		}

		start(ctx, lettingIn)
		sd := declaration()
		create(ctx, sd)
		Eventually(workloadsOf(sd)).WithContext(ctx).Should(HavePrefix("False OutsideBounds: 1 running pod asks for more than the service account is given: held. "))
		Eventually(outside(workload.NoServiceDelegation)).Should(Equal(2.0))

		change(ctx, held, func(p *corev1.Pod) { p.Finalizers = nil })
		Eventually(workloadsOf(sd)).WithContext(ctx).Should(Equal(allWithin))
	})

	// THREATS 44
	It("are written of once: not again by the next leader, nor while nothing changes", func(ctx context.Context) {
		first := start(ctx, lettingIn)
		sd := declaration()
		create(ctx, issuer(), permit(), sd, tickets())
		runs(ctx, asksFor("a", "x"), asksFor("b", "x"))
		Eventually(flagged).WithContext(ctx).Should(HaveLen(2))
		becomes(ctx, sd, "Accepted=True(Accepted) WithinPolicy=True(WithinPolicy) WorkloadsWithinBounds=False(OutsideBounds) Enforced=False(NoAuthorizers) Ready=False(NoAuthorizers)")
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(sd), sd)).To(Succeed())
		settled, events := sd.ResourceVersion, versions(ctx)

		first.stop()
		second := start(ctx, lettingIn)
		Eventually(readyz(second)).WithContext(ctx).Should(ContainSubstring("running workloads: 2 pods ask for delegation, 2 of them for more than they are given"))
		Consistently(func(ctx context.Context) (string, error) {
			err := admin.Get(ctx, client.ObjectKeyFromObject(sd), sd)
			return sd.ResourceVersion, err
		}).WithContext(ctx).WithTimeout(nothingHappensIn).Should(Equal(settled))
		Expect(versions(ctx)).To(Equal(events))
	})

	// THREATS 44: a manager from which pods are kept does its main work all the same.
	It("are not spoken of where they cannot be seen, and that keeps nothing else from going on", func(ctx context.Context) {
		withoutPods(ctx)
		m := start(ctx, lettingIn)
		rs, sd := tickets(), declaration()
		create(ctx, issuer(), permit(), sd, rs)
		a := connect(ctx, m, "a")
		becomes(ctx, sd, "Accepted=True(Accepted) WithinPolicy=True(WithinPolicy) Enforced=True(Enforced) Ready=True(Ready)")
		Expect(decides(a)()).To(Equal("Allow"))
		Expect(readyz(m)()).To(And(HavePrefix("200 OK"), ContainSubstring("running workloads are not known yet")))
	})
})

func made[T client.Object](ctx context.Context, object T, name string, owners ...metav1.OwnerReference) T {
	GinkgoHelper()
	labels := map[string]string{"app": name}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: asksFor(name, "").Spec}
	object.SetNamespace(team)
	object.SetName(name)
	object.SetOwnerReferences(owners)
	switch o := client.Object(object).(type) {
	case *appsv1.Deployment:
		o.Spec.Selector, o.Spec.Template = &metav1.LabelSelector{MatchLabels: labels}, template
	case *appsv1.ReplicaSet:
		o.Spec.Selector, o.Spec.Template = &metav1.LabelSelector{MatchLabels: labels}, template
	}
	Expect(admin.Create(ctx, object)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, object)).To(Succeed()) })
	return object
}

func controls(apiVersion, kind string, object client.Object) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: apiVersion, Kind: kind, Name: object.GetName(), UID: object.GetUID(), Controller: new(true)}
}

// versions of all events in the namespace.
// versions of the events of workloads. Those of other objects are written when the recorder comes to it.
func versions(ctx context.Context) map[string]string {
	var list eventsv1.EventList
	Expect(admin.List(ctx, &list, client.InNamespace(team))).To(Succeed())
	all := map[string]string{}
	for _, e := range list.Items {
		if strings.HasPrefix(e.Name, ofWorkloads) {
			all[e.Name] = e.ResourceVersion
		}
	}
	return all
}

// withoutPods takes the manager's right to see pods away, until the test is over.
func withoutPods(ctx context.Context) {
	GinkgoHelper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "behalf-manager"}}
	Expect(admin.Get(ctx, client.ObjectKeyFromObject(role), role)).To(Succeed())
	rules := slices.Clone(role.Rules)
	taken := 0
	role.Rules = nil
	for _, r := range rules {
		resources := slices.DeleteFunc(slices.Clone(r.Resources), func(resource string) bool { return resource == "pods" })
		taken += len(r.Resources) - len(resources)
		if r.Resources = resources; len(resources) > 0 {
			role.Rules = append(role.Rules, r)
		}
	}
	Expect(taken).To(BeNumerically(">", 0))
	Expect(admin.Update(ctx, role)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		change(ctx, role, func(role *rbacv1.ClusterRole) { role.Rules = rules })
		sees(ctx, true)
	})
	sees(ctx, false)
}

// sees waits until the API server lets the manager see pods, or not: its authorizer follows roles by a watch of its own.
func sees(ctx context.Context, want bool) {
	GinkgoHelper()
	Eventually(func(ctx context.Context) (bool, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:               "system:serviceaccount:" + system + ":behalf-manager",
			ResourceAttributes: &authorizationv1.ResourceAttributes{Resource: "pods", Verb: "list"},
		}}
		err := admin.Create(ctx, review)
		return review.Status.Allowed, err
	}).WithContext(ctx).Should(Equal(want))
}
