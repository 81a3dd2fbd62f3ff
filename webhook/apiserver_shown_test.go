// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

//nolint:thelper // what shows a row of the surface is a test, whose own lines must be named where it fails
package webhook

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"behalf.dev/behalf/api/v1alpha1"
)

// at is an object in which something stands at a path.
func at(path string, value any) map[string]any {
	fields := strings.Split(path, ".")
	for _, field := range slices.Backward(fields) {
		if field != "" {
			value = map[string]any{field: value}
		}
	}
	return value.(map[string]any)
}

func text(t *testing.T, value any) []byte {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// change is a way to have an object ask for a scope.
type change func(s *apiServer, t *testing.T, m maker, o client.Object, scopes string) error

// annotations of the template of an object.
func (m maker) annotations(scopes string) map[string]any {
	return at(m.path, map[string]any{"metadata": map[string]any{"annotations": map[string]any{"behalf.dev/scopes": scopes}}})
}

func patching(kind types.PatchType) change {
	return func(s *apiServer, t *testing.T, m maker, o client.Object, scopes string) error {
		t.Helper()
		return s.Patch(t.Context(), o, client.RawPatch(kind, text(t, m.annotations(scopes))))
	}
}

// changes are all ways to change an object that the API server knows.
var changes = map[string]change{
	"an update": func(s *apiServer, t *testing.T, m maker, o client.Object, scopes string) error {
		t.Helper()
		m.annotate(o, scopes)
		return s.Update(t.Context(), o)
	},
	"a merge patch":     patching(types.MergePatchType),
	"a strategic patch": patching(types.StrategicMergePatchType),
	"a JSON patch": func(s *apiServer, t *testing.T, m maker, o client.Object, scopes string) error {
		t.Helper()
		path := "/" + strings.TrimPrefix(strings.ReplaceAll(m.path, ".", "/")+"/metadata/annotations", "/")
		return s.Patch(t.Context(), o, client.RawPatch(types.JSONPatchType, text(t, []map[string]any{
			{"op": "add", "path": path, "value": map[string]any{"behalf.dev/scopes": scopes}},
		})))
	},
	"an apply": func(s *apiServer, t *testing.T, m maker, o client.Object, scopes string) error {
		t.Helper()
		kind, err := apiutil.GVKForObject(o, s.scheme)
		s.must(t, err)
		applied := &unstructured.Unstructured{Object: m.annotations(scopes)}
		applied.SetGroupVersionKind(kind)
		applied.SetNamespace(o.GetNamespace())
		applied.SetName(o.GetName())
		return s.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner("test"), client.ForceOwnership)
	},
}

// showWrites shows that an object of a kind is judged, in whatever way it is written.
func showWrites(kind string) func(*apiServer, *testing.T) {
	return func(s *apiServer, t *testing.T) {
		s.showWritesOf(t, kind)
	}
}

func (s *apiServer) showWritesOf(t *testing.T, kind string) {
	s.declare(t, "read")
	m := makers[kind]
	o := m.make(in("support", objectName(kind, "written")), plain())
	s.must(t, s.Create(t.Context(), o))
	key := client.ObjectKeyFromObject(o)
	for name, by := range changes {
		t.Run(name, func(t *testing.T) {
			s.must(t, s.Get(t.Context(), key, o))
			admitted(t, by(s, t, m, o, "delete"), "scope delete is not declared")
			s.must(t, s.Get(t.Context(), key, o))
			if got := m.scopesOf(o); got == "delete" {
				t.Errorf("it asks for %q", got)
			}
			admitted(t, by(s, t, m, o, "read"), "")
		})
	}
	t.Run("a creation", func(t *testing.T) {
		admitted(t, s.Create(t.Context(), m.make(in("support", objectName(kind, "created")), asking("delete"))), "scope delete is not declared")
	})
	t.Run("an apply that creates", func(t *testing.T) {
		applied := &unstructured.Unstructured{}
		s.must(t, s.scheme.Convert(m.make(in("support", objectName(kind, "applied")), asking("delete")), applied, nil))
		unstructured.RemoveNestedField(applied.Object, "metadata", "creationTimestamp")
		err := s.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner("test"))
		admitted(t, err, "scope delete is not declared")
	})
}

// scopesOf is what the template of an object asks for.
func (m maker) scopesOf(o client.Object) string {
	if m.template == nil {
		return o.GetAnnotations()["behalf.dev/scopes"]
	}
	return m.template(o).Annotations["behalf.dev/scopes"]
}

// THREATS 1, 9.
func (s *apiServer) showPods(t *testing.T) {
	s.showWritesOf(t, "Pod")
	t.Run("neither service account nor volumes change", func(t *testing.T) {
		o := s.askingPod(t, "fixed")
		o.Spec.ServiceAccountName, o.Spec.DeprecatedServiceAccount = "default", "default"
		s.refusedByAPIServer(t, s.Update(t.Context(), o), "pod updates may not change fields other than")
		s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(o), o))
		o.Spec.Volumes = append(o.Spec.Volumes, mountingFor(DefaultExchangeAudience).Spec.Volumes...)
		s.refusedByAPIServer(t, s.Update(t.Context(), o), "pod updates may not change fields other than")
	})
}

// refusedByAPIServer wants a refusal that is none of our webhooks'.
func (s *apiServer) refusedByAPIServer(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || strings.Contains(err.Error(), "webhook") || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want a refusal by the API server itself that says %q", err, want)
	}
}

// askingPod makes a pod that asks to read, and has none left of an earlier test.
func (s *apiServer) askingPod(t *testing.T, name string) *corev1.Pod {
	t.Helper()
	s.declare(t, "read")
	o := makers["Pod"].make(in("support", "shown-"+name), asking("read")).(*corev1.Pod)
	s.must(t, client.IgnoreNotFound(s.Delete(t.Context(), o.DeepCopy(), client.GracePeriodSeconds(0))))
	s.must(t, s.Create(t.Context(), o))
	return o
}

// asksAsBefore wants a pod to ask for what askingPod had it ask for.
func (s *apiServer) asksAsBefore(t *testing.T, o *corev1.Pod) {
	t.Helper()
	s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(o), o))
	mounts := false
	for _, v := range o.Spec.Volumes {
		mounts = mounts || v.Name == "tokens"
	}
	if got := o.Annotations["behalf.dev/scopes"]; got != "read" || o.Spec.ServiceAccountName != "portal" || mounts {
		t.Errorf("it asks for %q as %s, and mounts a token: %v", got, o.Spec.ServiceAccountName, mounts)
	}
}

// THREATS 9.
func (s *apiServer) showPodStatus(t *testing.T) {
	o := s.askingPod(t, "status")
	o.Annotations["behalf.dev/scopes"] = "delete"
	admitted(t, s.Status().Update(t.Context(), o), "scope delete is not declared")
	for _, kind := range []types.PatchType{types.MergePatchType, types.StrategicMergePatchType} {
		err := s.Status().Patch(t.Context(), o, client.RawPatch(kind, text(t, makers["Pod"].annotations("delete"))))
		admitted(t, err, "scope delete is not declared")
	}
	s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(o), o))
	o.Status.Phase = corev1.PodRunning
	o.Spec.ServiceAccountName = "default"
	o.Spec.Volumes = mountingFor(DefaultExchangeAudience).Spec.Volumes
	admitted(t, s.Status().Update(t.Context(), o), "")
	s.asksAsBefore(t, o)
}

func debugger(mounts ...corev1.VolumeMount) []corev1.EphemeralContainer {
	return []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: "x", VolumeMounts: mounts}}}
}

// asksForMore has a pod ask for all that it must not get.
func asksForMore(o *corev1.Pod) {
	o.Annotations["behalf.dev/scopes"] = "delete"
	o.Spec.ServiceAccountName, o.Spec.DeprecatedServiceAccount = "default", "default"
	o.Spec.Volumes = append(o.Spec.Volumes, mountingFor(DefaultExchangeAudience).Spec.Volumes...)
}

// THREATS 1.
func (s *apiServer) showEphemeralContainers(t *testing.T) {
	o := s.askingPod(t, "ephemeral")
	asksForMore(o)
	o.Spec.EphemeralContainers = debugger()
	s.must(t, s.SubResource("ephemeralcontainers").Update(t.Context(), o))
	s.asksAsBefore(t, o)
	if len(o.Spec.EphemeralContainers) != 1 {
		t.Error("the container is not there, and nothing was shown")
	}
	o = s.askingPod(t, "ephemeral-patched")
	patch := at("spec", map[string]any{"ephemeralContainers": debugger(), "serviceAccountName": "default"})
	patch["metadata"] = map[string]any{"annotations": map[string]any{"behalf.dev/scopes": "delete"}}
	s.must(t, s.SubResource("ephemeralcontainers").Patch(t.Context(), o, client.RawPatch(types.StrategicMergePatchType, text(t, patch))))
	s.asksAsBefore(t, o)
	o = s.askingPod(t, "ephemeral-mounting")
	asksForMore(o)
	o.Spec.EphemeralContainers = debugger(corev1.VolumeMount{Name: "tokens", MountPath: "/t"})
	s.refusedByAPIServer(t, s.SubResource("ephemeralcontainers").Update(t.Context(), o), `volumeMounts[0].name: Not found: "tokens"`)
	s.asksAsBefore(t, o)
}

// THREATS 1.
func (s *apiServer) showResize(t *testing.T) {
	o := s.askingPod(t, "resized")
	asksForMore(o)
	s.must(t, s.SubResource("resize").Update(t.Context(), o))
	s.asksAsBefore(t, o)
	// The API server keeps the spec only where the containers are the same ones.
	for name, spoil := range map[string]func(*corev1.Pod){
		"one more": func(o *corev1.Pod) {
			o.Spec.Containers = append(o.Spec.Containers, corev1.Container{Name: "more", Image: "x"})
		},
		"one by a new name": func(o *corev1.Pod) { o.Spec.Containers[0].Name = "renamed" },
		"one less at first": func(o *corev1.Pod) { o.Spec.InitContainers = o.Spec.InitContainers[:1] },
	} {
		asksForMore(o)
		spoil(o)
		if err := s.SubResource("resize").Update(t.Context(), o); err == nil {
			t.Errorf("resizing with %s is admitted", name)
		}
		s.asksAsBefore(t, o)
	}
}

func (s *apiServer) showEviction(t *testing.T) {
	o := s.askingPod(t, "evicted")
	eviction := &policyv1.Eviction{ObjectMeta: in("support", o.Name), DeleteOptions: &metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}}
	eviction.Annotations = map[string]string{"behalf.dev/scopes": "delete"}
	s.must(t, s.SubResource("eviction").Create(t.Context(), o.DeepCopy(), eviction))
	s.asksAsBefore(t, o)
}

// The API server copies the annotations of a Binding to the pod. THREATS 1, 9.
func (s *apiServer) showBindings(t *testing.T) {
	o := s.askingPod(t, "bound")
	bind := &corev1.Binding{ObjectMeta: in("support", o.Name), Target: corev1.ObjectReference{Kind: "Node", Name: "node"}}
	bind.Annotations = map[string]string{"behalf.dev/scopes": "delete"}
	admitted(t, s.clients.CoreV1().Pods("support").Bind(t.Context(), bind, metav1.CreateOptions{}), "a Binding does not change what a pod asks for")
	err := s.clients.CoreV1().RESTClient().Post().Namespace("support").Resource("bindings").Body(bind).Do(t.Context()).Error()
	admitted(t, err, "a Binding does not change what a pod asks for")
	bind.Annotations = map[string]string{"other": "x"}
	admitted(t, s.clients.CoreV1().Pods("support").Bind(t.Context(), bind, metav1.CreateOptions{}), "")
	s.asksAsBefore(t, o)
	if o.Annotations["other"] != "x" {
		t.Error("annotations are not copied any more, and nothing was shown")
	}
}

// showStatus shows that a write of status keeps the template.
func showStatus(kind string) func(*apiServer, *testing.T) {
	return func(s *apiServer, t *testing.T) {
		s.declare(t, "read")
		m := makers[kind]
		o := m.make(in("support", objectName(kind, "statused")), asking("read"))
		s.must(t, client.IgnoreAlreadyExists(s.Create(t.Context(), o)))
		key := client.ObjectKeyFromObject(o)
		s.must(t, s.Get(t.Context(), key, o))
		m.annotate(o, "delete")
		m.template(o).Spec.Volumes = mountingFor(DefaultExchangeAudience).Spec.Volumes
		s.must(t, s.Status().Update(t.Context(), o))
		s.must(t, s.Status().Patch(t.Context(), o, client.RawPatch(types.MergePatchType, text(t, m.annotations("delete")))))
		s.must(t, s.Get(t.Context(), key, o))
		if got := m.scopesOf(o); got != "read" || len(m.template(o).Spec.Volumes) != 0 {
			t.Errorf("it asks for %q and mounts %v", got, m.template(o).Spec.Volumes)
		}
	}
}

// showScale shows that scaling changes the number alone, and is nobody's business.
func showScale(kind string) func(*apiServer, *testing.T) {
	return func(s *apiServer, t *testing.T) {
		s.declare(t, "read")
		m := makers[kind]
		o := m.make(in("support", objectName(kind, "scaled")), asking("read"))
		s.must(t, client.IgnoreAlreadyExists(s.Create(t.Context(), o)))
		scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: 5}}
		scale.Annotations = map[string]string{"behalf.dev/scopes": "delete"}
		admitted(t, s.SubResource("scale").Update(t.Context(), o, client.WithSubResourceBody(scale)), "")
		s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(o), o))
		if got := m.scopesOf(o); got != "read" || o.GetAnnotations() != nil {
			t.Errorf("it asks for %q, with the annotations %v", got, o.GetAnnotations())
		}
	}
}

func (s *apiServer) showTokens(t *testing.T) {
	err := token(t, s.Client, in("support", "portal"), nil, DefaultExchangeAudience)
	admitted(t, err, "the token is bound to no pod")
}

// What another admission changes is judged as it is by then, and what the API server keeps it keeps from that, too: mutation
// comes first. THREATS 1, 9
func (s *apiServer) showMutation(t *testing.T) {
	o := s.askingPod(t, "mutated")
	stop := s.mutate(t, "pods", "pods/resize", "pods/ephemeralcontainers")
	defer stop()
	probe := func() error {
		return s.Create(t.Context(), makers["Pod"].make(in("support", "shown-mutated-plain"), plain()), client.DryRunAll)
	}
	s.eventually(t, "refused", func() error {
		err := probe()
		if err == nil {
			return errNotYet
		}
		admitted(t, err, "scope delete is not declared")
		return nil
	})
	s.must(t, s.SubResource("resize").Update(t.Context(), o))
	s.asksAsBefore(t, o)
	o.Spec.EphemeralContainers = debugger()
	s.must(t, s.SubResource("ephemeralcontainers").Update(t.Context(), o))
	s.asksAsBefore(t, o)
	stop()
	s.eventually(t, "the policy is gone", probe)
}

// mutate has the API server annotate whatever pods are written through these resources; the function that it gives ends that.
func (s *apiServer) mutate(t *testing.T, resources ...string) func() {
	t.Helper()
	policy := &admissionregistrationv1.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "annotates"},
		Spec: admissionregistrationv1.MutatingAdmissionPolicySpec{
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
				RuleWithOperations: admissionregistrationv1.RuleWithOperations{
					Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
					Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: resources},
				},
			}}},
			Mutations: []admissionregistrationv1.Mutation{{
				PatchType: admissionregistrationv1.PatchTypeApplyConfiguration,
				ApplyConfiguration: &admissionregistrationv1.ApplyConfiguration{
					Expression: `Object{metadata: Object.metadata{annotations: {"behalf.dev/scopes": "delete"}}}`,
				},
			}},
			ReinvocationPolicy: admissionregistrationv1.NeverReinvocationPolicy,
		},
	}
	binding := &admissionregistrationv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "annotates"},
		Spec:       admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: "annotates"},
	}
	s.must(t, s.Create(t.Context(), policy))
	s.must(t, s.Create(t.Context(), binding))
	return func() {
		s.must(t, client.IgnoreNotFound(s.Delete(t.Context(), binding)))
		s.must(t, client.IgnoreNotFound(s.Delete(t.Context(), policy)))
	}
}

// THREATS 4.
func (s *apiServer) showNamespaceLabels(t *testing.T) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "relabelled"}}
	s.must(t, client.IgnoreAlreadyExists(s.Create(t.Context(), ns)))
	s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(ns), ns))
	ns.Labels = map[string]string{"kubernetes.io/metadata.name": "kube-system"}
	for name, write := range map[string]func() error{
		"update":   func() error { return s.Update(t.Context(), ns.DeepCopy()) },
		"status":   func() error { return s.Status().Update(t.Context(), ns.DeepCopy()) },
		"finalize": func() error { return s.SubResource("finalize").Update(t.Context(), ns.DeepCopy()) },
	} {
		_ = write() // whether it is refused or set right does not matter
		got := &corev1.Namespace{}
		s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(ns), got))
		if label := got.Labels["kubernetes.io/metadata.name"]; label != "relabelled" {
			t.Errorf("after %s the label is %q", name, label)
		}
	}
}

// Every way of writing objects of ours is asked about: without a manager it is refused.
func (s *apiServer) testOursAreAsked(t *testing.T) {
	declaring := declared("read")[0]
	declaring.Spec.Purpose = "Test"
	issuer := &v1alpha1.TrustedIssuer{ObjectMeta: metav1.ObjectMeta{Name: "corp"}, Spec: v1alpha1.TrustedIssuerSpec{
		URL: "https://idp.example", Audiences: []v1alpha1.Audience{"behalf"}, Algorithms: []v1alpha1.SignatureAlgorithm{"ES256"},
		Keys: v1alpha1.IssuerKeys{Type: v1alpha1.KeysDiscovery}, Scopes: v1alpha1.IssuerScopes{Type: v1alpha1.IssuerScopesUnbounded},
	}}
	objects := map[string]struct {
		client.Object
		patch string
	}{
		"ResourceServer":    {newServer("shown", "https://shown.example"), `{"spec":{"hosts":["shown.example"]}}`},
		"DelegationPolicy":  {newPolicy("shown", "https://shown.example"), `{"spec":{"effect":"Forbid"}}`},
		"ServiceDelegation": {declaring, `{"spec":{"purpose":"another"}}`},
		"TrustedIssuer":     {issuer, `{"spec":{"url":"https://another.example"}}`},
		"DelegationGrant":   {newGrant("shown", "", nil), `{"spec":{"state":"Approved"}}`},
	}
	s.declare(t)
	stop := s.startManager(t)
	for _, o := range objects {
		s.must(t, s.Create(t.Context(), o.Object))
	}
	stop()
	for kind, o := range objects {
		t.Run(kind, func(t *testing.T) {
			const want = "failed calling webhook"
			admitted(t, s.Patch(t.Context(), o.Object, client.RawPatch(types.MergePatchType, []byte(o.patch))), want)
			applied := &unstructured.Unstructured{}
			s.must(t, s.scheme.Convert(o.Object, applied, nil))
			applied.SetManagedFields(nil)
			applied.SetResourceVersion("")
			applied.SetUID("")
			applied.SetName("shown-applied")
			admitted(t, s.Create(t.Context(), applied.DeepCopy(), client.DryRunAll), want)
			unstructured.RemoveNestedField(applied.Object, "metadata", "creationTimestamp")
			admitted(t, s.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner("test")), want)
		})
	}
}
