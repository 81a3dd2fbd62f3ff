// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilwait "k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/test/stack"
)

const (
	// recoveryBound is what may pass until the cluster admits what it should and nothing else, unaided.
	recoveryBound = time.Minute
	// settled is how many pairs of probes in a row must be answered rightly before that counts as recovered.
	settled = 20
)

// What a round takes away.
var (
	secret         = registered("v1", "Secret", stack.Namespace, "behalf-serving-ca")
	validating     = registered("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", "behalf-validating")
	mutating       = registered("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "", "behalf-mutating")
	policy         = registered("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "", "behalf-grant-approval")
	policysBinding = registered("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "", "behalf-grant-approval")
	backstop       = registered("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "", "behalf-pods-namespaces")
	backstopsBind  = registered("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "", "behalf-pods-namespaces")
	authorities    = registered("v1", "ConfigMap", stack.Namespace, "behalf-ca")

	everything = []*unstructured.Unstructured{secret, validating, mutating, policy, policysBinding, backstop, backstopsBind, authorities}
)

func registered(version, kind, namespace, name string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetAPIVersion(version)
	u.SetKind(kind)
	u.SetNamespace(namespace)
	u.SetName(name)
	return u
}

// round is what is lost at once.
type round struct {
	processes bool
	objects   []*unstructured.Unstructured
}

func (r round) String() string {
	var lost []string
	if r.processes {
		lost = append(lost, "every manager process")
	}
	for _, o := range r.objects {
		lost = append(lost, o.GetKind()+" "+o.GetName())
	}
	return strings.Join(lost, ", ")
}

// rounds are all at once, again and again, and then each combination of processes, secret and webhook configurations.
func rounds(t *testing.T) []round {
	t.Helper()
	all := round{true, everything}
	if !*long {
		return []round{all, {false, []*unstructured.Unstructured{validating, backstop, backstopsBind}}, {true, []*unstructured.Unstructured{secret, mutating}}, all}
	}
	list := slices.Repeat([]round{all}, 20)
	parts := []*unstructured.Unstructured{secret, validating, mutating}
	for _, processes := range []bool{false, true} {
		for subset := range 1 << len(parts) {
			r := round{processes: processes}
			for i, part := range parts {
				if subset>>i&1 == 1 {
					r.objects = append(r.objects, part)
				}
			}
			if r.processes || len(r.objects) > 0 {
				list = append(list, r)
			}
		}
	}
	return list
}

// sample is one pair of probes.
type sample struct {
	began time.Time
	took  time.Duration
	// within says that what is within its bounds was admitted, refused that what is beyond was refused by judgement, and
	// passed that it was admitted.
	within, refused, passed bool
}

// probes ask for admission all the time.
type probes struct {
	client client.Client

	mu      sync.Mutex
	samples []sample
	// free counts what must be admitted at every moment, and wrong is what was not.
	free  int
	wrong []string
}

// THREATS 10: everything that admission rests on is lost, over and over; the cluster comes back by itself, and is never locked.
func TestAdmissionComesBackByItself(t *testing.T) {
	skipShort(t)
	ctx := t.Context()
	s := startReplicas(ctx, t)
	p := &probes{client: unthrottledAdmin(t, s)}
	prepare(ctx, t, p.client)
	stop := p.run(ctx)
	defer stop()
	p.await(ctx, t, time.Now())

	var recoveries, gaps, locks []time.Duration
	for i, r := range rounds(t) {
		lost := r.lose(ctx, t, s)
		recovered := p.await(ctx, t, lost)
		for _, o := range everything {
			await(ctx, t, o.GetKind()+" "+o.GetName()+" is there again", func() error {
				return p.client.Get(ctx, client.ObjectKeyFromObject(o), o.DeepCopy())
			})
		}
		there := time.Now()
		gap, lock := p.between(lost, recovered)
		t.Logf("round %d: admission was right again after %s, and all was there after %s; passed what it should not for %s, refused what it should not for %s; lost: %s",
			i+1, recovered.Sub(lost).Round(time.Millisecond), there.Sub(lost).Round(time.Millisecond), gap.Round(time.Millisecond), lock.Round(time.Millisecond), r)
		if recovered.Sub(lost) > recoveryBound || there.Sub(lost) > recoveryBound {
			t.Errorf("round %d took more than %s", i+1, recoveryBound)
		}
		recoveries, gaps, locks = append(recoveries, recovered.Sub(lost)), append(gaps, gap), append(locks, lock)
		for _, m := range s.Managers {
			mustBeReady(ctx, t, &m.Program)
		}
	}
	stop()
	t.Logf("%d rounds. Right again after: %s. Passed what it should not for: %s. Refused what it should not for: %s. "+
		"%d pods of kube-system, or that ask for nothing, %d of them refused",
		len(recoveries), spread(recoveries), spread(gaps), spread(locks), p.free, len(p.wrong))
	for i, problem := range p.wrong {
		if i == 5 {
			t.Errorf("… and %d more", len(p.wrong)-i)
			break
		}
		t.Error(problem)
	}
	if p.free < 100 {
		t.Errorf("only %d pods were to be admitted at every moment: this test proves nothing", p.free)
	}
}

func spread(all []time.Duration) string {
	all = slices.Sorted(slices.Values(all))
	return fmt.Sprintf("median %s, at most %s", all[len(all)/2].Round(time.Millisecond), all[len(all)-1].Round(time.Millisecond))
}

func startReplicas(ctx context.Context, t *testing.T) *stack.Stack {
	t.Helper()
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(ctx, stack.Options{
		Binaries: binariesFolder(t), Repository: repository, Dir: t.TempDir(), Progress: io.Discard, Replicas: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func unthrottledAdmin(t *testing.T, s *stack.Stack) client.Client {
	t.Helper()
	config := rest.CopyConfig(s.Cluster.Admin)
	config.QPS = -1
	c, err := client.New(config, client.Options{Scheme: s.Admin.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// prepare makes a service account that declares tickets:read and nothing else.
func prepare(ctx context.Context, t *testing.T, c client.Client) {
	t.Helper()
	declared := &v1alpha1.ServiceDelegation{
		ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "portal"},
		Spec: v1alpha1.ServiceDelegationSpec{
			ServiceAccountName: "portal", Purpose: "Show customers their own tickets",
			Audiences: []v1alpha1.AudienceScopes{{Audience: "https://tickets.example", Scopes: []v1alpha1.ScopeName{"tickets:read"}}},
		},
	}
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "support"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "portal"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "portal"}},
		declared,
	} {
		await(ctx, t, "creating "+object.GetName(), func() error { return client.IgnoreAlreadyExists(c.Create(ctx, object)) })
	}
}

// lose kills and deletes, starts the processes again as a kubelet does, and gives the time at which the first was lost.
func (r round) lose(ctx context.Context, t *testing.T, s *stack.Stack) time.Time {
	t.Helper()
	began := time.Now()
	if r.processes {
		for _, m := range s.Managers {
			m.Kill()
		}
	}
	for _, o := range r.objects {
		if err := s.Admin.Delete(ctx, o.DeepCopy()); err != nil {
			t.Fatal(err)
		}
	}
	if r.processes {
		for _, m := range s.Managers {
			if err := m.Start(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return began
}

func pod(namespace, scopes string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "probe-"},
		Spec:       corev1.PodSpec{ServiceAccountName: "portal", Containers: []corev1.Container{{Name: "c", Image: "registry.example/probe:1"}}},
	}
	if scopes != "" {
		p.Annotations = map[string]string{"behalf.dev/scopes": "https://tickets.example#" + scopes}
	}
	return p
}

// admit asks for admission, which a dry run does in full, and leaves nothing behind.
func (p *probes) admit(ctx context.Context, pod *corev1.Pod) error {
	return p.client.Create(ctx, pod, client.DryRunAll)
}

// run asks until it is stopped.
func (p *probes) run(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for _, ask := range []func(context.Context){p.askBoth, p.askFree} {
		all.Go(func() { utilwait.NonSlidingUntilWithContext(ctx, ask, 20*time.Millisecond) })
	}
	return func() { cancel(); all.Wait() }
}

func (p *probes) askBoth(ctx context.Context) {
	s := sample{began: time.Now()}
	within := p.admit(ctx, pod("support", "tickets:read"))
	beyond := p.admit(ctx, pod("support", "tickets:delete"))
	if ctx.Err() != nil {
		return
	}
	s.took = time.Since(s.began)
	s.within, s.passed = within == nil, beyond == nil
	// Unlike a refusal for want of an answer, one by judgement says of what.
	s.refused = beyond != nil && strings.Contains(beyond.Error(), "tickets:delete")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.samples = append(p.samples, s)
}

// askFree asks for what nobody may ever keep from running: the system's own pods, whatever they say, and those that ask for
// nothing.
func (p *probes) askFree(ctx context.Context) {
	for what, pod := range map[string]*corev1.Pod{
		"a pod of kube-system":                       pod("kube-system", ""),
		"a pod of kube-system that asks":             pod("kube-system", "tickets:delete"),
		"a pod of support that asks for nothing":     pod("support", ""),
		"a pod of Behalf's own namespace that asks":  podOfManager("tickets:delete"),
		"a pod of Behalf's own, as its managers are": podOfManager(""),
	} {
		err := p.admit(ctx, pod)
		if ctx.Err() != nil {
			return
		}
		p.mu.Lock()
		p.free++
		if err != nil {
			p.wrong = append(p.wrong, fmt.Sprintf("%s was refused: %v", what, err))
		}
		p.mu.Unlock()
	}
}

// podOfManager is one that pod security lets into Behalf's own namespace.
func podOfManager(scopes string) *corev1.Pod {
	p := pod(stack.Namespace, scopes)
	p.Spec.ServiceAccountName = "behalf-manager"
	p.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
	p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	return p
}

// since gives the samples that began after a time.
func (p *probes) since(began time.Time) []sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.samples, func(s sample) bool { return s.began.After(began) })
	if i < 0 {
		return nil
	}
	return slices.Clone(p.samples[i:])
}

// await gives the time from which on what is within was admitted, and what is beyond refused.
func (p *probes) await(ctx context.Context, t *testing.T, lost time.Time) time.Time {
	t.Helper()
	deadline := time.After(2 * recoveryBound)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		row := 0
		samples := p.since(lost)
		for _, s := range samples {
			if row++; !s.within || !s.refused {
				row = 0
			}
		}
		if row >= settled {
			first := samples[len(samples)-row]
			return first.began.Add(first.took)
		}
		select {
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		case <-deadline:
			t.Fatal(errors.New("admission never came right again"))
		case <-tick.C:
		}
	}
}

// between says for how long what is beyond was admitted, and what is within refused.
func (p *probes) between(lost, recovered time.Time) (gap, lock time.Duration) {
	last := lost
	for _, s := range p.since(lost) {
		if s.began.After(recovered) {
			break
		}
		at := s.began.Add(s.took)
		if s.passed {
			gap += at.Sub(last)
		}
		if !s.within {
			lock += at.Sub(last)
		}
		last = at
	}
	return gap, lock
}
