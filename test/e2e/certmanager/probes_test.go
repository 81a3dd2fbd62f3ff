// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package certmanager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
)

// settled is how many probes in a row must be answered rightly before that counts as recovered.
const settled = 20

// probe is one look at what admission does. Policies judge pods beside the webhook, so that the Deployment is what the webhook
// alone keeps out.
type probe struct {
	began, ended time.Time
	// within, beyond and deployment are what was said to a pod within its bounds, to one beyond and to a Deployment of such.
	within, beyond, deployment error
	// free is what was said to pods that must be admitted at every moment.
	free error
}

func (p probe) String() string {
	return fmt.Sprintf("within its bounds: %v; beyond: %v; a Deployment of such: %v; kube-system's and others that ask for nothing: %v", p.within, p.beyond, p.deployment, p.free)
}

func (p probe) judged() bool {
	return p.deployment != nil && strings.Contains(p.deployment.Error(), "tickets:delete")
}

func (p probe) right() bool { return p.within == nil && p.judged() && p.beyond != nil && p.free == nil }

// probes ask for admission all the time.
type probes struct {
	s *stage

	mu  sync.Mutex
	all []probe
}

// probe declares tickets:read for a service account and nothing else, and asks until the test ends.
func (s *stage) probe() *probes {
	s.t.Helper()
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "support"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "portal"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "portal"}},
		&v1alpha1.ServiceDelegation{
			ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "portal"},
			Spec: v1alpha1.ServiceDelegationSpec{
				ServiceAccountName: "portal", Purpose: "Show customers their own tickets",
				Audiences: []v1alpha1.AudienceScopes{{Audience: "https://tickets.example", Scopes: []v1alpha1.ScopeName{"tickets:read"}}},
			},
		},
	} {
		s.await("creating "+object.GetName(), func(ctx context.Context) error {
			return client.IgnoreAlreadyExists(s.admin.Create(ctx, object))
		})
	}
	p := &probes{s: s}
	ctx, cancel := context.WithCancel(s.t.Context())
	var done sync.WaitGroup
	s.t.Cleanup(func() { cancel(); done.Wait() })
	done.Go(func() { wait.NonSlidingUntilWithContext(ctx, p.ask, 20*time.Millisecond) })
	return p
}

// ask asks for dry runs, which are admitted or refused as all else is, and leave nothing behind.
func (p *probes) ask(ctx context.Context) {
	create := func(object client.Object) error { return p.s.admin.Create(ctx, object, client.DryRunAll) }
	next := probe{began: time.Now()}
	next.within = create(pod("support", "tickets:read"))
	next.beyond = create(pod("support", "tickets:delete"))
	next.deployment = create(deployment("tickets:delete"))
	next.free = errors.Join(create(pod("kube-system", "")), create(pod("kube-system", "tickets:delete")), create(pod("support", "")))
	next.ended = time.Now()
	if ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, next)
}

func template(scopes string) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "probe"}},
		Spec:       corev1.PodSpec{ServiceAccountName: "portal", Containers: []corev1.Container{{Name: "c", Image: "registry.example/probe:1"}}},
	}
	if scopes != "" {
		t.Annotations = map[string]string{"behalf.dev/scopes": "https://tickets.example#" + scopes}
	}
	return t
}

func pod(namespace, scopes string) *corev1.Pod {
	t := template(scopes)
	t.Namespace, t.GenerateName = namespace, "probe-"
	return &corev1.Pod{ObjectMeta: t.ObjectMeta, Spec: t.Spec}
}

func deployment(scopes string) *appsv1.Deployment {
	t := template(scopes)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "support", GenerateName: "probe-"},
		Spec:       appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: t.Labels}, Template: t},
	}
}

// since gives the probes that began after a time.
func (p *probes) since(began time.Time) []probe {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.all), func(each probe) bool { return !each.began.After(began) })
}

// more waits until so many more have been asked.
func (p *probes) more(count int) {
	p.s.t.Helper()
	began := time.Now()
	p.s.await("probes are answered", func(context.Context) error {
		if asked := len(p.since(began)); asked < count {
			return fmt.Errorf("%d of %d", asked, count)
		}
		return nil
	})
}

// right waits until all is answered as it should be, and says from when on it was.
func (p *probes) right(began time.Time) time.Time {
	p.s.t.Helper()
	var first time.Time
	p.s.await("admission is right", func(context.Context) error {
		row, last := 0, probe{}
		for _, each := range p.since(began) {
			if row++; !each.right() {
				row, last = 0, each
			} else if row == 1 {
				first = each.ended
			}
		}
		if row < settled {
			return fmt.Errorf("%d in a row; the last that was wrong: %s", row, last)
		}
		return nil
	})
	return first
}

// never fails for every probe since then of which it is true.
func (p *probes) never(began time.Time, what string, is func(probe) bool) {
	p.s.t.Helper()
	found := slices.DeleteFunc(p.since(began), func(each probe) bool { return !is(each) })
	if len(found) > 0 {
		p.s.t.Errorf("%d times %s, the first %s after: %s", len(found), what, found[0].began.Sub(began), found[0])
	}
}

// lasted says for how long something was so, from the end of the probe before to the end of the one that says so.
func (p *probes) lasted(began time.Time, is func(probe) bool) (total time.Duration, times int) {
	last := began
	for _, each := range p.since(began) {
		if is(each) {
			total, times = total+each.ended.Sub(last), times+1
		}
		last = each.ended
	}
	return total.Round(time.Millisecond), times
}

func refused(p probe) bool { return p.within != nil }

// passed says that the webhook did not keep out what it should; podPassed, that nobody did.
func passed(p probe) bool    { return p.deployment == nil }
func podPassed(p probe) bool { return p.beyond == nil }
func locked(p probe) bool    { return p.free != nil }
