// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/webhook/workload"
)

const exchange = "behalf-exchange"

func asking(scopes string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "p", UID: "u", ResourceVersion: "1", Annotations: map[string]string{workload.ScopesAnnotation: scopes}},
		Spec:       corev1.PodSpec{ServiceAccountName: "portal", DeprecatedServiceAccount: "portal"},
	}
}

func mounting(audiences ...string) *corev1.Pod {
	p := asking("")
	p.Annotations = nil
	for _, audience := range audiences {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "e", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			corev1.Volume{Name: "t", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ConfigMap: &corev1.ConfigMapProjection{}}, {ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: audience, Path: "t"}},
			}}}})
	}
	return p
}

func kept(t testing.TB, full *corev1.Pod) *pod {
	t.Helper()
	object, err := slim(exchange)(full)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := object.(*pod)
	if !ok {
		t.Fatalf("%T is kept", object)
	}
	return p
}

// What is kept of a pod is what the webhook reads of it, so that both judge the same.
func TestAPodAsksHereForWhatItAsksAtAdmission(t *testing.T) {
	alias := asking("read")
	alias.Spec.ServiceAccountName = ""
	nobody := asking("read")
	nobody.Spec.ServiceAccountName, nobody.Spec.DeprecatedServiceAccount = "", ""
	both := mounting("", exchange)
	both.Annotations = map[string]string{workload.ScopesAnnotation: "read"}
	for name, full := range map[string]*corev1.Pod{
		"an annotation":                  asking("https://tickets.example#read write"),
		"an empty annotation":            asking(""),
		"an annotation of another name":  {ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"behalf.dev/scope": "read"}}},
		"the old name of an account":     alias, // THREATS 2
		"no account":                     nobody,
		"a token for the exchange":       mounting(exchange),
		"a token in a later volume":      mounting("", "sts.amazonaws.com", exchange),
		"a token for the API server":     mounting(""),
		"an annotation and a token":      both,
		"a pod of which nothing is said": {},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := json.Marshal(full)
			if err != nil {
				t.Fatal(err)
			}
			template, _, err := workload.Decode(schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, raw)
			if err != nil {
				t.Fatal(err)
			}
			want := template.Ask(exchange)
			p := kept(t, full)
			if p.asks() == want.Nothing() {
				t.Fatalf("it asks: %v, at admission for %+v", p.asks(), want)
			}
			if p.asks() && p.ask.Value() != want {
				t.Errorf("it asks for %+v, at admission for %+v", p.ask.Value(), want)
			}
		})
	}
}

func TestNothingElseOfAPodIsKept(t *testing.T) { // THREATS 25
	full := asking("read")
	full.Labels, full.Annotations["other"] = map[string]string{"a": "canary"}, "canary"
	full.Spec.Containers = []corev1.Container{{Name: "c", Env: []corev1.EnvVar{{Name: "PASSWORD", Value: "canary"}}}}
	full.OwnerReferences = []metav1.OwnerReference{{Kind: "Other", Name: "canary"}, {APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "rs", UID: "r", Controller: new(true)}}
	p := kept(t, full)
	if text := fmt.Sprintf("%+v %+v", p, p.ask.Value()); strings.Contains(text, "canary") || !strings.Contains(text, "read") {
		t.Errorf("kept: %s", text)
	}
	if p.ResourceVersion != "1" || p.UID != "u" {
		t.Error("the cache could not tell news from repetition")
	}
	if want := (owner{"apps/v1", "ReplicaSet", "rs", "r"}); p.workload() != want {
		t.Errorf("made by %+v, want %+v", p.workload(), want)
	}
	if _, err := slim(exchange)(&corev1.Node{}); err == nil {
		t.Error("a Node was taken for a pod")
	}
}

func TestThePodItselfIsNamedWhereNothingElseCanBe(t *testing.T) {
	self := owner{"v1", "Pod", "p", "u"}
	for name, owners := range map[string][]metav1.OwnerReference{
		"nobody made it":                nil,
		"its owner is no controller":    {{APIVersion: "v1", Kind: "ConfigMap", Name: "c", UID: "c"}},
		"it is the mirror of a static":  {{APIVersion: "v1", Kind: "Node", Name: "n", UID: "n", Controller: new(true)}},
		"its owner is not its only one": {{APIVersion: "a/v1", Kind: "A", Name: "a", UID: "a", Controller: new(false)}},
	} {
		t.Run(name, func(t *testing.T) {
			full := asking("read")
			full.OwnerReferences = owners
			if got := kept(t, full).workload(); got != self {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// Ten thousand pods as they are found in clusters cost the leader less than a kilobyte each, in the cache and in the sweep
// together; as the API server sends them they have eight.
func TestTenThousandPodsAreSmall(t *testing.T) {
	const pods, most = 10000, 1024
	s := testSweep(nil)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	cache := make(map[string]*pod, pods)
	for i := range pods {
		full := mounting(exchange)
		full.Annotations = map[string]string{workload.ScopesAnnotation: "https://tickets.example#tickets:read https://tickets.example#tickets:comment"}
		full.Name, full.UID = fmt.Sprintf("portal-7d9f8c6b5d-%05d", i), types.UID(fmt.Sprintf("2f1f8f2c-8d5e-4f0e-9a52-%012d", i))
		full.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "portal-7d9f8c6b5d", UID: "r", Controller: new(true)}}
		full.Spec.Containers = []corev1.Container{{Name: "c", Env: []corev1.EnvVar{{Name: "A", Value: strings.Repeat("x", 4096)}}}}
		p := kept(t, full)
		cache[full.Namespace+"/"+full.Name] = p
		s.pod(nil, p, s.now())
	}
	each := (heap() - before) / pods
	t.Logf("%d bytes a pod, %.1f MiB for %d", each, float64(each*pods)/(1<<20), pods)
	if each > most {
		t.Errorf("%d bytes are kept of each pod, more than %d", each, most)
	}
	runtime.KeepAlive(cache)
	runtime.KeepAlive(s)
}
