// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bounds

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/webhook/backstop"
)

// TestBackstop has a real control plane judge pods by what the controller and the keeper of policies write, without any
// webhook. The order matters: what is there before the controller comes first, and what is there without it last.
func TestBackstop(t *testing.T) {
	s := newStage(t)
	for _, namespace := range []string{"support", "finance", "squatted", "frozen"} {
		s.makeNamespace(t, namespace)
	}
	s.must(t, s.Create(t.Context(), declared("support", "portal", "read")))
	t.Run("what others wrote under its name is not kept", s.testTakeover)
	t.Run("a guard that keeps it out is there", s.testForeignGuard)
	history := s.record(t)
	s.start(t)
	s.awaitsPolicies(t)
	t.Run("no policy is older than the bounds that it reads", func(t *testing.T) { s.testPoliciesCome(t, history) })
	t.Run("pods", s.testPods)
	t.Run("no namespace is left out but two", s.testNamespaces)
	t.Run("what was taken over", s.testTakenOver)
	t.Run("nobody else writes the bounds", s.testGuard)
	t.Run("what is removed or changed is put right", s.testRepair)
	t.Run("a namespace that is deleted goes", s.testNamespaceGoes)
	t.Run("a namespace is listed while it has bounds, and no longer", s.testOrder)
	t.Run("a pipeline that tries again is not denied for good", s.testPipeline)
	t.Run("it writes nothing but what changed", s.testIdle)
	t.Run("it counts", s.testFigures)
	t.Run("another one that starts takes nothing away", s.testRestart)
	t.Run("the API server goes on without it", s.testAlone)
}

// THREATS 45: it would deny what is declared.
func (s *stage) testPoliciesCome(t *testing.T, h *history) {
	t.Helper()
	var listed uint64
	h.each(func(o *corev1.ConfigMap, _ watch.EventType) {
		if o.Namespace == system && listed == 0 {
			listed = version(t, o)
		}
	})
	if listed == 0 {
		t.Fatal("no list was recorded")
	}
	for _, p := range backstop.Policies(backstop.Options{}) {
		if p.Binding.Spec.ParamRef == nil {
			continue
		}
		for _, o := range []client.Object{p.Policy, p.Binding} {
			s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(o), o))
			if got := version(t, o); got < listed {
				t.Errorf("%T %s is of version %d, and the list of %d", o, o.GetName(), got, listed)
			}
		}
	}
}

// version is when an object was written, in the API server's count of all writes.
func version(t *testing.T, o client.Object) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// THREATS 1, 10.
func (s *stage) testPods(t *testing.T) {
	s.awaits(t, pod("support", "reads", "read"), true)
	tests := map[string]struct {
		namespace, scopes, want string
	}{
		"that ask for nothing":                           {namespace: "support"},
		"that ask for what is declared":                  {namespace: "support", scopes: tickets + "#read\tread"},
		"that ask for more":                              {"support", "read delete", "service account support/portal asks for delete, which none of its ServiceDelegations declares for one audience"},
		"that ask in words which cannot be read":         {"support", "read a#b#c", "the annotation behalf.dev/scopes cannot be read"},
		"that ask where nothing is declared":             {"finance", "read", "there is no ServiceDelegation in namespace finance that the API server knows of"},
		"that ask for nothing where nothing is declared": {namespace: "finance"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			admitted, why := s.tries(t, pod(tt.namespace, "x", tt.scopes))
			if admitted != (tt.want == "") || !strings.Contains(why, tt.want) {
				t.Errorf("admitted: %v, %s", admitted, why)
			}
		})
	}
	t.Run("that get another annotation, by an update or a write of status", func(t *testing.T) { // THREATS 9
		p := pod("support", "changes", "read")
		s.must(t, s.Create(t.Context(), p))
		p.Annotations["behalf.dev/scopes"] = "delete"
		for what, err := range map[string]error{"update": s.Update(t.Context(), p.DeepCopy()), "status": s.Status().Update(t.Context(), p.DeepCopy())} {
			if err == nil || !strings.Contains(err.Error(), backstop.PodsBounds) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
	t.Run("that a Binding would annotate", func(t *testing.T) {
		p := pod("support", "bound", "read")
		s.must(t, s.Create(t.Context(), p))
		bind := &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: "node"}}
		bind.Annotations = map[string]string{"behalf.dev/scopes": "delete"}
		if err := s.SubResource("binding").Create(t.Context(), p, bind); err == nil || !strings.Contains(err.Error(), backstop.Bindings) {
			t.Errorf("got %v", err)
		}
	})
}

// THREATS 4.
func (s *stage) testNamespaces(t *testing.T) {
	sneaky := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "sneaky", Labels: map[string]string{"kubernetes.io/metadata.name": "kube-system"}}}
	s.must(t, s.Create(t.Context(), sneaky))
	for namespace, want := range map[string]bool{"kube-system": true, system: true, "kube-public": false, "default": false, "sneaky": false} {
		p := pod(namespace, "x", "read")
		p.Spec.ServiceAccountName = "default"
		s.eventually(t, "the service account of "+namespace, func() bool {
			return s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "default"}, &corev1.ServiceAccount{}) == nil
		})
		if namespace == system { // the namespace holds pods to a standard
			p.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}
		}
		if admitted, why := s.tries(t, p); admitted != want {
			t.Errorf("%s: admitted: %v %s", namespace, admitted, why)
		}
	}
}

// testTakeover leaves bounds behind that a tenant would like to have.
func (s *stage) testTakeover(t *testing.T) {
	s.must(t, s.Create(t.Context(), declared("frozen", "portal", "read")))
	s.must(t, s.Create(t.Context(), configMap("squatted", map[string]string{"portal": "delete"})))
	frozen := configMap("frozen", map[string]string{"portal": "delete", "other": "delete"})
	frozen.Immutable = new(true)
	s.must(t, s.Create(t.Context(), frozen))
	wide := configMap("support", map[string]string{"portal": "delete", "other": "delete"})
	wide.BinaryData = map[string][]byte{"default": []byte("delete")}
	wide.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ServiceAccount", Name: "portal", UID: s.uid(t, "support", "portal")}}
	s.must(t, s.Create(t.Context(), wide))
}

// testForeignGuard leaves the guard of a manager behind that had another name.
func (s *stage) testForeignGuard(t *testing.T) {
	for _, p := range backstop.Policies(backstop.Options{Namespace: system, Manager: "system:serviceaccount:elsewhere:manager"}) {
		if p.Policy.Name == backstop.Guard {
			s.must(t, errors.Join(s.Create(t.Context(), p.Policy), s.Create(t.Context(), p.Binding)))
		}
	}
	s.eventually(t, "it is enforced", func() bool {
		err := s.Create(t.Context(), configMap("default", nil), client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), backstop.Guard)
	})
}

func (s *stage) uid(t *testing.T, namespace, account string) types.UID {
	t.Helper()
	o := &corev1.ServiceAccount{}
	s.must(t, s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: account}, o))
	return o.UID
}

func (s *stage) testTakenOver(t *testing.T) {
	for _, namespace := range []string{"support", "frozen"} {
		s.eventually(t, "the bounds of "+namespace, func() bool {
			o, err := s.bounds(t, namespace)
			return err == nil && len(o.Data) == 1 && o.Data["portal"] == tickets+"#read\nread" && o.BinaryData == nil && o.OwnerReferences == nil && o.Immutable == nil
		})
	}
	s.eventually(t, "nothing is left where nothing is declared", func() bool {
		_, err := s.bounds(t, "squatted")
		return apierrors.IsNotFound(err)
	})
}

func (s *stage) bounds(t *testing.T, namespace string) (*corev1.ConfigMap, error) {
	t.Helper()
	o := configMap(namespace, nil)
	return o, s.Get(t.Context(), client.ObjectKeyFromObject(o), o)
}

// Whoever may do anything with ConfigMaps in a namespace may not with this one; nor may a cluster's admin. THREATS 42
func (s *stage) testGuard(t *testing.T) {
	s.mayEdit(t, "owner", "support")
	s.mayEdit(t, "owner", "finance")
	for user, c := range map[string]client.Client{"owner": s.clientAs(t, "owner"), "cluster-admin": s.Client} {
		wide := map[string]string{"portal": "delete"}
		patch := client.RawPatch(types.MergePatchType, []byte(`{"data":{"portal":"delete"}}`))
		label := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"app.kubernetes.io/name":null}}}`))
		writes := map[string]func() error{
			"create where there are none": func() error { return c.Create(t.Context(), configMap("finance", wide)) },
			"apply where there are none": func() error {
				return c.Patch(t.Context(), &corev1.ConfigMap{
					TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: configMap("finance", nil).ObjectMeta, Data: wide,
				}, client.Apply, client.FieldOwner("owner")) //nolint:staticcheck // it is what kubectl does
			},
			"update":            func() error { return c.Update(t.Context(), configMap("support", wide)) },
			"patch":             func() error { return c.Patch(t.Context(), configMap("support", nil), patch) },
			"patch labels":      func() error { return c.Patch(t.Context(), configMap("support", nil), label) },
			"delete":            func() error { return c.Delete(t.Context(), configMap("support", nil)) },
			"delete collection": func() error { return c.DeleteAllOf(t.Context(), &corev1.ConfigMap{}, client.InNamespace("support")) },
			"a dry run":         func() error { return c.Update(t.Context(), configMap("support", wide), client.DryRunAll) },
		}
		for what, write := range writes {
			if err := write(); err == nil || !strings.Contains(err.Error(), "only Behalf's manager writes it") {
				t.Errorf("%s, %s: %v", user, what, err)
			}
		}
	}
	other := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "behalf-bounds-2"}}
	owner := s.clientAs(t, "owner")
	s.must(t, errors.Join(owner.Create(t.Context(), other), owner.Update(t.Context(), other), owner.Delete(t.Context(), other)))
	if o, err := s.bounds(t, "support"); err != nil || o.Data["portal"] != tickets+"#read\nread" {
		t.Errorf("the bounds are %v, %v", o.Data, err)
	}
}

// THREATS 10: without hands.
func (s *stage) testRepair(t *testing.T) {
	asManager := s.clientAs(t, manager)
	for _, namespace := range []string{"support", system} {
		want, err := s.bounds(t, namespace)
		s.must(t, err)
		restored := func(what string) {
			s.eventually(t, what+" in "+namespace, func() bool {
				o, err := s.bounds(t, namespace)
				return err == nil && fmt.Sprint(o.Data, o.Labels) == fmt.Sprint(want.Data, want.Labels)
			})
		}
		o := want.DeepCopy()
		o.Data, o.Labels = map[string]string{"portal": "delete"}, nil
		s.must(t, asManager.Update(t.Context(), o))
		restored("what was changed is put right")
		s.must(t, asManager.Delete(t.Context(), o))
		restored("what was deleted is put right")
	}
	for _, p := range backstop.Policies(backstop.Options{}) {
		s.repaired(t, p.Policy, &admissionregistrationv1.ValidatingAdmissionPolicy{}, func(o client.Object) (spec any) {
			o.(*admissionregistrationv1.ValidatingAdmissionPolicy).Spec.Validations[0].Expression = "true"
			return nil
		})
		s.repaired(t, p.Binding, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}, func(o client.Object) (spec any) {
			o.(*admissionregistrationv1.ValidatingAdmissionPolicyBinding).Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Audit}
			return nil
		})
	}
	s.awaitsPolicies(t)
}

func (s *stage) repaired(t *testing.T, named, have client.Object, weaken func(client.Object) any) {
	t.Helper()
	key := client.ObjectKeyFromObject(named)
	s.must(t, s.Get(t.Context(), key, have))
	want := specOf(have)
	restored := func(what string) {
		s.eventually(t, key.Name+" "+what, func() bool {
			return s.Get(t.Context(), key, have) == nil && specOf(have) == want
		})
	}
	weaken(have)
	s.must(t, s.Update(t.Context(), have))
	restored("was changed")
	s.must(t, s.Delete(t.Context(), have))
	restored("was deleted")
}

func specOf(o client.Object) string {
	switch o := o.(type) {
	case *admissionregistrationv1.ValidatingAdmissionPolicy:
		return o.Spec.String()
	case *admissionregistrationv1.ValidatingAdmissionPolicyBinding:
		return o.Spec.String()
	default:
		return ""
	}
}

// What was declared in a namespace goes with it. THREATS 12, 45
func (s *stage) testNamespaceGoes(t *testing.T) {
	s.makeNamespace(t, "passing")
	s.must(t, s.Create(t.Context(), declared("passing", "portal", "read")))
	s.awaits(t, pod("passing", "x", "read"), true)
	s.deleted(t, "passing")
	s.eventually(t, "it is listed no more", func() bool { return !slices.Contains(s.listed(t), "passing") })
	s.makeNamespace(t, "passing")
	if admitted, _ := s.tries(t, pod("passing", "x", "read")); admitted {
		t.Error("a namespace that is made again has the bounds of the one before")
	}
}

func (s *stage) deleted(t *testing.T, namespace string) {
	t.Helper()
	s.must(t, s.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}))
	s.eventually(t, "namespace "+namespace+" is gone", func() bool {
		return apierrors.IsNotFound(s.Get(t.Context(), client.ObjectKey{Name: namespace}, &corev1.Namespace{}))
	})
}

// listed are the namespaces that the API server is told of.
func (s *stage) listed(t *testing.T) []string {
	t.Helper()
	o, err := s.bounds(t, system)
	s.must(t, err)
	return strings.Fields(o.Data["namespaces"])
}

// THREATS 6: a pipeline applies everything in one go, in any order, and tries again what was denied; controllers do the same.
func (s *stage) testPipeline(t *testing.T) {
	for i := range 20 {
		name := fmt.Sprintf("gitops-%d", i)
		template := pod(name, "", tickets+"#read")
		template.Labels = map[string]string{"app": name}
		s.must(t, s.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
		objects := []client.Object{
			&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "portal"}},
			declared(name, "portal", "read"),
			&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "portal"}, Spec: appsv1.DeploymentSpec{
				Selector: &metav1.LabelSelector{MatchLabels: template.Labels},
				Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: template.Labels, Annotations: template.Annotations}, Spec: template.Spec},
			}},
		}
		rand.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
		for _, o := range objects {
			s.must(t, s.Create(t.Context(), o)) // at once: a template is never denied for what is declared later
		}
	}
	for i := range 20 {
		name := fmt.Sprintf("gitops-%d", i)
		s.eventually(t, "the pod of "+name, func() bool {
			var pods corev1.PodList
			s.must(t, s.List(t.Context(), &pods, client.InNamespace(name)))
			return len(pods.Items) == 1
		})
	}
}

func (s *stage) testIdle(t *testing.T) {
	d := declared("support", "second", "write")
	s.must(t, s.Create(t.Context(), d))
	s.awaits(t, pod("support", "x", "write"), true) // it has caught up
	before := s.controller.writes.Load()
	d.Labels = map[string]string{"touched": "yes"}
	s.must(t, s.Update(t.Context(), d))
	s.must(t, s.Create(t.Context(), declared("finance", "portal", "read")))
	s.awaits(t, pod("finance", "x", "read"), true)
	if got := s.controller.writes.Load() - before; got != 2 {
		t.Errorf("%d writes, want 2: the bounds of finance, and the list", got)
	}
	s.must(t, s.Delete(t.Context(), d))
	s.awaits(t, pod("support", "x", "write"), false)
	if got := s.controller.writes.Load() - before; got != 3 {
		t.Errorf("%d writes, want 3: the bounds of support, too", got)
	}
}

func (s *stage) testFigures(t *testing.T) {
	s.controller.figures.mu.Lock()
	defer s.controller.figures.mu.Unlock()
	if listed := len(s.listed(t)); s.controller.figures.listed != listed || listed == 0 || len(s.controller.figures.accounts) != 0 || s.controller.figures.unlisted != 0 {
		t.Errorf("%d namespaces are counted and %d are listed; left out are %v and %d", s.controller.figures.listed, listed, s.controller.figures.accounts, s.controller.figures.unlisted)
	}
}

func (s *stage) testRestart(t *testing.T) {
	s.controller.stop()
	before := s.listed(t)
	s.must(t, s.Delete(t.Context(), declared("finance", "portal"))) // seen by nobody
	history := s.record(t)
	s.start(t)
	s.eventually(t, "what happened meanwhile is seen", func() bool { return !slices.Contains(s.listed(t), "finance") })
	for _, list := range history.lists() {
		for _, namespace := range before {
			if namespace != "finance" && !slices.Contains(list, namespace) {
				t.Errorf("for a moment, %s was not listed", namespace)
			}
		}
	}
	if len(history.lists()) == 0 {
		t.Error("no list was recorded")
	}
}

// THREATS 10, 45: every manager is gone; the one of the test before ended with it.
func (s *stage) testAlone(t *testing.T) {
	for _, tt := range []struct {
		namespace, scopes string
		want              bool
	}{
		{"support", "", true}, {"support", "read", true}, {"support", "delete", false}, {"finance", "", true}, {"finance", "read", false}, {"kube-system", "delete", true},
	} {
		p := pod(tt.namespace, "alone", tt.scopes)
		if tt.namespace == "kube-system" {
			p.Spec.ServiceAccountName = "default"
		}
		if admitted, why := s.tries(t, p); admitted != tt.want {
			t.Errorf("%s asks for %q: admitted: %v %s", tt.namespace, tt.scopes, admitted, why)
		}
	}
	p := pod("support", "runs", "read")
	s.must(t, s.Create(t.Context(), p))
	p.Status.Phase = corev1.PodRunning
	s.must(t, s.Status().Update(t.Context(), p))
	s.deleted(t, "gitops-0") // the guard does not hold it back
}
