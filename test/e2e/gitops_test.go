// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/test/stack"
)

// mostAttempts is how often a pipeline applies its file: what lacks its namespace, or its ServiceDelegation, is there the next
// time, and one more is for good measure.
const mostAttempts = 3

// documents are what a team keeps in one file, by kind. NAME is the namespace's, and in whatever must be unlike others'.
var documents = map[string]string{
	"Namespace":      `{apiVersion: v1, kind: Namespace, metadata: {name: NAME, labels: {team: NAME}}}`,
	"ServiceAccount": `{apiVersion: v1, kind: ServiceAccount, metadata: {name: web, namespace: NAME}}`,
	"ResourceServer": `
apiVersion: behalf.dev/v1alpha1
kind: ResourceServer
metadata: {name: orders, namespace: NAME}
spec: {audience: "https://NAME.example", scopes: [{name: "orders:read"}, {name: "orders:write"}]}`,
	"DelegationPolicy": `
apiVersion: behalf.dev/v1alpha1
kind: DelegationPolicy
metadata: {name: NAME}
spec:
  effect: Permit
  actors: [{namespace: NAME, serviceAccount: web}]
  subjects: [{issuer: corp, all: true}]
  audiences: [{audience: "https://NAME.example", scopes: ["orders:*"]}]`,
	"ServiceDelegation": `
apiVersion: behalf.dev/v1alpha1
kind: ServiceDelegation
metadata: {name: web, namespace: NAME}
spec: {serviceAccountName: web, purpose: Test, audiences: [{audience: "https://NAME.example", scopes: ["orders:read"]}]}`,
	"Deployment": `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAME}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {behalf.dev/scopes: "https://NAME.example#orders:read"}}
    spec:
      serviceAccountName: web
      containers: [{name: web, image: web, volumeMounts: [{name: tokens, mountPath: /tokens}]}]
      volumes: [{name: tokens, projected: {sources: [{serviceAccountToken: {path: actor, audience: behalf-exchange}}]}}]`,
}

// TestGitOps has a pipeline apply all that a service needs in one file, in any order and with retries: whatever is refused
// then was asked for too early, and all pods come up. THREATS 6
func TestGitOps(t *testing.T) {
	skipShort(t)
	rounds := 10
	if *long {
		rounds = 200
	}
	ctx := t.Context()
	s := startBare(ctx, t)
	p := &pipeline{Stack: s, folder: t.TempDir()}
	for round := range rounds {
		p.apply(ctx, t, round)
	}
	for round := range rounds {
		p.comeUp(ctx, t, pipelineName(round))
	}
	refused, _ := s.Kubectl(ctx, "get", "events", "-A", "--field-selector=reason=FailedCreate", "-o", "jsonpath={.items[*].message}")
	if strings.Contains(refused, "denied the request") {
		t.Errorf("the webhook refused controllers pods: %s", refused)
	}
	t.Logf("%d rounds, %v attempts needed, %d refusals of what came too early, %d false denials; controllers had to try %d pods again, because the API server's policies did not know the bounds yet",
		rounds, p.attempts, p.early, p.falsely, strings.Count(refused, "denied request"))
	t.Run("a revision that somebody wrote gives no pods", func(t *testing.T) { p.rollBack(ctx, t, pipelineName(0)) })
}

// startBare brings up a stack with nothing applied.
func startBare(ctx context.Context, t *testing.T) *stack.Stack {
	t.Helper()
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(ctx, stack.Options{Binaries: binariesFolder(t), Repository: repository, Dir: t.TempDir(), Progress: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// pipeline applies files and counts.
type pipeline struct {
	*stack.Stack
	folder string
	// attempts is how many rounds needed so many.
	attempts       [mostAttempts + 1]int
	early, falsely int
}

func pipelineName(round int) string { return fmt.Sprintf("app-%d", round) }

// apply applies one file, in an order of its own, until kubectl finds no fault.
func (p *pipeline) apply(ctx context.Context, t *testing.T, round int) {
	t.Helper()
	name := pipelineName(round)
	random := rand.New(rand.NewPCG(uint64(round), 5))
	var order []string
	for kind := range documents {
		order = append(order, kind)
	}
	slices.Sort(order)
	random.Shuffle(len(order), func(i, k int) { order[i], order[k] = order[k], order[i] })
	var text strings.Builder
	for _, kind := range order {
		text.WriteString("---\n" + strings.ReplaceAll(documents[kind], "NAME", name) + "\n")
	}
	file := filepath.Join(p.folder, name+".yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	declared := false // before this attempt
	for attempt := 1; ; attempt++ {
		out, err := p.Kubectl(ctx, "apply", "-f", file)
		if err == nil {
			p.attempts[attempt]++
			return
		}
		now := strings.Contains(out, "servicedelegation.behalf.dev/web")
		inTime := declared || now && slices.Index(order, "ServiceDelegation") < slices.Index(order, "Deployment")
		if strings.Contains(err.Error(), "denied the request") {
			if inTime {
				p.falsely++
				t.Errorf("%s, in the order %v, attempt %d, is refused: %v", name, order, attempt, err)
			}
			p.early++
		}
		if attempt == mostAttempts {
			t.Fatalf("%s, in the order %v, is not applied after %d attempts: %v", name, order, attempt, err)
		}
		declared = declared || now
	}
}

// comeUp does for the pod of a Deployment what a scheduler and a kubelet do, its token for the exchange included.
func (p *pipeline) comeUp(ctx context.Context, t *testing.T, namespace string) {
	t.Helper()
	var pods corev1.PodList
	await(ctx, t, "there is a pod in "+namespace, func() error {
		if err := p.Admin.List(ctx, &pods, client.InNamespace(namespace)); err != nil || len(pods.Items) == 1 {
			return err
		}
		return fmt.Errorf("there are %d", len(pods.Items))
	})
	pod := &pods.Items[0]
	bind := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: pod.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: "node"}}
	asked := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences:      []string{"behalf-exchange"},
		BoundObjectRef: &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
	}}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: pod.Spec.ServiceAccountName}}
	err := errors.Join(
		p.Admin.SubResource("binding").Create(ctx, pod.DeepCopy(), bind),
		p.Admin.SubResource("token").Create(ctx, account, asked),
	)
	if err != nil {
		t.Fatalf("starting the pod of %s: %v", namespace, err)
	}
	running := pod.DeepCopy()
	running.Status.Phase = corev1.PodRunning
	running.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if err := p.Admin.Status().Patch(ctx, running, client.MergeFrom(pod)); err != nil {
		t.Fatalf("reporting the pod of %s: %v", namespace, err)
	}
	await(ctx, t, "the Deployment of "+namespace+" is available", func() error {
		var d appsv1.Deployment
		if err := p.Admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "web"}, &d); err != nil || d.Status.AvailableReplicas == 1 {
			return err
		}
		return fmt.Errorf("it says %+v", d.Status)
	})
}

// rollBack has a StatefulSet go back to a revision in which somebody wrote another template: revisions are not judged, and the
// pod that comes of one is. THREATS 1
func (p *pipeline) rollBack(ctx context.Context, t *testing.T, namespace string) {
	t.Helper()
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "state"}, Spec: appsv1.StatefulSetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "state"}},
		// Pods below the partition stay with the revision before.
		UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
			Type: appsv1.RollingUpdateStatefulSetStrategyType, RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(1))},
		},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "state"}, Annotations: map[string]string{"behalf.dev/scopes": "orders:read"}},
			Spec:       corev1.PodSpec{ServiceAccountName: "web", Containers: []corev1.Container{{Name: "state", Image: "state"}}},
		},
	}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(p.Admin.Create(ctx, set))
	first := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "state-0"}}
	await(ctx, t, "the first pod is made", func() error { return p.Admin.Get(ctx, client.ObjectKeyFromObject(first), first) })
	await(ctx, t, "there is a second revision", func() error {
		if err := p.Admin.Get(ctx, client.ObjectKeyFromObject(set), set); err != nil {
			return err
		}
		if set.Status.CurrentRevision != "" && set.Status.CurrentRevision != set.Status.UpdateRevision {
			return nil
		}
		set.Spec.Template.Labels["second"] = "yes"
		return errors.Join(errors.New("not yet"), p.Admin.Update(ctx, set))
	})
	revision := &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: set.Status.CurrentRevision}}
	must(p.Admin.Get(ctx, client.ObjectKeyFromObject(revision), revision))
	raw := strings.Replace(string(revision.Data.Raw), `"behalf.dev/scopes":"orders:read"`, `"behalf.dev/scopes":"orders:write"`, 1)
	if raw == string(revision.Data.Raw) {
		t.Fatalf("the revision holds no template that asks: %s", raw)
	}
	forged := revision.DeepCopy()
	forged.ResourceVersion, forged.UID, forged.Data = "", "", runtime.RawExtension{Raw: []byte(raw)}
	must(p.Admin.Delete(ctx, revision))
	must(p.Admin.Create(ctx, forged))
	must(p.Admin.Delete(ctx, first, client.GracePeriodSeconds(0)))
	await(ctx, t, "the controller is refused a pod", func() error {
		messages, err := p.Kubectl(ctx, "-n", namespace, "get", "events", "--field-selector=reason=FailedCreate", "-o", "jsonpath={.items[*].message}")
		if err != nil || strings.Contains(messages, "orders:write, which none of its ServiceDelegations declares") {
			return err
		}
		return fmt.Errorf("events say %q", messages)
	})
	var pods corev1.PodList
	must(p.Admin.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{"app": "state"}))
	for i := range pods.Items {
		if got := pods.Items[i].Annotations["behalf.dev/scopes"]; got != "orders:read" {
			t.Errorf("pod %s asks for %q", pods.Items[i].Name, got)
		}
	}
}
