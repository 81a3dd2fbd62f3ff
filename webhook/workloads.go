// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"behalf.dev/behalf/webhook/workload"
)

// bindingKind is what a scheduler posts to tie a pod to a node.
var bindingKind = schema.GroupVersionKind{Version: "v1", Kind: "Binding"}

// workloads judges pods, and what makes pods.
type workloads struct{ judge }

// Handle admits what asks for nothing, for what it asked for before, or for what its service account was given.
func (w *workloads) Handle(ctx context.Context, req admission.Request) admission.Response {
	kind := schema.GroupVersionKind(req.Kind)
	if kind == bindingKind {
		return judgeBinding(req.Object.Raw)
	}
	if req.Namespace == "" {
		return unreadable(errors.New("the request names no namespace"))
	}
	template, path, err := workload.Decode(kind, req.Object.Raw)
	if err != nil {
		return unreadable(err)
	}
	fresh, err := w.asksAnew(kind, req, &template)
	if err != nil {
		return unreadable(err)
	}
	if !fresh {
		return admission.Allowed("")
	}
	problems, err := w.problems(ctx, workload.Case{Namespace: req.Namespace, Template: template, Path: path})
	if err != nil {
		return undecidable(err)
	}
	return answer(problems)
}

// asksAnew says whether the template asks for something, and for something else than the object that it replaces.
func (w *workloads) asksAnew(kind schema.GroupVersionKind, req admission.Request, template *workload.Template) (bool, error) {
	ask := template.Ask(w.exchangeAudience)
	switch req.Operation {
	case admissionv1.Create:
		return !ask.Nothing(), nil
	case admissionv1.Update:
		old, _, err := workload.Decode(kind, req.OldObject.Raw)
		if err != nil {
			return false, fmt.Errorf("the object as it was: %w", err)
		}
		return !ask.Nothing() && !ask.Same(old.Ask(w.exchangeAudience)), nil
	case admissionv1.Delete, admissionv1.Connect:
	}
	return false, fmt.Errorf("operation %q writes no object", req.Operation)
}

// judgeBinding refuses a Binding that would put our annotation on a pod: the API server copies the annotations of the one
// to the other, and nobody has a reason to do it that way.
func judgeBinding(raw []byte) admission.Response {
	metadata, err := workload.DecodeMetadata(raw)
	if err != nil {
		return unreadable(err)
	}
	if _, there := metadata.Annotations[workload.ScopesAnnotation]; !there {
		return admission.Allowed("")
	}
	return refused([]problem{{
		field:   "metadata.annotations[" + workload.ScopesAnnotation + "]",
		message: "a Binding does not change what a pod asks for: set the annotation on the pod or its template",
	}})
}
