// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// token asks for a token of a service account, bound to an object where there is one.
func token(t *testing.T, as client.Client, account metav1.ObjectMeta, bound *authenticationv1.BoundObjectReference, audiences ...string) error {
	t.Helper()
	asked := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences, BoundObjectRef: bound}}
	err := as.SubResource("token").Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: account}, asked)
	if err == nil && asked.Status.Token == "" {
		t.Error("there is neither a token nor an error")
	}
	return err
}

func boundTo(kind, name string, uid types.UID) *authenticationv1.BoundObjectReference {
	return &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: kind, Name: name, UID: uid}
}

// runPod makes a pod on a node, where its kubelet asks for tokens.
func (s *apiServer) runPod(t *testing.T, name string, template corev1.PodTemplateSpec) *corev1.Pod {
	t.Helper()
	o := makers["Pod"].make(in("support", name), template).(*corev1.Pod)
	o.Spec.NodeName = "node"
	s.must(t, s.Create(t.Context(), o))
	return o
}

// THREATS 8: no token for the exchange without a pod that may have one.
func (s *apiServer) testTokens(t *testing.T) {
	s.declare(t, "read")
	s.must(t, client.IgnoreAlreadyExists(s.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}})))
	portal, other := in("support", "portal"), in("support", "default")
	s.must(t, s.Create(t.Context(), &corev1.Secret{ObjectMeta: in("support", "bound")}))
	asks := s.runPod(t, "token-asks", asking("read"))
	mounts := s.runPod(t, "token-mounts", mountingFor(DefaultExchangeAudience))
	silent := s.runPod(t, "token-silent", plain())
	const theirs = "sts.amazonaws.com"
	tests := map[string]struct {
		account   metav1.ObjectMeta
		bound     *authenticationv1.BoundObjectReference
		audiences []string
		want      string
	}{
		"for somebody else, bound to nothing":          {account: portal, audiences: []string{theirs}},
		"for the API server, which no audience means":  {account: portal},
		"bound to nothing":                             {account: portal, audiences: []string{DefaultExchangeAudience}, want: "the token is bound to no pod"},
		"among others, bound to nothing":               {account: portal, audiences: []string{theirs, DefaultExchangeAudience}, want: "the token is bound to no pod"},
		"bound to a Secret":                            {account: portal, bound: boundTo("Secret", "bound", ""), audiences: []string{DefaultExchangeAudience}, want: `bound to "Secret"`},
		"bound to a node":                              {account: portal, bound: boundTo("Node", "node", ""), audiences: []string{DefaultExchangeAudience}, want: `bound to "Node"`},
		"bound to a pod that passes":                   {account: portal, bound: boundTo("Pod", asks.Name, asks.UID), audiences: []string{DefaultExchangeAudience}},
		"among others, bound to a pod that passes":     {account: portal, bound: boundTo("Pod", mounts.Name, mounts.UID), audiences: []string{theirs, DefaultExchangeAudience}},
		"bound to a pod that mounts none, with bounds": {account: portal, bound: boundTo("Pod", silent.Name, silent.UID), audiences: []string{DefaultExchangeAudience}},
		"bound to a pod by its name alone":             {account: portal, bound: boundTo("Pod", asks.Name, ""), audiences: []string{DefaultExchangeAudience}},
		"bound to a pod that is gone":                  {account: portal, bound: boundTo("Pod", "gone", ""), audiences: []string{DefaultExchangeAudience}, want: `there is no "Pod" "gone"`},
		"bound to an earlier pod of the name":          {account: portal, bound: boundTo("Pod", asks.Name, "x"), audiences: []string{DefaultExchangeAudience}, want: "is another one"},
		"bound to a pod of another service account":    {account: other, bound: boundTo("Pod", asks.Name, asks.UID), audiences: []string{DefaultExchangeAudience}, want: "runs as service account support/portal"},
		"in a namespace that is not judged":            {account: in("kube-system", "portal"), audiences: []string{DefaultExchangeAudience}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			admitted(t, token(t, s.Client, tt.account, tt.bound, tt.audiences...), tt.want)
		})
	}
	t.Run("the kubelet asks for what a pod mounts, and has no way of its own", func(t *testing.T) {
		admitted(t, token(t, s.asKubelet, portal, boundTo("Pod", mounts.Name, mounts.UID), DefaultExchangeAudience), "")
		admitted(t, token(t, s.asKubelet, portal, nil, DefaultExchangeAudience), "the token is bound to no pod") // THREATS 4
	})
	t.Run("a CSI driver's token asks as a mounted one does", s.testCSIToken)
	t.Run("a pod whose bounds went has no further token", func(t *testing.T) {
		s.declare(t)
		s.eventually(t, "refused", func() error {
			err := token(t, s.Client, portal, boundTo("Pod", mounts.Name, mounts.UID), DefaultExchangeAudience)
			if err == nil {
				return errNotYet
			}
			admitted(t, err, "spec.audiences[0]: a token for the exchange asks for delegation, and service account support/portal has no ServiceDelegation")
			return nil
		})
		admitted(t, token(t, s.Client, portal, boundTo("Pod", mounts.Name, mounts.UID), theirs), "")
	})
}

// A pod gets a token for the exchange without mounting one where an administrator has a CSI driver ask for it.
func (s *apiServer) testCSIToken(t *testing.T) {
	s.must(t, s.Create(t.Context(), &storagev1.CSIDriver{
		ObjectMeta: metav1.ObjectMeta{Name: "secrets.example"},
		Spec: storagev1.CSIDriverSpec{
			TokenRequests:        []storagev1.TokenRequest{{Audience: DefaultExchangeAudience}},
			VolumeLifecycleModes: []storagev1.VolumeLifecycleMode{storagev1.VolumeLifecycleEphemeral},
		},
	}))
	template := plain()
	template.Spec.ServiceAccountName = "default" // which has no ServiceDelegation
	template.Spec.Volumes = []corev1.Volume{{Name: "csi", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "secrets.example"}}}}
	pod := s.runPod(t, "token-csi", template)
	err := token(t, s.asKubelet, in("support", "default"), boundTo("Pod", pod.Name, pod.UID), DefaultExchangeAudience)
	admitted(t, err, "service account support/default has no ServiceDelegation")
}
