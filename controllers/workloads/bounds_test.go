// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"maps"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/webhook/workload"
)

const tickets = "https://tickets.example"

func scopesOf(names ...v1alpha1.ScopeName) []v1alpha1.AudienceScopes {
	return []v1alpha1.AudienceScopes{{Audience: tickets, Scopes: names}}
}

// declares is a ServiceDelegation of support/portal, with all that it declares in effect.
func declares(name string, scopes ...v1alpha1.ScopeName) declaration {
	return declaration{
		object: v1alpha1.ServiceDelegation{
			ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: name, UID: "d", Generation: 1},
			Spec:       v1alpha1.ServiceDelegationSpec{ServiceAccountName: "portal", Audiences: scopesOf(scopes...)},
		},
		compiled: true,
		report:   compile.Report{Accepted: true, Effective: scopesOf(scopes...)},
	}
}

// without takes the effect of some scopes away.
func (d declaration) without(why string, scopes ...v1alpha1.ScopeName) declaration {
	d.report.Effective = nil
	for _, scope := range scopes {
		d.report.Excess = append(d.report.Excess, v1alpha1.ExcessScope{Audience: tickets, Scope: scope, Reason: compile.ExcessNoPolicy, Message: why})
	}
	return d
}

func (d declaration) refused() declaration {
	d.report = compile.Report{}
	return d
}

func (d declaration) uncompiled() declaration {
	d.compiled, d.report = false, compile.Report{}
	return d
}

func TestIdleIsWhatIsDeclaredAndHasNoEffect(t *testing.T) {
	onward := declares("a", "read")
	onward.report.Excess = []v1alpha1.ExcessScope{{Audience: tickets, Scope: "read", Message: "no", To: &v1alpha1.ServiceAccountReference{Namespace: "billing", ServiceAccount: "x"}}}
	read := workload.Scope{Audience: tickets, Name: "read"}
	cases := map[string]struct {
		bounds bounds
		want   map[workload.Scope]string
	}{
		"nothing, where nothing is declared":                     {nil, nil},
		"nothing, where all has effect":                          {bounds{declares("a", "read")}, nil},
		"what a policy took away, with the compiler's word":      {bounds{declares("a", "read").without("no policy", "read")}, map[workload.Scope]string{read: "no policy"}},
		"what somebody may not do onward is not the pod's":       {bounds{onward}, nil},
		"what is not accepted":                                   {bounds{declares("a", "read").refused()}, map[workload.Scope]string{read: "ServiceDelegation support/a is not accepted; its status says why"}},
		"not what another one gives effect":                      {bounds{declares("a", "read").refused(), declares("b", "read")}, nil},
		"not what another one gives effect, in the other order":  {bounds{declares("a", "read"), declares("b", "read").refused()}, nil},
		"not what was not compiled yet":                          {bounds{declares("a", "read").uncompiled()}, nil},
		"not what another one may give effect once compiled":     {bounds{declares("a", "read").refused(), declares("b", "read").uncompiled()}, nil},
		"what was not compiled yet gives nothing to what it has": {bounds{declares("a", "read").without("no policy", "read"), declares("b", "write").uncompiled()}, map[workload.Scope]string{read: "no policy"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := c.bounds.idle(); !maps.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestBoundsAreTheSameWherePodsAreJudgedAlike(t *testing.T) {
	usual := bounds{declares("a", "read")}
	another := declares("a", "read")
	another.object.Generation = 2
	anew := declares("a", "read")
	anew.object.UID = "another"
	written := declares("a", "read")
	written.object.ResourceVersion = "7"
	cases := map[string]struct {
		other bounds
		want  bool
	}{
		"themselves":                {bounds{declares("a", "read")}, true},
		"after a write of status":   {bounds{written}, true},
		"in another generation":     {bounds{another}, false},
		"made anew under the name":  {bounds{anew}, false},
		"with less effect":          {bounds{declares("a", "read").without("no policy", "read")}, false},
		"no longer accepted":        {bounds{declares("a", "read").refused()}, false},
		"not compiled":              {bounds{declares("a", "read").uncompiled()}, false},
		"with one more beside them": {bounds{declares("a", "read"), declares("b", "read")}, false},
		"gone":                      {nil, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := usual.same(c.other); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
