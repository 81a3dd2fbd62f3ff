// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

func hosting(name string, hosts ...string) *v1alpha1.ResourceServer {
	rs := newServer(name, v1alpha1.Audience("https://"+name+".example"))
	rs.Spec.Hosts = hosts
	return rs
}

func trusting(name, url string) *v1alpha1.TrustedIssuer {
	return &v1alpha1.TrustedIssuer{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.TrustedIssuerSpec{
		URL: url, Audiences: []v1alpha1.Audience{"behalf"}, Algorithms: []v1alpha1.SignatureAlgorithm{"ES256"},
		Keys: v1alpha1.IssuerKeys{Type: v1alpha1.KeysDiscovery}, Scopes: v1alpha1.IssuerScopes{Type: v1alpha1.IssuerScopesUnbounded},
	}}
}

// accepting is the condition of an object that the controllers have accepted, or have not.
func accepting(status metav1.ConditionStatus) (conditions []metav1.Condition) {
	meta.SetStatusCondition(&conditions, metav1.Condition{Type: v1alpha1.ConditionAccepted, Status: status, Reason: "Test"})
	return conditions
}

// objectsAmong judges among these objects.
func objectsAmong(others ...client.Object) *objects {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	now := time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
	reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(others...).Build()
	return &objects{
		reader: reader,
		others: listedOthers{reader},
		clock:  func() time.Time { return now },
	}
}

// THREATS 41: nobody takes over by a change what another one was accepted with.
func TestAChangeTakesNothingOver(t *testing.T) {
	holder := func(status metav1.ConditionStatus, revision int64) *v1alpha1.ResourceServer {
		rs := hosting("holder", "held.example")
		rs.Status.Conditions, rs.Status.Bundle.Revision = accepting(status), revision
		return rs
	}
	corp := trusting("corp", "https://idp.example")
	corp.Status.Conditions = accepting(metav1.ConditionTrue)
	pending := trusting("pending", "https://later.example")
	says := func(field, who string) string { return field + ": " + who }
	const hostTaken = `ResourceServer support/holder was accepted with the host "held.example" and holds it; name another host, or have that one give it up first`
	tests := map[string]struct {
		others   []client.Object
		old, now client.Object
		kind     string
		refused  string
	}{
		"a host that an accepted one holds is refused": {
			[]client.Object{holder(metav1.ConditionTrue, 7)},
			hosting("meddler", "own.example"), hosting("meddler", "own.example", "held.example"),
			compile.KindResourceServer, says("spec.hosts[1]", hostTaken),
		},
		"so is that of one whose owner has to mend it": {
			[]client.Object{holder(metav1.ConditionFalse, 7)},
			hosting("meddler"), hosting("meddler", "held.example"),
			compile.KindResourceServer, says("spec.hosts[0]", hostTaken),
		},
		"one that was never accepted holds nothing": {
			[]client.Object{holder(metav1.ConditionFalse, 0)}, hosting("meddler"), hosting("meddler", "held.example"), compile.KindResourceServer, "",
		},
		"what was named before is no change": {
			[]client.Object{holder(metav1.ConditionTrue, 7)},
			hosting("late", "held.example"), hosting("late", "held.example", "own.example"),
			compile.KindResourceServer, "",
		},
		"the holder may add a host of its own": {
			[]client.Object{holder(metav1.ConditionTrue, 7)},
			hosting("holder", "held.example"), hosting("holder", "held.example", "more.example"),
			compile.KindResourceServer, "",
		},
		"a new object is warned and not refused": {
			[]client.Object{holder(metav1.ConditionTrue, 7)}, nil, hosting("new", "held.example"), compile.KindResourceServer, "",
		},
		"an issuer that an accepted one holds is refused": {
			[]client.Object{corp},
			trusting("shadow", "https://shadow.example"), trusting("shadow", "https://idp.example"), compile.KindTrustedIssuer,
			`spec.url: TrustedIssuer corp was accepted with the issuer "https://idp.example" and holds it; remove one of the two`,
		},
		"an issuer that nobody was accepted with is free": {
			[]client.Object{pending}, trusting("shadow", "https://shadow.example"), trusting("shadow", "https://later.example"), compile.KindTrustedIssuer, "",
		},
		"a new issuer is warned and not refused": {
			[]client.Object{corp}, nil, trusting("shadow", "https://idp.example"), compile.KindTrustedIssuer, "",
		},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			var old any
			if tt.old != nil {
				old = tt.old
			}
			got := objectsAmong(tt.others...).Handle(t.Context(),
				request(t, v1alpha1.GroupVersion.WithKind(tt.kind), tt.now.GetNamespace(), tt.now, old))
			if got.Allowed != (tt.refused == "") {
				t.Fatalf("allowed is %v: %+v", got.Allowed, got.Result)
			}
			if tt.refused != "" && !strings.HasSuffix(got.Result.Message, tt.refused) {
				t.Errorf("got %q, want %q", got.Result.Message, tt.refused)
			}
			if tt.old == nil && len(got.Warnings) == 0 {
				t.Error("there is no warning")
			}
		})
	}
}

// THREATS 10: who holds a host cannot be said, so nobody gets it.
func TestAChangeIsRefusedWhereNobodyKnowsWhoHolds(t *testing.T) {
	o := objectsAmong()
	o.reader = interceptor.NewClient(o.reader.(client.WithWatch), interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return errNotYet
		},
	})
	got := o.Handle(t.Context(), request(t, v1alpha1.GroupVersion.WithKind(compile.KindResourceServer), "support", hosting("a", "x.example"), hosting("a")))
	if got.Allowed || got.Result.Code != http.StatusInternalServerError {
		t.Errorf("got %+v", got)
	}
}

// What is wrong in itself reads like the schema's refusals, and not like a missing right.
func TestAnInvalidObjectIsInvalidAndNotForbidden(t *testing.T) {
	p := newPolicy("portal", tickets, v1alpha1.Condition{Expression: "context.purpose"})
	req := request(t, v1alpha1.GroupVersion.WithKind(compile.KindDelegationPolicy), "", p, nil)
	req.Name = p.Name
	got := objectsAmong().Handle(t.Context(), req).Result
	if got.Code != http.StatusUnprocessableEntity || got.Reason != metav1.StatusReasonInvalid {
		t.Errorf("got %d %s", got.Code, got.Reason)
	}
	const message = "the expression does not compile: line 1, column 1: the expression yields dyn, and a condition is a bool; " +
		"compare it, for example context.purpose == 'support'"
	if want := `DelegationPolicy "portal" is invalid: spec.conditions[0].expression: ` + message; got.Message != want {
		t.Errorf("got %q, want %q", got.Message, want)
	}
	if d := got.Details; d.Group != v1alpha1.GroupVersion.Group || d.Kind != "DelegationPolicy" || d.Name != "portal" {
		t.Errorf("got details %+v", d)
	}
	if c := got.Details.Causes; len(c) != 1 || c[0].Field != "spec.conditions[0].expression" || c[0].Message != message {
		t.Errorf("got causes %+v", c)
	}
}
