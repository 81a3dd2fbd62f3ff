// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"behalf.dev/behalf/test/report"
	"behalf.dev/behalf/webhook"
	"behalf.dev/behalf/webhook/workload"
)

const (
	// callers is how many connections ask at a time.
	callers = 32
	// differentPods is how many pods take turns.
	differentPods = 1000
	// latencyTurns is for how many turns in a row each is asked at half of the throughput.
	latencyTurns = 5
)

//go:embed pod.yaml
var podManifest []byte

// admissions is how the webhook fared.
type admissions struct {
	// ours and rival are questions answered in a second, at most, and ratio the median of one turn's over the other's.
	ours, rival, ratio float64
	// latencies at half of what the rival answers, those of the rival and of the floor at the same rate, and those at half of ours,
	// in rising order.
	latencies, rivals, floors, busier []time.Duration
	denials                           denials
}

// admit measures the webhook beside a handler that decodes the typed Pod and allows.
func (t *trial) admit(ctx context.Context) error {
	s := t.fleet.stage
	t.fleet.keep(t.streams[0]) // a thousand in the process that asks would have it wait for its own memory
	if _, err := s.settle(ctx, heldBack); err != nil {
		return err
	}
	reviews, err := s.reviews()
	if err != nil {
		return err
	}
	doors, err := s.doors(ctx, reviews)
	if err != nil {
		return err
	}
	if t.admissions, err = compare(ctx, doors, t.turn, t.turns); err != nil {
		return err
	}
	if err := t.admissions.atHalf(ctx, doors, latencyTurns*t.turn); err != nil {
		return err
	}
	progressf("%.0f admissions in a second, a typed handler %.0f; p99 at half of the latter %s, a typed handler %s, the floor %s; at half of the former %s",
		t.admissions.ours, t.admissions.rival, percentile(t.admissions.latencies, 99), percentile(t.admissions.rivals, 99),
		percentile(t.admissions.floors, 99), percentile(t.admissions.busier, 99))
	t.admissions.denials, err = s.throughAPIServer(ctx, t.pods)
	progressf("%d pods through the API server: %+v", t.pods, t.admissions.denials)
	return err
}

// doors are that of the manager, that of the rival and the floor.
type doors struct{ ours, rival, floor *door }

// atHalf measures latencies at half of the rival's throughput, which is what ours must at least be, and at half of ours.
func (a *admissions) atHalf(ctx context.Context, doors doors, while time.Duration) error {
	for _, measured := range []struct {
		door *door
		rate float64
		into *[]time.Duration
	}{
		{doors.ours, a.rival / 2, &a.latencies},
		{doors.rival, a.rival / 2, &a.rivals},
		{doors.floor, a.rival / 2, &a.floors},
		{doors.ours, a.ours / 2, &a.busier},
	} {
		var err error
		if *measured.into, err = measured.door.latencies(ctx, callers, measured.rate, while); err != nil {
			return err
		}
	}
	return nil
}

// compare lets one have its turn after the other.
func compare(ctx context.Context, doors doors, turn time.Duration, turns int) (admissions, error) {
	var mine, others, ratios []float64
	for i := range turns + 1 {
		var speeds [2]float64
		for k, d := range []*door{doors.ours, doors.rival} {
			var err error
			if speeds[k], err = d.throughput(ctx, callers, turn); err != nil {
				return admissions{}, err
			}
		}
		if i > 0 { // the first warms both up
			mine, others, ratios = append(mine, speeds[0]), append(others, speeds[1]), append(ratios, speeds[0]/speeds[1])
		}
	}
	return admissions{ours: median(mine), rival: median(others), ratio: median(ratios)}, nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

var errNoAuthority = errors.New("it holds no certificate")

// doors are all that are asked, once they answer.
func (s *stage) doors(ctx context.Context, reviews [][]byte) (doors, error) {
	ca, err := s.published(ctx, "behalf-ca", "ca.crt")
	if err != nil {
		return doors{}, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ca)) {
		return doors{}, fmt.Errorf("reading the manager's authority: %w", errNoAuthority)
	}
	address, err := s.startRival()
	if err != nil {
		return doors{}, err
	}
	// The rival is this program, on loopback, and nothing depends on what it says.
	unverified := &tls.Config{InsecureSkipVerify: true}
	all := doors{
		ours:  newDoor(s.manager.webhook, webhook.PathWorkloads, &tls.Config{RootCAs: roots}, reviews),
		rival: newDoor(address, rivalPath, unverified, reviews),
		floor: newDoor(address, floorPath, unverified, reviews),
	}
	for _, d := range []*door{all.ours, all.rival, all.floor} {
		if err := eventually(ctx, "the webhook at "+d.address, func(ctx context.Context) error {
			return d.everyCaller(ctx, 1, func(_ context.Context, c *caller, _ time.Time) error { return c.ask(d.requests[0]) })
		}); err != nil {
			return doors{}, err
		}
	}
	return all, nil
}

// reviews are what an API server asks about the creation of pods, each of which asks for a scope that it may have.
func (s *stage) reviews() ([][]byte, error) {
	var all [][]byte
	for i := range min(differentPods, len(s.objects.ServiceDelegations)) {
		pod, err := s.pod(i)
		if err != nil {
			return nil, err
		}
		raw, err := json.Marshal(pod)
		if err != nil {
			return nil, fmt.Errorf("encoding a pod: %w", err)
		}
		kind := metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}
		resource := metav1.GroupVersionResource{Version: "v1", Resource: "pods"}
		review := admissionv1.AdmissionReview{
			TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"},
			Request: &admissionv1.AdmissionRequest{
				UID: pod.UID, Kind: kind, Resource: resource, RequestKind: &kind, RequestResource: &resource,
				Namespace: pod.Namespace, Operation: admissionv1.Create, Object: runtime.RawExtension{Raw: raw}, DryRun: new(false),
				Options: runtime.RawExtension{Raw: []byte(`{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}`)},
			},
		}
		review.Request.UserInfo.Username = "system:serviceaccount:kube-system:replicaset-controller"
		review.Request.UserInfo.Groups = []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"}
		if raw, err = json.Marshal(review); err != nil {
			return nil, fmt.Errorf("encoding an AdmissionReview: %w", err)
		}
		all = append(all, raw)
	}
	return all, nil
}

// pod is one of the service that a delegation is about. It asks for all that the delegation declares, and mounts a token for
// the exchange.
func (s *stage) pod(delegation int) (*corev1.Pod, error) {
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(podManifest, &pod); err != nil {
		return nil, fmt.Errorf("reading the pod: %w", err)
	}
	d := &s.objects.ServiceDelegations[delegation]
	var asked []byte
	for _, scope := range d.Spec.Audiences[0].Scopes {
		asked = fmt.Appendf(asked, "%s#%s ", d.Spec.Audiences[0].Audience, scope)
	}
	pod.Namespace, pod.Annotations = d.Namespace, map[string]string{workload.ScopesAnnotation: string(asked)}
	pod.Spec.ServiceAccountName = string(d.Spec.ServiceAccountName)
	pod.Spec.DeprecatedServiceAccount = pod.Spec.ServiceAccountName
	return &pod, nil
}

func tellAdmissions(r *report.Report, all []*trial) {
	r.Heading("Admission")
	r.Printf("Pods that ask for what they may have, over TLS and %d connections. The rival is a handler of controller-runtime that decodes the\n"+
		"typed Pod and allows, in a process of its own; %d turns of %s each. Latencies count from when a question was due. All three are asked\n"+
		"half of what the typed handler answers, during %s each; then Behalf half of what it answers itself. The floor takes a question in\n"+
		"and answers without a look at it. Caller, webhook, API server and etcd share the processors.\n\n",
		callers, all[0].turns, all[0].turn, latencyTurns*all[0].turn)
	var rows [][]string
	for _, t := range all {
		a := t.admissions
		rows = append(rows, []string{
			counted(t.delegations), fmt.Sprintf("%.0f/s", a.ours), fmt.Sprintf("%.0f/s", a.rival), report.Number(a.ratio) + " ×",
			inWholeMicroseconds(percentile(a.latencies, 50)), inWholeMicroseconds(percentile(a.latencies, 99)), inWholeMicroseconds(most(a.latencies)),
			inWholeMicroseconds(percentile(a.rivals, 99)), inWholeMicroseconds(percentile(a.floors, 99)), inWholeMicroseconds(percentile(a.busier, 99)),
		})
		r.AtLeast(fmt.Sprintf("admissions over those of a typed handler, %s delegations", counted(t.delegations)), 0.9, a.ratio, "×")
		r.AtMost(fmt.Sprintf("an admission at half of a typed handler's load, %s delegations, p99", counted(t.delegations)), 10,
			inMilliseconds(percentile(a.latencies, 99)), "ms")
	}
	r.Table([]string{"delegations", "Behalf", "typed handler", "ratio", "latency, p50", "p99", "latest", "typed handler, p99", "floor, p99", "p99 at half of its own"}, rows)
	r.Printf("\nThrough the API server, by dry run, %d at a time; every tenth right after its service account and ServiceDelegation, tried\n"+
		"again as a pipeline does where it is refused:\n\n", creators)
	rows = nil
	for _, t := range all {
		d := t.admissions.denials
		rows = append(rows, []string{counted(t.delegations), counted(d.admitted + d.refused), counted(d.fresh), counted(d.retried), counted(d.refused)})
		r.AtMost(fmt.Sprintf("false denials in %s admissions, %s delegations", counted(d.admitted+d.refused), counted(t.delegations)), 0, float64(d.refused), "")
	}
	r.Table([]string{"delegations", "pods", "right after their ServiceDelegation", "of those, admitted at a later attempt", "refused"}, rows)
	if last := all[len(all)-1]; len(all) > 1 {
		r.AtLeast(fmt.Sprintf("admissions, %s delegations over %s, beside the typed handler's", counted(last.delegations), counted(all[0].delegations)),
			0.9, last.admissions.ratio/all[0].admissions.ratio, "×")
	}
}

func inWholeMicroseconds(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }
