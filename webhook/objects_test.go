// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// What the other objects make of one that is applied is a warning, and never keeps it out.
func TestWarnings(t *testing.T) {
	c := compile.NewCompiler()
	old := newServer("old", tickets)
	old.CreationTimestamp = metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	compile.Put(c, old)
	compile.Put(c, trusting("corp", "https://idp.example"))
	for _, account := range []compile.ServiceAccount{{Namespace: "support", Name: "portal"}, {Namespace: "billing", Name: "invoices"}} {
		compile.Put(c, &account)
	}
	c.Compile()

	idle := newPolicy("idle", "https://nobody.example")
	many := newPolicy("many", tickets)
	many.Spec.Audiences[0].Scopes = nil
	for range 14 {
		many.Spec.Audiences[0].Scopes = append(many.Spec.Audiences[0].Scopes, v1alpha1.ScopePattern(strings.Repeat("x", 250)+":*"))
	}
	onwardTo := func(account v1alpha1.ServiceAccountName, scopes ...v1alpha1.ScopeName) *v1alpha1.ServiceDelegation {
		d := declared("tickets:read")[0]
		d.Spec.Audiences = nil
		d.Spec.Onward = []v1alpha1.Onward{{
			To:        v1alpha1.ServiceAccountReference{Namespace: "billing", ServiceAccount: account},
			Audiences: []v1alpha1.AudienceScopes{{Audience: tickets, Scopes: append(scopes, "tickets:read")}},
		}}
		return d
	}
	for sentence, tt := range map[string]struct {
		object client.Object
		want   []string
	}{
		"a policy that all is there for":              {newPolicy("p", tickets), nil},
		"a policy for an audience that nobody has":    {idle, []string{`spec.audiences[0].audience: no ResourceServer has the audience "https://nobody.example"`}},
		"an issuer whose keys nobody has fetched yet": {trusting("other", "https://other.example"), nil},
		"a resource server whose audience another has": {newServer("new", tickets), []string{
			`spec.audience: ResourceServer support/old is older and holds the audience "https://tickets.example"`,
		}},
		"a declaration that no policy permits": {declared("tickets:read")[0], []string{
			"scope tickets:read of audience https://tickets.example has no effect yet: no DelegationPolicy permits it to support/portal",
		}},
		"what is handed on to a service that may come to hand it on": {onwardTo("invoices", "tickets:burn"), []string{
			"scope tickets:burn of audience https://tickets.example, onward to billing/invoices, has no effect yet: ResourceServer support/old has no scope",
		}},
		"handing on to a service account that is not there": {onwardTo("nobody"), []string{
			"spec.onward[0].to: there is no service account billing/nobody; create it or correct the name",
		}},
		"more, and longer ones, than an API server passes on": {many, slices.Concat(
			slices.Repeat([]string{"spec.audiences[0].scopes["}, mostWarnings), []string{"and 4 more: see the object's status"})},
	} {
		t.Run(sentence, func(t *testing.T) {
			o := objectsAmong()
			o.others = compiledOthers{c}
			kind := v1alpha1.GroupVersion.WithKind(kindOf(tt.object))
			response := o.Handle(t.Context(), request(t, kind, tt.object.GetNamespace(), tt.object, nil))
			if !response.Allowed || len(response.Warnings) != len(tt.want) {
				t.Fatalf("allowed %v with %q, want %q", response.Allowed, response.Warnings, tt.want)
			}
			for i, want := range tt.want {
				if got := response.Warnings[i]; !strings.HasPrefix(got, want) || len([]rune(got)) > longestWarning {
					t.Errorf("warning %q, want %q", got, want)
				}
			}
			o.others = noOthers{}
			if response := o.Handle(t.Context(), request(t, kind, tt.object.GetNamespace(), tt.object, nil)); !response.Allowed || response.Warnings != nil {
				t.Errorf("before anything was compiled: allowed %v with %q", response.Allowed, response.Warnings)
			}
		})
	}
}

func kindOf(o client.Object) string {
	switch o.(type) {
	case *v1alpha1.ResourceServer:
		return compile.KindResourceServer
	case *v1alpha1.DelegationPolicy:
		return compile.KindDelegationPolicy
	case *v1alpha1.ServiceDelegation:
		return compile.KindServiceDelegation
	default:
		return compile.KindTrustedIssuer
	}
}

// What is wrong by itself keeps an object out, whoever has compiled what.
func TestFaults(t *testing.T) {
	broken := newPolicy("broken", tickets, v1alpha1.Condition{Expression: "no_such_thing"})
	for sentence, kind := range map[string]schema.GroupVersionKind{
		"a condition that does not compile": v1alpha1.GroupVersion.WithKind(compile.KindDelegationPolicy),
		"a kind that is not validated here": v1alpha1.GroupVersion.WithKind("DelegationTest"),
	} {
		if response := objectsAmong().Handle(t.Context(), request(t, kind, "", broken, nil)); response.Allowed {
			t.Errorf("%s: allowed", sentence)
		}
	}
}
