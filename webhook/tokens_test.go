// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// onePod is a cluster with one pod, or with an error.
type onePod struct {
	client.Reader
	pod *corev1.Pod
	err error
}

func (p onePod) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	switch {
	case p.err != nil:
		return p.err
	case p.pod == nil || key != client.ObjectKeyFromObject(p.pod):
		return apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, key.Name)
	default:
		p.pod.DeepCopyInto(into.(*corev1.Pod))
		return nil
	}
}

// running is the pod support/web of support/portal with an annotation; empty for none.
func running(scopes string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "web", UID: types.UID("u-1")}}
	pod.Spec.ServiceAccountName = "portal"
	if scopes != "" {
		pod.Annotations = map[string]string{"behalf.dev/scopes": scopes}
	}
	return pod
}

// THREATS 8, 5, 6.
func TestTokens(t *testing.T) {
	const (
		exchange = `{"spec":{"audiences":["behalf-exchange"]}}`
		bound    = `{"spec":{"audiences":["behalf-exchange"],"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"web","uid":"u-1"}}}`
	)
	down := errors.New("nobody answers")
	tests := map[string]struct {
		request      string
		pods         onePod
		cached, live source
		want         string // empty: admitted
	}{
		"a token for the API server is nobody's business":                 {request: `{"spec":{"audiences":["https://kubernetes.default.svc"]}}`, pods: onePod{err: down}, cached: source{err: down}},
		"a token without an audience, which is for the API server, too":   {request: `{"spec":{}}`, pods: onePod{err: down}, cached: source{err: down}},
		"one that only looks like the exchange's, too":                    {request: `{"spec":{"audiences":["behalf-exchange/","Behalf-exchange"]}}`, pods: onePod{err: down}},
		"one for the exchange that is bound to nothing is refused":        {request: exchange, cached: source{bounds: declared("read")}, want: "spec.boundObjectRef: the token is bound to no pod"},
		"one among several audiences counts":                              {request: `{"spec":{"audiences":["a","behalf-exchange","b"]}}`, want: "is bound to no pod"},
		"one that is bound to a Secret is refused":                        {request: `{"spec":{"audiences":["behalf-exchange"],"boundObjectRef":{"kind":"Secret","apiVersion":"v1","name":"web"}}}`, pods: onePod{pod: running("")}, cached: source{bounds: declared("read")}, want: `bound to "Secret" "web", and to no pod`},
		"one that is bound to a node is refused":                          {request: `{"spec":{"audiences":["behalf-exchange"],"boundObjectRef":{"kind":"Node","apiVersion":"v1","name":"web"}}}`, pods: onePod{pod: running("")}, cached: source{bounds: declared("read")}, want: `bound to "Node" "web", and to no pod`},
		"one that is bound to another group's Pod is refused":             {request: `{"spec":{"audiences":["behalf-exchange"],"boundObjectRef":{"kind":"Pod","apiVersion":"x/v1","name":"web"}}}`, pods: onePod{pod: running("")}, cached: source{bounds: declared("read")}, want: `bound to "Pod" "web", and to no pod`},
		"one that is bound to a pod that is not there is refused":         {request: bound, cached: source{bounds: declared("read")}, want: `there is no "Pod" "web" in namespace support`},
		"one that is bound to an earlier pod of the name is refused":      {request: `{"spec":{"audiences":["behalf-exchange"],"boundObjectRef":{"kind":"Pod","name":"web","uid":"u-0"}}}`, pods: onePod{pod: running("")}, cached: source{bounds: declared("read")}, want: "is another one, with the UID u-1"},
		"one that is bound to a pod whoever it is by now is judged":       {request: `{"spec":{"audiences":["behalf-exchange"],"boundObjectRef":{"kind":"Pod","name":"web"}}}`, pods: onePod{pod: running("read")}, cached: source{bounds: declared("read")}},
		"pods that cannot be read deny":                                   {request: bound, pods: onePod{err: down}, cached: source{bounds: declared("read")}, want: "denied, because it cannot be judged"},
		"a pod that stays within its bounds has its token":                {request: bound, pods: onePod{pod: running("read")}, cached: source{bounds: declared("read")}},
		"a pod without the annotation has its token, with any bounds":     {request: bound, pods: onePod{pod: running("")}, cached: source{bounds: declared("read")}},
		"a pod that asks for more than its bounds has none":               {request: bound, pods: onePod{pod: running("delete")}, cached: source{bounds: declared("read")}, live: source{bounds: declared("read")}, want: "spec.boundObjectRef: pod support/web does not pass: metadata.annotations[behalf.dev/scopes]: scope delete is not declared"},
		"a pod that mounts nothing and has no ServiceDelegation has none": {request: bound, pods: onePod{pod: running("")}, want: "spec.audiences[0]: a token for the exchange asks for delegation, and service account support/portal has no ServiceDelegation"},
		"what the cache does not know yet is looked up":                   {request: bound, pods: onePod{pod: running("read")}, live: source{bounds: declared("read")}},
		"a cache that is not in sync denies":                              {request: bound, pods: onePod{pod: running("read")}, cached: source{err: down}, live: source{bounds: declared("read")}, want: "nobody answers"},
		"an API server that does not answer denies":                       {request: bound, pods: onePod{pod: running("read")}, live: source{err: down}, want: "nobody answers"},
		"a panic denies":              {request: bound, pods: onePod{pod: running("read")}, cached: source{panics: true}, want: "panic"}, // THREATS 11
		"audiences twice are refused": {request: `{"spec":{"audiences":["a"],"audiences":["behalf-exchange"]}}`, want: "duplicate field"},
		"no object is refused":        {request: `null`, want: "there is no object"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			handler := &tokens{judge: judge{exchangeAudience: DefaultExchangeAudience, cached: &tt.cached, live: &tt.live}, pods: tt.pods}
			req := request(t, tokenRequestKind, "support", tt.request, nil)
			req.Name = "portal"
			check(t, newReviewEndpoint(handler, NewAnswers().of("tokens")).hook.Handle(t.Context(), req), tt.want)
		})
	}
	t.Run("a pod of another service account gives no token", func(t *testing.T) {
		handler := &tokens{judge: judge{exchangeAudience: DefaultExchangeAudience, cached: &source{bounds: declared("read")}}, pods: onePod{pod: running("read")}}
		req := request(t, tokenRequestKind, "support", bound, nil)
		req.Name = "other"
		check(t, handler.Handle(t.Context(), req), `"Pod" "web" runs as service account support/portal, and the token is one of support/other`)
		req.Name = ""
		check(t, handler.Handle(t.Context(), req), "names no service account")
	})
	t.Run("no other object is taken for a request", func(t *testing.T) {
		check(t, (&tokens{}).Handle(t.Context(), request(t, podKind, "support", asksNothing, nil)), "ask for no token")
	})
}
