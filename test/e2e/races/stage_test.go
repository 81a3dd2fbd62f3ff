// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package races holds Behalf, as real processes, to what it says of bounds that shrink while pods come: that what is enforced
// is decided by, and that who is outside is found (THREATS 7).
package races

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/test/scenes"
	"behalf.dev/behalf/test/stack"
	"behalf.dev/behalf/webhook/workload"
)

var (
	binaries = flag.String("binaries", "../../../bin", "folder with manager, authorizer and issuer, as make build leaves them")
	long     = flag.Bool("long", false, "run 10,000 races and sweep over 10,000 pods, as make e2e does")
)

const (
	// soon is within how much time a pod outside its bounds is flagged.
	soon = 5 * time.Second
	// patience is how long is waited for what must come, where nobody promises when.
	patience = time.Minute
	// keep and race are the scopes of every audience; the second is what is taken away.
	keep = v1alpha1.ScopeName("keep")
	race = v1alpha1.ScopeName("race")
)

// either gives the number for a short run or that for a long one.
func either(short, whole int) int {
	if *long {
		return whole
	}
	return short
}

// startStack brings up a stack of the test's own, with the samples applied and enforced.
func startStack(t *testing.T) *stack.Stack {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a control plane and built binaries; run make test")
	}
	repository, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	bin, err := filepath.Abs(*binaries)
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), stack.Options{Binaries: bin, Repository: repository, Dir: t.TempDir(), Progress: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	if err := scenes.Setup(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// service is a service account, what it declares, and the API that that is for.
type service struct {
	namespace, name, api string
	declaration          *v1alpha1.ServiceDelegation
}

func newService(namespace, name, api string) *service {
	s := &service{namespace: namespace, name: name, api: api}
	s.declaration = &v1alpha1.ServiceDelegation{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       v1alpha1.ServiceDelegationSpec{ServiceAccountName: v1alpha1.ServiceAccountName(name), Purpose: "Race", Audiences: s.scopes(keep, race)},
	}
	return s
}

func (s *service) audience() v1alpha1.Audience {
	return v1alpha1.Audience("https://" + s.api + "." + s.namespace + ".example")
}

func (s *service) scopes(names ...v1alpha1.ScopeName) []v1alpha1.AudienceScopes {
	return []v1alpha1.AudienceScopes{{Audience: s.audience(), Scopes: names}}
}

func (s *service) account() *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: s.name}}
}

// server is the API.
func (s *service) server() *v1alpha1.ResourceServer {
	entitled := []v1alpha1.Entitlement{{Subjects: v1alpha1.SubjectSelector{Issuer: "corp", Groups: []v1alpha1.GroupName{"customers"}}}}
	return &v1alpha1.ResourceServer{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: s.api},
		Spec: v1alpha1.ResourceServerSpec{Audience: s.audience(), Scopes: []v1alpha1.Scope{
			{Name: keep, Entitlements: entitled}, {Name: race, Entitlements: entitled},
		}},
	}
}

// permit lets every service of a namespace use the APIs of these.
func permit(namespace string, services []*service, scopes ...v1alpha1.ScopeName) *v1alpha1.DelegationPolicy {
	p := &v1alpha1.DelegationPolicy{ObjectMeta: metav1.ObjectMeta{Name: namespace}, Spec: v1alpha1.DelegationPolicySpec{
		Effect:   v1alpha1.EffectPermit,
		Actors:   []v1alpha1.ActorSelector{{Namespace: v1alpha1.NamespaceName(namespace), All: new(true)}},
		Subjects: []v1alpha1.SubjectSelector{{Issuer: "corp", Groups: []v1alpha1.GroupName{"customers"}}},
	}}
	patterns := make([]v1alpha1.ScopePattern, len(scopes))
	for i, scope := range scopes {
		patterns[i] = v1alpha1.ScopePattern(scope)
	}
	for _, s := range services {
		p.Spec.Audiences = append(p.Spec.Audiences, v1alpha1.AudienceScopePatterns{Audience: s.audience(), Scopes: patterns})
	}
	return p
}

// asks is a pod of the service that asks for the scope that is taken away.
func (s *service) asks(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.namespace, Name: name, Annotations: map[string]string{workload.ScopesAnnotation: string(s.audience()) + "#" + string(race)},
		},
		Spec: corev1.PodSpec{ServiceAccountName: s.name, Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}
}

func create(t *testing.T, c client.Client, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatalf("creating %T %s: %v", object, client.ObjectKeyFromObject(object), err)
		}
	}
}

// status is what the API server's watch told of ServiceDelegations.
type status struct {
	mu     sync.Mutex
	latest map[string]*told
}

// told is the latest of one, and a channel that is closed when there is a later.
type told struct {
	object *v1alpha1.ServiceDelegation
	outrun chan struct{}
}

// follow watches a namespace until the test ends, from the beginning again where the API server ends the watch, as it does with who
// reads more slowly than a thousand statuses are written.
func follow(t *testing.T, c client.WithWatch, namespace string) *status {
	t.Helper()
	ctx := t.Context()
	s := &status{latest: map[string]*told{}}
	w, err := c.Watch(ctx, &v1alpha1.ServiceDelegationList{}, client.InNamespace(namespace))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for err == nil {
			for event := range w.ResultChan() {
				if d, ok := event.Object.(*v1alpha1.ServiceDelegation); ok {
					s.take(d)
				}
			}
			w, err = c.Watch(ctx, &v1alpha1.ServiceDelegationList{}, client.InNamespace(namespace))
		}
	}()
	return s
}

func (s *status) take(d *v1alpha1.ServiceDelegation) {
	before := s.of(d.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest[d.Name] = &told{object: d, outrun: make(chan struct{})}
	close(before.outrun)
}

func (s *status) of(name string) *told {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest[name] == nil {
		s.latest[name] = &told{object: &v1alpha1.ServiceDelegation{}, outrun: make(chan struct{})}
	}
	return s.latest[name]
}

// count is how the message begins that so many pods are outside.
func count(pods int) string {
	if pods == 1 {
		return "1 running pod asks "
	}
	return fmt.Sprintf("%d running pods ask ", pods)
}

// await waits until a condition of this generation, or a later one, is as wanted, and its message begins like that.
func (s *status) await(ctx context.Context, name string, generation int64, kind string, want metav1.ConditionStatus, message string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		latest := s.of(name)
		c := meta.FindStatusCondition(latest.object.Status.Conditions, kind)
		if c != nil && c.Status == want && c.ObservedGeneration >= generation && strings.HasPrefix(c.Message, message) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s of %s is never %s (%s) for generation %d: %+v", kind, name, want, message, generation, latest.object.Status.Conditions)
		case <-latest.outrun:
		}
	}
}

// spread says how a number of durations lie.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	slices.Sort(all)
	at := func(share float64) time.Duration { return all[int(share*float64(len(all)-1))].Round(time.Millisecond) }
	return fmt.Sprintf("half within %s, 99 of 100 within %s, all within %s", at(0.5), at(0.99), at(1))
}
