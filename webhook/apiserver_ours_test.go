// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"slices"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
)

func newGrant(name string, state v1alpha1.GrantState, approver *v1alpha1.Approver) *v1alpha1.DelegationGrant {
	return &v1alpha1.DelegationGrant{ObjectMeta: in("finance", name), Spec: v1alpha1.DelegationGrantSpec{
		Subject:  v1alpha1.SubjectReference{Issuer: "corp", ID: "alice"},
		Actor:    v1alpha1.ServiceAccountReference{Namespace: "finance", ServiceAccount: "workflow"},
		Audience: "https://payments.example", Scopes: []v1alpha1.ScopeName{"payments:execute"},
		Resource: &v1alpha1.GrantResource{Type: "invoice", ID: "inv-7"},
		NotAfter: metav1.NewTime(time.Date(2026, 6, 1, 11, 0, 0, 0, time.UTC)), State: state, Approver: approver,
	}}
}

// THREATS 42: whoever approves is recorded, and nobody else.
func (s *apiServer) testGrants(t *testing.T) {
	asCarol := s.clientAs(t, "carol@example.com", "finance-approvers")
	asDave := s.clientAs(t, "dave@example.com")
	forged := &v1alpha1.Approver{Username: "ceo@example.com", Groups: []v1alpha1.GroupName{"board"}}
	isOf := func(t *testing.T, name string, want v1alpha1.Username, group v1alpha1.GroupName) *v1alpha1.DelegationGrant {
		t.Helper()
		g := &v1alpha1.DelegationGrant{}
		s.must(t, s.Get(t.Context(), client.ObjectKey{Namespace: "finance", Name: name}, g))
		if want == "" {
			if g.Spec.Approver != nil {
				t.Errorf("got approver %+v, want none", g.Spec.Approver)
			}
			return g
		}
		if g.Spec.Approver == nil || g.Spec.Approver.Username != want || group != "" && !slices.Contains(g.Spec.Approver.Groups, group) {
			t.Errorf("got approver %+v, want %s in %s", g.Spec.Approver, want, group)
		}
		return g
	}
	t.Run("a request has no approver, whatever its writer says", func(t *testing.T) {
		s.must(t, asDave.Create(t.Context(), newGrant("asked", "", forged)))
		isOf(t, "asked", "", "")
	})
	t.Run("approving stamps the approver", func(t *testing.T) {
		g := isOf(t, "asked", "", "")
		g.Spec.State, g.Spec.Approver = v1alpha1.GrantApproved, forged
		s.must(t, asCarol.Update(t.Context(), g))
		isOf(t, "asked", "carol@example.com", "finance-approvers")
	})
	t.Run("the approver stays when another touches the grant", func(t *testing.T) {
		g := isOf(t, "asked", "carol@example.com", "")
		g.Spec.Approver = forged
		g.Labels = map[string]string{"touched": "yes"}
		s.must(t, asDave.Update(t.Context(), g))
		g.Spec.Approver = nil
		s.must(t, asDave.Update(t.Context(), g))
		isOf(t, "asked", "carol@example.com", "finance-approvers")
	})
	t.Run("nobody makes an approved grant: whoever made it would have asked for it", func(t *testing.T) {
		own := newGrant("own", v1alpha1.GrantApproved, forged)
		own.Spec.Requester = &v1alpha1.Requester{Username: "erin@example.com"}
		if err := asDave.Create(t.Context(), own); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "whoever asks for a grant does not approve it") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("whoever denies is recorded", func(t *testing.T) {
		s.must(t, asDave.Create(t.Context(), newGrant("denied", v1alpha1.GrantRequested, nil)))
		g := isOf(t, "denied", "", "")
		s.must(t, asCarol.Patch(t.Context(), g, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"state":"Denied"}}`))))
		isOf(t, "denied", "carol@example.com", "finance-approvers")
	})
	t.Run("namespaces where workloads are not judged have grants that are", func(t *testing.T) {
		g := newGrant("system", "", forged)
		g.Namespace = "kube-system"
		s.must(t, asDave.Create(t.Context(), g))
		g.Spec.State, g.Spec.Approver = v1alpha1.GrantApproved, forged
		s.must(t, asCarol.Update(t.Context(), g))
		if g.Spec.Requester.Username != "dave@example.com" || g.Spec.Approver.Username != "carol@example.com" {
			t.Errorf("got requester %+v, approver %+v", g.Spec.Requester, g.Spec.Approver)
		}
	})
}

// THREATS 42, 10: with the stamping webhook gone, a forged approver is refused by the other. The manager is gone here, so a
// new one is started.
func (s *apiServer) testUnstamped(t *testing.T) {
	stop := s.startManager(t)
	defer stop()
	s.must(t, s.Delete(t.Context(), &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "behalf-mutating"}}))
	s.eventually(t, "refused", func() error {
		err := s.Create(t.Context(), newGrant("forged", v1alpha1.GrantApproved, &v1alpha1.Approver{Username: "ceo@example.com"}), client.DryRunAll)
		if err == nil {
			return errNotYet
		}
		admitted(t, err, "it is not who makes this request")
		return nil
	})
}

func newServer(name string, audience v1alpha1.Audience) *v1alpha1.ResourceServer {
	return &v1alpha1.ResourceServer{ObjectMeta: in("support", name), Spec: v1alpha1.ResourceServerSpec{
		Audience: audience, Scopes: []v1alpha1.Scope{{Name: "tickets:read"}},
	}}
}

func entitling(o *v1alpha1.ResourceServer, expression string) *v1alpha1.ResourceServer {
	o.Spec.Scopes[0].Entitlements = []v1alpha1.Entitlement{{
		Subjects:   v1alpha1.SubjectSelector{Issuer: "corp", All: new(true)},
		Conditions: []v1alpha1.Condition{{Expression: expression}},
	}}
	return o
}

func routing(o *v1alpha1.ResourceServer, paths ...string) *v1alpha1.ResourceServer {
	for _, path := range paths {
		o.Spec.Routes = append(o.Spec.Routes, v1alpha1.Route{Match: v1alpha1.RouteMatch{Methods: []string{"GET"}, Path: path}, Scope: "tickets:read"})
	}
	return o
}

func newPolicy(name string, audience v1alpha1.Audience, conditions ...v1alpha1.Condition) *v1alpha1.DelegationPolicy {
	return &v1alpha1.DelegationPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.DelegationPolicySpec{
		Effect:     v1alpha1.EffectPermit,
		Actors:     []v1alpha1.ActorSelector{{Namespace: "support", ServiceAccount: "portal"}},
		Subjects:   []v1alpha1.SubjectSelector{{Issuer: "corp", All: new(true)}},
		Audiences:  []v1alpha1.AudienceScopePatterns{{Audience: audience, Scopes: []v1alpha1.ScopePattern{"tickets:*"}}},
		Conditions: conditions,
	}}
}

// What is certainly wrong is refused, and what the other objects make of it is a warning: the order of apply never matters.
func (s *apiServer) testObjects(t *testing.T) {
	s.declare(t)
	s.must(t, s.Create(t.Context(), newServer("old", "https://old.example")))
	s.eventually(t, "the cache knows the resource server", func() error {
		told, err := s.warnings.of(func() error { return s.Create(t.Context(), newServer("new", "https://old.example"), client.DryRunAll) })
		if err != nil || len(told) == 0 {
			return errNotYet
		}
		return nil
	})
	declaring := declared("tickets:read")[0]
	declaring.Spec.Purpose = "Test"
	tests := map[string]struct {
		object  client.Object
		refused string
		warned  string // empty: no warning
	}{
		"a resource server alone":                         {object: newServer("a", "https://a.example")},
		"a condition that does not compile":               {object: entitling(newServer("b", "https://b.example"), "subject.nonsense &&"), refused: "spec.scopes[0].entitlements[0].conditions[0].expression"},
		"a condition that is no bool":                     {object: entitling(newServer("c", "https://c.example"), "subject.id"), refused: "spec.scopes[0].entitlements[0].conditions[0].expression"},
		"routes that cannot be told apart":                {object: routing(newServer("d", "https://d.example"), "/t/{a}", "/t/{b}"), refused: "spec.routes[1]"},
		"an audience that another one holds is a warning": {object: newServer("e", "https://old.example"), warned: "spec.audience: "},
		"a policy for an audience that is not there yet":  {object: newPolicy("p", tickets), warned: "spec.audiences[0].audience: "},
		"a policy whose condition does not compile":       {object: newPolicy("q", tickets, v1alpha1.Condition{Expression: "no_such_thing"}), refused: "spec.conditions[0].expression"},
		"a declaration for an audience that is not there": {object: declaring, warned: "scope tickets:read of audience https://tickets.example has no effect yet: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			told, err := s.warnings.of(func() error { return s.Create(t.Context(), tt.object, client.DryRunAll) })
			admitted(t, err, tt.refused)
			if got := strings.Join(told, "\n"); tt.warned == "" && got != "" || !strings.Contains(got, tt.warned) {
				t.Errorf("got warnings %q, want %q", got, tt.warned)
			}
		})
	}
	t.Run("handing on to a service account that is not there is a warning, until it is there", func(t *testing.T) {
		s.makeNamespace(t, "billing")
		warned := func() bool {
			told, err := s.warnings.of(func() error { return s.Create(t.Context(), handingOn("stranger"), client.DryRunAll) })
			admitted(t, err, "")
			return strings.Contains(strings.Join(told, "\n"), "spec.onward[0].to: there is no service account billing/invoices; create it or correct the name")
		}
		if !warned() {
			t.Error("there is no warning")
		}
		s.must(t, s.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: in("billing", "invoices")}))
		s.eventually(t, "no warning", func() error {
			if warned() {
				return errNotYet
			}
			return nil
		})
	})
	t.Run("an update is judged, and one that leaves the spec alone is not", func(t *testing.T) {
		o := newServer("updated", "https://updated.example")
		s.must(t, s.Create(t.Context(), o))
		admitted(t, s.Update(t.Context(), entitling(o, "1 + 1")), "conditions[0].expression")
		s.must(t, s.Get(t.Context(), client.ObjectKeyFromObject(o), o))
		o.Finalizers = []string{"behalf.dev/test"}
		admitted(t, s.Update(t.Context(), o), "")
	})
}
