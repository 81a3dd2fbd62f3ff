// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/test/worlds"
)

// scales are the worlds that are compared: ten times as much of everything but actors.
var scales = []struct{ delegations, servers, actors int }{{1000, 10, 1000}, {10000, 100, 1000}}

func BenchmarkWholeWorld(b *testing.B) {
	for _, size := range scales {
		b.Run(fmt.Sprint(size.delegations), func(b *testing.B) {
			w := worlds.Sized(size.delegations, size.servers, size.actors, worlds.Everything)
			b.ReportAllocs()
			for b.Loop() {
				compile.Compile(w)
			}
		})
	}
}

// BenchmarkOneChange compiles after one object has become another, and back.
func BenchmarkOneChange(b *testing.B) {
	for _, change := range oneChanges {
		for _, size := range scales {
			b.Run(fmt.Sprintf("%s/%d", change.of, size.delegations), func(b *testing.B) {
				change.bench(b, worlds.Sized(size.delegations, size.servers, size.actors, worlds.Everything))
			})
		}
	}
}

// BenchmarkJudge judges one object as admission does.
func BenchmarkJudge(b *testing.B) {
	for _, size := range scales {
		w := worlds.Sized(size.delegations, size.servers, size.actors, worlds.Everything)
		c := compile.NewCompiler()
		putWorld(c, w)
		c.Compile()
		b.Run(fmt.Sprintf("ServiceDelegation/%d", size.delegations), func(b *testing.B) { judge(b, c, &w.ServiceDelegations[0]) })
		b.Run(fmt.Sprintf("DelegationPolicy/%d", size.delegations), func(b *testing.B) { judge(b, c, &w.Policies[0]) })
		b.Run(fmt.Sprintf("ResourceServer/%d", size.delegations), func(b *testing.B) { judge(b, c, &w.ResourceServers[0]) })
	}
}

func judge[T compile.Reported](b *testing.B, c *compile.Compiler, object *T) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		compile.Judge(c, object)
	}
}

// oneChange gives an object of a World in two forms.
type oneChange struct {
	of    string
	bench func(*testing.B, compile.World)
}

var oneChanges = []oneChange{
	changing("ServiceDelegation", func(w *compile.World) (before, after *v1alpha1.ServiceDelegation) {
		before = &w.ServiceDelegations[len(w.ServiceDelegations)/2]
		after = before.DeepCopy()
		after.Spec.Audiences[0].Scopes = after.Spec.Audiences[0].Scopes[1:]
		return before, after
	}),
	changing("ServiceDelegation that hands on", func(w *compile.World) (before, after *v1alpha1.ServiceDelegation) {
		before = &w.ServiceDelegations[len(w.ServiceDelegations)/2]
		after = before.DeepCopy()
		after.Spec.Onward[0].Audiences[0].Scopes = after.Spec.Onward[0].Audiences[0].Scopes[1:]
		return before, after
	}),
	changing("DelegationPolicy", func(w *compile.World) (before, after *v1alpha1.DelegationPolicy) {
		before = &w.Policies[len(w.Policies)/2]
		after = before.DeepCopy()
		after.Spec.Subjects = after.Spec.Subjects[:1]
		return before, after
	}),
	changing("ResourceServer", func(w *compile.World) (before, after *v1alpha1.ResourceServer) {
		before = &w.ResourceServers[len(w.ResourceServers)/2]
		after = before.DeepCopy()
		after.Spec.Scopes[0].Entitlements = after.Spec.Scopes[0].Entitlements[:1]
		return before, after
	}),
	changing("ResourceServer of another host", func(w *compile.World) (before, after *v1alpha1.ResourceServer) {
		before = &w.ResourceServers[len(w.ResourceServers)/2]
		after = before.DeepCopy()
		after.Spec.Hosts = append(after.Spec.Hosts, "more.example")
		return before, after
	}),
	changing("DelegationRevocation", func(w *compile.World) (before, after *v1alpha1.DelegationRevocation) {
		before = &w.Revocations[len(w.Revocations)/2]
		after = before.DeepCopy()
		after.Spec.IssuedBefore = new(metav1.NewTime(time.Date(2026, 6, 1, 11, 0, 0, 0, time.UTC)))
		return before, after
	}),
	changing("DelegationRevocation and the list", func(w *compile.World) (before, after *v1alpha1.DelegationRevocation) {
		before = &w.Revocations[len(w.Revocations)/2]
		after = before.DeepCopy()
		after.Spec.IssuedBefore = new(metav1.NewTime(time.Date(2026, 6, 1, 11, 0, 0, 0, time.UTC)))
		return before, after
	}, func(c *compile.Compiler) { c.Revocations() }),
	changing("DelegationGrant", func(w *compile.World) (before, after *v1alpha1.DelegationGrant) {
		before = &w.Grants[len(w.Grants)/2]
		after = before.DeepCopy()
		after.Spec.State = v1alpha1.GrantDenied
		return before, after
	}),
	changing("labels of a Namespace", func(w *compile.World) (before, after *compile.Namespace) {
		return &w.Namespaces[0], &compile.Namespace{Name: w.Namespaces[0].Name, Labels: map[string]string{"another": "label"}}
	}),
	changing("ServiceAccount made anew", func(w *compile.World) (before, after *compile.ServiceAccount) {
		before = &w.ServiceAccounts[0]
		return before, &compile.ServiceAccount{Namespace: before.Namespace, Name: before.Name, UID: "another"}
	}),
}

// changing also does with the compiler what else there is to do after the change.
func changing[T compile.Object](of string, forms func(*compile.World) (before, after *T), then ...func(*compile.Compiler)) oneChange {
	return oneChange{of: of, bench: func(b *testing.B, w compile.World) {
		b.Helper()
		c := compile.NewCompiler()
		putWorld(c, w)
		c.Compile()
		before, after := forms(&w)
		b.ReportAllocs()
		for b.Loop() {
			compile.Put(c, after)
			c.Compile()
			for _, do := range then {
				do(c)
			}
			before, after = after, before
		}
	}}
}
