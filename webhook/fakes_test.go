// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"encoding/json"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

const tickets = "https://tickets.example"

var podKind = schema.GroupVersionKind{Version: "v1", Kind: "Pod"}

// declared is a ServiceDelegation of the service account support/portal.
func declared(scopes ...v1alpha1.ScopeName) []*v1alpha1.ServiceDelegation {
	d := &v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "portal"}}
	d.Spec.ServiceAccountName = "portal"
	d.Spec.Audiences = []v1alpha1.AudienceScopes{{Audience: tickets, Scopes: scopes}}
	return []*v1alpha1.ServiceDelegation{d}
}

// source is a source of ServiceDelegations that counts how often it is asked.
type source struct {
	bounds []*v1alpha1.ServiceDelegation
	err    error
	panics bool
	asked  int
}

func (s *source) of(context.Context, string, string) ([]*v1alpha1.ServiceDelegation, error) {
	s.asked++
	if s.panics {
		panic("the source of ServiceDelegations")
	}
	return s.bounds, s.err
}

// noOthers are those of a manager that has not compiled anything yet.
type noOthers struct{}

func (noOthers) Consult(func(*compile.Compiler)) bool { return false }

// compiledOthers are those that a compiler was told of.
type compiledOthers struct{ compiler *compile.Compiler }

func (o compiledOthers) Consult(question func(*compile.Compiler)) bool {
	question(o.compiler)
	return true
}

// listedOthers are compiled anew at every question, of what a cache has.
type listedOthers struct{ reader client.Reader }

func (o listedOthers) Consult(question func(*compile.Compiler)) bool {
	var servers v1alpha1.ResourceServerList
	var policies v1alpha1.DelegationPolicyList
	var issuers v1alpha1.TrustedIssuerList
	var accounts corev1.ServiceAccountList
	c := compile.NewCompiler()
	for _, list := range []client.ObjectList{&servers, &policies, &issuers, &accounts} {
		if err := o.reader.List(context.Background(), list); err != nil {
			return false
		}
	}
	for i := range servers.Items {
		compile.Put(c, &servers.Items[i])
	}
	for i := range policies.Items {
		compile.Put(c, &policies.Items[i])
	}
	for i := range issuers.Items {
		compile.Put(c, &issuers.Items[i])
	}
	for i := range accounts.Items {
		compile.Put(c, &compile.ServiceAccount{Namespace: accounts.Items[i].Namespace, Name: accounts.Items[i].Name})
	}
	c.Compile()
	question(c)
	return true
}

// request for an object, on creation or, where there is an old one, on update.
func request(t *testing.T, kind schema.GroupVersionKind, namespace string, object, old any) admission.Request {
	t.Helper()
	req := admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		UID: "u", Kind: metav1.GroupVersionKind(kind), Namespace: namespace, Operation: admissionv1.Create, Object: raw(t, object),
	}}
	if old != nil {
		req.Operation, req.OldObject = admissionv1.Update, raw(t, old)
	}
	return req
}

func raw(t *testing.T, object any) runtime.RawExtension {
	t.Helper()
	if text, ok := object.(string); ok {
		return runtime.RawExtension{Raw: []byte(text)}
	}
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return runtime.RawExtension{Raw: text}
}
