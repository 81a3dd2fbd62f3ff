// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// THREATS 10.
func (s *apiServer) testNoManager(t *testing.T) {
	admitted(t, s.Create(t.Context(), makers["Pod"].make(in("support", "early"), asking("read"))), "failed calling webhook")
	admitted(t, s.Create(t.Context(), makers["Pod"].make(in("support", "early"), plain())), "")
}

// THREATS 1, 3.
func (s *apiServer) testCreate(t *testing.T) {
	s.declare(t, "read", "write")
	tests := map[string]struct {
		template corev1.PodTemplateSpec
		want     string
		field    string
	}{
		"asks for nothing":           {template: plain()},
		"mounts somebody's token":    {template: mountingFor("sts.amazonaws.com")},
		"asks for what was declared": {template: asking(tickets + "#read write")},
		"mounts the token":           {template: mountingFor(DefaultExchangeAudience)},
		"asks for more": {
			template: asking("read delete"), field: "metadata.annotations[behalf.dev/scopes]",
			want: "scope delete is not declared for service account support/portal",
		},
		"asks for nothing in particular": {template: asking(""), field: "metadata.annotations[behalf.dev/scopes]", want: "it names no scope"},
	}
	for kind, m := range makers {
		for name, tt := range tests {
			t.Run(kind+" "+name, func(t *testing.T) {
				if tt.field != "" && m.path != "" {
					tt.field = m.path + "." + tt.field
				}
				err := s.Create(t.Context(), m.make(in("support", objectName(kind, name)), tt.template))
				admitted(t, err, tt.want)
				if err != nil && !strings.Contains(err.Error(), tt.field+": ") {
					t.Errorf("got %v, want the field %s", err, tt.field)
				}
			})
		}
	}
	s.declare(t)
	for kind, m := range makers {
		t.Run(kind+" mounts the token without a ServiceDelegation", func(t *testing.T) {
			// The cache may not know yet that the ServiceDelegation is gone.
			s.eventually(t, "refused", func() error {
				err := s.Create(t.Context(), m.make(in("support", objectName(kind, "gone")), mountingFor(DefaultExchangeAudience)), client.DryRunAll)
				if err == nil {
					return errNotYet
				}
				admitted(t, err, "volumes[1].projected.sources[1].serviceAccountToken.audience: a token for the exchange asks for delegation")
				return nil
			})
		})
	}
}

func objectName(kind, name string) string {
	return strings.ToLower(kind + "-" + strings.NewReplacer(" ", "-", "'", "").Replace(name))
}

// THREATS 9.
func (s *apiServer) testUpdate(t *testing.T) {
	s.declare(t, "read")
	for kind, m := range makers {
		t.Run(kind, func(t *testing.T) {
			o := m.make(in("support", objectName(kind, "updated")), plain())
			s.must(t, s.Create(t.Context(), o))
			change := func(scopes string) error {
				s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(o), o))
				m.annotate(o, scopes)
				return s.Update(t.Context(), o)
			}
			admitted(t, change("delete"), "scope delete is not declared")
			admitted(t, change("read"), "")
			admitted(t, change("read delete"), "scope delete is not declared")
			admitted(t, change("*"), "is a pattern")
		})
	}
	t.Run("a template that mounts the token anew", func(t *testing.T) {
		s.makeNamespace(t, "bare")
		s.makeServiceAccounts(t, "bare")
		m := makers["Deployment"]
		o := m.make(in("bare", "mounting"), plain())
		s.must(t, s.Create(t.Context(), o))
		m.template(o).Spec = mountingFor(DefaultExchangeAudience).Spec
		admitted(t, s.Update(t.Context(), o), "a token for the exchange asks for delegation")
	})
}

// What runs can be scaled, patched and finalized when its bounds shrink; it cannot ask for more, nor be made anew. THREATS 7
func (s *apiServer) testShrink(t *testing.T) {
	s.declare(t, "read", "write")
	for kind, m := range makers {
		o := m.make(in("support", objectName(kind, "running")), asking("read write"))
		o.SetFinalizers([]string{"behalf.dev/test"})
		s.must(t, s.Create(t.Context(), o))
	}
	s.declare(t, "read")
	s.eventually(t, "the new bounds are known", func() error {
		err := s.Create(t.Context(), makers["Pod"].make(in("support", "probe"), asking("write")), client.DryRunAll)
		if err == nil {
			return errNotYet
		}
		admitted(t, err, "scope write is not declared")
		return nil
	})
	for kind, m := range makers {
		t.Run(kind, func(t *testing.T) {
			o := m.make(in("support", objectName(kind, "running")), asking("read write"))
			key := client.ObjectKeyFromObject(o)
			s.must(t, s.Get(t.Context(), key, o))
			o.SetLabels(map[string]string{"app": "x", "touched": "yes"})
			admitted(t, s.Update(t.Context(), o), "")
			m.annotate(o, "read write delete")
			admitted(t, s.Update(t.Context(), o), "scope delete is not declared")
			s.must(t, s.Delete(t.Context(), o))
			s.must(t, s.Get(t.Context(), key, o))
			o.SetFinalizers(nil)
			admitted(t, s.Update(t.Context(), o), "")
			admitted(t, s.Create(t.Context(), m.make(in("support", objectName(kind, "again")), asking("read write"))), "scope write is not declared")
		})
	}
}

// THREATS 4, 10: no namespace is left out but kube-system and our own, by a label that nobody can put on another.
func (s *apiServer) testNamespaces(t *testing.T) {
	sneaky := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "sneaky", Labels: map[string]string{
		"kubernetes.io/metadata.name": "kube-system", "admission.behalf.dev/ignore": "true", "control-plane": "true",
	}}}
	s.must(t, s.Create(t.Context(), sneaky))
	s.makeServiceAccounts(t, "sneaky")
	for namespace, want := range map[string]string{
		"kube-system": "", "behalf-system": "", "kube-public": "has no ServiceDelegation", "sneaky": "has no ServiceDelegation",
	} {
		t.Run(namespace, func(t *testing.T) {
			for kind, m := range makers {
				admitted(t, s.Create(t.Context(), m.make(in(namespace, objectName(kind, "x")), asking("read"))), want)
			}
		})
	}
}

// THREATS 11.
func (s *apiServer) testDryRun(t *testing.T) {
	s.declare(t, "read")
	admitted(t, s.Create(t.Context(), makers["Pod"].make(in("support", "dry"), asking("delete")), client.DryRunAll), "scope delete is not declared")
	admitted(t, s.Create(t.Context(), makers["Pod"].make(in("support", "dry"), asking("read")), client.DryRunAll), "")
	if err := s.Get(t.Context(), client.ObjectKey{Namespace: "support", Name: "dry"}, &corev1.Pod{}); err == nil {
		t.Error("a dry run made a pod")
	}
	generated := metav1.ObjectMeta{Namespace: "support", GenerateName: "generated-"}
	admitted(t, s.Create(t.Context(), makers["Pod"].make(generated, asking("delete"))), "scope delete is not declared")
	admitted(t, s.Create(t.Context(), makers["Pod"].make(generated, asking("read"))), "")
}

// THREATS 2.
func (s *apiServer) testServiceAccounts(t *testing.T) {
	s.declare(t, "read")
	tests := map[string]struct{ name, oldName, want string }{
		"by its name":               {"portal", "", ""},
		"by the old field":          {"", "portal", ""},
		"by both":                   {"portal", "portal", ""},
		"by both, and they differ":  {"portal", "default", ""},
		"by both, the other way":    {"default", "portal", "service account support/default asks for read and has no ServiceDelegation"},
		"by none, which is default": {"", "", "service account support/default asks for read and has no ServiceDelegation"},
	}
	for name, tt := range tests {
		for kind, path := range map[string][]string{"Pod": {"spec"}, "Deployment": {"spec", "template", "spec"}} {
			t.Run(kind+" "+name, func(t *testing.T) {
				m := makers[kind]
				o := &unstructured.Unstructured{}
				s.must(t, s.scheme.Convert(m.make(in("support", "spelt"), asking("read")), o, nil))
				for field, value := range map[string]string{"serviceAccountName": tt.name, "serviceAccount": tt.oldName} {
					unstructured.RemoveNestedField(o.Object, append(slices.Clip(path), field)...)
					if value != "" {
						s.must(t, unstructured.SetNestedField(o.Object, value, append(slices.Clip(path), field)...))
					}
				}
				admitted(t, s.Create(t.Context(), o, client.DryRunAll), tt.want)
			})
		}
	}
}

// THREATS 10: what asks for nothing, or for what it asked for before, needs no manager. Nothing else gets through.
func (s *apiServer) testManagerGone(t *testing.T) {
	for kind, m := range makers {
		t.Run(kind, func(t *testing.T) {
			admitted(t, s.Create(t.Context(), m.make(in("support", objectName(kind, "gone-plain")), plain())), "")
			admitted(t, s.Create(t.Context(), m.make(in("support", objectName(kind, "gone-aws")), mountingFor("sts.amazonaws.com"))), "")
			admitted(t, s.Create(t.Context(), m.make(in("support", objectName(kind, "gone-asking")), asking("read"))), "failed calling webhook")
			admitted(t, s.Create(t.Context(), m.make(in("support", objectName(kind, "gone-mounting")), mountingFor(DefaultExchangeAudience))), "failed calling webhook")
			admitted(t, s.Create(t.Context(), m.make(in("kube-system", objectName(kind, "gone")), asking("read"))), "")

			o := m.make(in("support", objectName(kind, "updated")), plain()) // asks for read
			s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(o), o))
			o.SetLabels(map[string]string{"app": "x", "touched": "yes"})
			o.SetFinalizers([]string{"behalf.dev/test"})
			admitted(t, s.Update(t.Context(), o), "")
			m.annotate(o, "delete")
			admitted(t, s.Update(t.Context(), o), "failed calling webhook")
		})
	}
	t.Run("a kubelet can write status", func(t *testing.T) {
		o := &corev1.Pod{ObjectMeta: in("support", "shown-status")}
		s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(o), o))
		o.Status.Phase = corev1.PodSucceeded
		admitted(t, s.Status().Update(t.Context(), o), "")
	})
	t.Run("a kubelet gets every token but those for the exchange", func(t *testing.T) {
		portal := in("support", "portal")
		pod := &corev1.Pod{ObjectMeta: in("support", "token-asks")}
		s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(pod), pod))
		admitted(t, token(t, s.asKubelet, portal, boundTo("Pod", pod.Name, pod.UID)), "")
		admitted(t, token(t, s.asKubelet, portal, boundTo("Pod", pod.Name, pod.UID), "sts.amazonaws.com"), "")
		admitted(t, token(t, s.asKubelet, portal, boundTo("Pod", pod.Name, pod.UID), DefaultExchangeAudience), "failed calling webhook")
		admitted(t, token(t, s.asKubelet, in("kube-system", "portal"), nil, DefaultExchangeAudience), "")
	})
	t.Run("a scheduler can bind", func(t *testing.T) {
		o := makers["Pod"].make(in("support", "gone-bound"), plain())
		s.must(t, s.Create(t.Context(), o))
		bind := &corev1.Binding{ObjectMeta: in("support", "gone-bound"), Target: corev1.ObjectReference{Kind: "Node", Name: "node"}}
		admitted(t, s.clients.CoreV1().Pods("support").Bind(t.Context(), bind, metav1.CreateOptions{}), "")
	})
}
