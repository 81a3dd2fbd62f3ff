// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

func server(uid types.UID, audience v1alpha1.Audience) v1alpha1.ResourceServer {
	s := v1alpha1.ResourceServer{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "tickets", UID: uid}}
	s.Spec.Audience = audience
	s.Spec.Authorizers = []v1alpha1.ServiceAccountReference{{Namespace: "gate", ServiceAccount: v1alpha1.ServiceAccountName(audience)}}
	return s
}

func judged(r compile.Report) *compile.Result {
	return &compile.Result{Reports: map[compile.Key]compile.Report{{Kind: compile.KindResourceServer, Namespace: "support", Name: "tickets"}: r}}
}

func TestTheLastAcceptedFormStandsIn(t *testing.T) {
	name := types.NamespacedName{Namespace: "support", Name: "tickets"}
	var a accepted
	good, bad := []v1alpha1.ResourceServer{server("u", "good")}, []v1alpha1.ResourceServer{server("u", "bad")}

	if got := a.of(bad); len(got) != 0 {
		t.Fatalf("before anything was accepted %v may stand in", got)
	}
	a, forms := a.after(good, judged(compile.Report{Accepted: true}))
	if got := forms[name].authorizers[0].ServiceAccount; got != "good" {
		t.Errorf("accepted: its bundle goes to %s", got)
	}
	if got := a.of(bad)[name].Spec.Audience; got != "good" {
		t.Errorf("%q may stand in", got)
	}
	a, forms = a.after(bad, judged(compile.Report{StandIn: true}))
	if got := forms[name].authorizers[0].ServiceAccount; got != "good" {
		t.Errorf("the stand-in's bundle goes to %s", got)
	}
	_, forms = a.after(bad, judged(compile.Report{}))
	if got := forms[name].authorizers[0].ServiceAccount; got != "bad" {
		t.Errorf("without a stand-in, what can be made out of it goes to %s", got)
	}
	if got := a.of([]v1alpha1.ResourceServer{server("v", "bad")}); len(got) != 0 {
		t.Errorf("for one made anew under the name %v may stand in (THREATS 12)", got)
	}
	a, _ = a.after(nil, judged(compile.Report{}))
	if got := a.of(bad); len(got) != 0 {
		t.Errorf("of one that was gone %v may stand in", got)
	}
}
