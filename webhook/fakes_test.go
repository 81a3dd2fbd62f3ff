// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"encoding/json"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"behalf.dev/behalf/api/v1alpha1"
)

const tickets = "https://tickets.example"

var podKind = schema.GroupVersionKind{Version: "v1", Kind: "Pod"}

// declared is a ServiceDelegation of the service account support/portal.
func declared(scopes ...v1alpha1.ScopeName) []v1alpha1.ServiceDelegation {
	d := v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "portal"}}
	d.Spec.ServiceAccountName = "portal"
	d.Spec.Audiences = []v1alpha1.AudienceScopes{{Audience: tickets, Scopes: scopes}}
	return []v1alpha1.ServiceDelegation{d}
}

// source is a source of ServiceDelegations that counts how often it is asked.
type source struct {
	bounds []v1alpha1.ServiceDelegation
	err    error
	panics bool
	asked  int
}

func (s *source) of(context.Context, string, string) ([]v1alpha1.ServiceDelegation, error) {
	s.asked++
	if s.panics {
		panic("the source of ServiceDelegations")
	}
	return s.bounds, s.err
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
