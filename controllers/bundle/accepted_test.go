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

func server(uid types.UID, audience v1alpha1.Audience) *v1alpha1.ResourceServer {
	s := &v1alpha1.ResourceServer{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "tickets", UID: uid}}
	s.Spec.Audience = audience
	return s
}

func TestTheLastAcceptedFormStandsIn(t *testing.T) {
	name := types.NamespacedName{Namespace: "support", Name: "tickets"}
	good, bad, anew := server("u", "good"), server("u", "bad"), server("v", "bad")
	a := accepted{}
	for _, step := range []struct {
		sentence            string
		now                 *v1alpha1.ResourceServer
		report              compile.Report
		inForce, remembered *v1alpha1.ResourceServer
	}{
		{"before anything was accepted, nothing is remembered", bad, compile.Report{}, bad, nil},
		{"what is accepted is in force and remembered", good, compile.Report{Accepted: true}, good, good},
		{"it stands in for what is not", bad, compile.Report{StandIn: true}, good, good},
		{"where it cannot, what can be made out of the current form counts", bad, compile.Report{}, bad, good},
		{"one made anew under the name has nothing to go by (THREATS 12)", anew, compile.Report{}, anew, nil},
		{"what is accepted of that one is remembered", anew, compile.Report{Accepted: true}, anew, anew},
		{"of one that is gone nothing is", nil, compile.Report{}, nil, nil},
	} {
		inForce := a.after(name, step.now, step.report)
		if inForce != step.inForce || a[name] != step.remembered {
			t.Errorf("%s: in force is %v and remembered %v", step.sentence, inForce, a[name])
		}
	}
}
