// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"behalf.dev/behalf/webhook/workload"
)

var tokenRequestKind = schema.GroupVersionKind{Group: "authentication.k8s.io", Version: "v1", Kind: "TokenRequest"}

// tokens judges requests for service account tokens. One for the exchange is as good as a pod that mounts it, and takes no
// right to make pods: it is given to a pod that passes, and to nobody else. ADR 0025
type tokens struct {
	judge
	// pods are asked of the API server and of no cache: the kubelet asks right after the pod was made, and seldom afterwards.
	pods client.Reader
}

// Handle admits what is not for the exchange, and what is bound to a pod that passes the judgement as it stands.
func (t *tokens) Handle(ctx context.Context, req admission.Request) admission.Response {
	if kind := schema.GroupVersionKind(req.Kind); kind != tokenRequestKind {
		return unreadable(fmt.Errorf("objects of kind %s ask for no token", kind))
	}
	if req.Namespace == "" || req.Name == "" {
		return unreadable(errors.New("the request names no service account"))
	}
	asked, err := workload.DecodeTokenRequest(req.Object.Raw)
	if err != nil {
		return unreadable(err)
	}
	field := asked.AudienceField(t.exchangeAudience)
	if field == "" {
		return admission.Allowed("")
	}
	pod, wrong, err := t.boundPod(ctx, req, asked.Bound)
	switch {
	case err != nil:
		return undecidable(err)
	case wrong != "":
		return refused([]problem{{field: "spec.boundObjectRef", message: wrong}})
	}
	problems, err := t.problems(ctx, workload.Case{Namespace: req.Namespace, Template: pod, Requested: field})
	if err != nil {
		return undecidable(err)
	}
	return answer(ofPod(problems, field, req.Namespace+"/"+asked.Bound.Name))
}

// boundPod is the pod to which the token is to be bound, or what is wrong with it.
func (t *tokens) boundPod(ctx context.Context, req admission.Request, bound *workload.BoundObject) (pod workload.Template, wrong string, err error) {
	const remedy = "a token for the exchange is given to a pod that may ask for delegation, and must be bound to it: " +
		"have the pod mount it by a projected volume"
	switch {
	case bound == nil:
		return pod, "the token is bound to no pod; " + remedy, nil
	case !bound.IsPod():
		return pod, fmt.Sprintf("the token is bound to %s, and to no pod; %s", bound, remedy), nil
	}
	var found corev1.Pod
	err = t.pods.Get(ctx, client.ObjectKey{Namespace: req.Namespace, Name: bound.Name}, &found)
	switch {
	case apierrors.IsNotFound(err):
		return pod, fmt.Sprintf("there is no %s in namespace %s; %s", bound, req.Namespace, remedy), nil
	case err != nil:
		return pod, "", fmt.Errorf("looking for the pod to which the token is bound: %w", err)
	case bound.UID != "" && bound.UID != string(found.UID):
		return pod, fmt.Sprintf("%s in namespace %s is another one, with the UID %s: ask again for that", bound, req.Namespace, found.UID), nil
	}
	pod = workload.TemplateOf(&found)
	if account := pod.Ask(t.exchangeAudience).ServiceAccount; account != req.Name {
		return pod, fmt.Sprintf("%s runs as service account %s/%s, and the token is one of %s/%s: ask in the name of the pod's own",
			bound, req.Namespace, account, req.Namespace, req.Name), nil
	}
	return pod, "", nil
}

// ofPod has problems that lie in the pod, and not in the request, say which pod.
func ofPod(problems []workload.Problem, field, pod string) []workload.Problem {
	for i, p := range problems {
		if p.Field != field {
			problems[i].Field, problems[i].Message = "spec.boundObjectRef", fmt.Sprintf("pod %s does not pass: %s", pod, p)
		}
	}
	return problems
}
